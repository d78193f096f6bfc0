-- Comments on the schemas' objects, on the parts of these, and on the schemas themselves.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat comments.sql) | psql "$SOURCE"
--
-- The schema public has a comment from the start, so that the lack of one is a statement, too; but
-- a copy of it under another name is an ordinary schema.
WITH remark (class, object, sub_id, text) AS (
    SELECT d.classoid, d.objoid, d.objsubid, d.description
    FROM pg_catalog.pg_description d
    WHERE d.objoid >= 16384
    UNION ALL
    SELECT n.tableoid, n.oid, 0, pg_catalog.obj_description(n.oid, 'pg_namespace')
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname = 'public' AND n.oid < 16384
      AND (pg_catalog.current_setting('search_path') IN ('', '""')
           OR pg_catalog.obj_description(n.oid, 'pg_namespace') <> 'standard public schema')
), object (classid, objid, text, object_as) AS (
    -- classid and objid are those of the node
    SELECT m.class, m.object, m.text, 'SCHEMA ' || pg_catalog.quote_ident(n.nspname)
    FROM remark m
    JOIN pg_catalog.pg_namespace n ON n.oid = m.object AND n.tableoid = m.class
    WHERE n.oid = ANY ($1::pg_catalog.oid[])
    UNION ALL
    -- an identity sequence belongs to its table, the index of a constraint to that
    SELECT coalesce(part.refclassid, m.class), coalesce(part.refobjid, m.object), m.text,
           CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW '
                          WHEN 'S' THEN 'SEQUENCE ' WHEN 'f' THEN 'FOREIGN TABLE '
                          WHEN 'i' THEN 'INDEX ' WHEN 'I' THEN 'INDEX ' ELSE 'TABLE ' END
           || c.oid::pg_catalog.regclass::pg_catalog.text
    FROM remark m
    JOIN pg_catalog.pg_class c ON c.oid = m.object AND c.tableoid = m.class
    LEFT JOIN pg_catalog.pg_depend part
           ON part.classid = c.tableoid AND part.objid = c.oid AND part.deptype = 'i'
          AND ((c.relkind = 'S' AND part.refclassid = c.tableoid)
               OR (c.relkind IN ('i', 'I')
                   AND part.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass))
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND m.sub_id = 0
      AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I')
    UNION ALL
    SELECT CASE WHEN c.relkind = 'c' THEN 'pg_catalog.pg_type'::pg_catalog.regclass
                ELSE m.class END,
           CASE WHEN c.relkind = 'c' THEN c.reltype ELSE m.object END, m.text,
           'COLUMN ' || c.oid::pg_catalog.regclass::pg_catalog.text
           || '.' || pg_catalog.quote_ident(a.attname)
    FROM remark m
    JOIN pg_catalog.pg_class c ON c.oid = m.object AND c.tableoid = m.class
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = m.sub_id
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND m.sub_id > 0
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
    UNION ALL
    -- a NOT NULL is no node of its own, unless it comes after the data since it is not valid
    SELECT CASE WHEN con.contype <> 'n' OR late.object IS NOT NULL THEN m.class
                WHEN con.conrelid <> 0 THEN 'pg_catalog.pg_class'::pg_catalog.regclass
                ELSE 'pg_catalog.pg_type'::pg_catalog.regclass END,
           CASE WHEN con.contype <> 'n' THEN m.object
                WHEN late.object IS NOT NULL THEN late.object
                WHEN con.conrelid <> 0 THEN con.conrelid
                ELSE con.contypid END,
           m.text,
           'CONSTRAINT ' || pg_catalog.quote_ident(con.conname) || ' ON '
           || CASE WHEN con.conrelid <> 0 THEN con.conrelid::pg_catalog.regclass::pg_catalog.text
                   ELSE 'DOMAIN ' || pg_catalog.format_type(con.contypid, NULL) END
    FROM remark m
    JOIN pg_catalog.pg_constraint con ON con.oid = m.object AND con.tableoid = m.class
    -- its own, or that of the parent, with which it comes
    LEFT JOIN LATERAL (
        SELECT x.oid
        FROM pg_catalog.pg_constraint x
        WHERE x.contype = 'n' AND NOT x.convalidated AND x.conislocal
          AND (x.oid = con.oid
               OR (x.conname = con.conname AND NOT con.conislocal
                   AND x.conrelid IN (SELECT i.inhparent FROM pg_catalog.pg_inherits i
                                      WHERE i.inhrelid = con.conrelid)))
        LIMIT 1) late(object) ON con.contype = 'n'
    WHERE con.connamespace = ANY ($1::pg_catalog.oid[]) AND con.contype <> 't'
      AND (con.conrelid <> 0 OR con.contypid <> 0)
    UNION ALL
    SELECT m.class, m.object, m.text,
           'TRIGGER ' || pg_catalog.quote_ident(tg.tgname) || ' ON '
           || c.oid::pg_catalog.regclass::pg_catalog.text
    FROM remark m
    JOIN pg_catalog.pg_trigger tg ON tg.oid = m.object AND tg.tableoid = m.class
    JOIN pg_catalog.pg_class c ON c.oid = tg.tgrelid
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'RULE ' || pg_catalog.quote_ident(r.rulename) || ' ON '
           || c.oid::pg_catalog.regclass::pg_catalog.text
    FROM remark m
    JOIN pg_catalog.pg_rewrite r ON r.oid = m.object AND r.tableoid = m.class
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[])
      AND NOT (r.rulename = '_RETURN' AND r.ev_type = '1')
    UNION ALL
    SELECT m.class, m.object, m.text,
           'POLICY ' || pg_catalog.quote_ident(p.polname) || ' ON '
           || c.oid::pg_catalog.regclass::pg_catalog.text
    FROM remark m
    JOIN pg_catalog.pg_policy p ON p.oid = m.object AND p.tableoid = m.class
    JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           CASE WHEN t.typtype = 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END
           || pg_catalog.format_type(t.oid, NULL)
    FROM remark m
    JOIN pg_catalog.pg_type t ON t.oid = m.object AND t.tableoid = m.class
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
    WHERE t.typnamespace = ANY ($1::pg_catalog.oid[])
      AND (t.typrelid = 0 OR c.relkind = 'c') AND e.oid IS NULL AND t.typtype <> 'm'
    UNION ALL
    SELECT m.class, m.object, m.text,
           CASE WHEN a.aggfnoid IS NOT NULL
                THEN 'AGGREGATE ' || this.name || '('
                     || coalesce(NULLIF(pg_catalog.pg_get_function_identity_arguments(f.oid), ''),
                                 '*') || ')'
                WHEN pg_catalog.to_jsonb(f)->>'prokind' = 'p'
                THEN 'PROCEDURE ' || this.name || '('
                     || pg_catalog.pg_get_function_identity_arguments(f.oid) || ')'
                ELSE 'FUNCTION ' || f.oid::pg_catalog.regprocedure::pg_catalog.text END
    FROM remark m
    JOIN pg_catalog.pg_proc f ON f.oid = m.object AND f.tableoid = m.class
    LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = f.oid
    -- the name in a regprocedure: all up to the first parenthesis outside of double quotes
    CROSS JOIN LATERAL (
        SELECT pg_catalog.substring(f.oid::pg_catalog.regprocedure::pg_catalog.text,
                                    '^(?:"[^"]*"|[^"(])+') AS name) this
    WHERE f.pronamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'OPERATOR ' || o.oid::pg_catalog.regoperator::pg_catalog.text
    FROM remark m
    JOIN pg_catalog.pg_operator o ON o.oid = m.object AND o.tableoid = m.class
    WHERE o.oprnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'OPERATOR CLASS ' || CASE WHEN pg_catalog.pg_opclass_is_visible(o.oid) THEN ''
                                     ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(o.opcname) || ' USING ' || pg_catalog.quote_ident(am.amname)
    FROM remark m
    JOIN pg_catalog.pg_opclass o ON o.oid = m.object AND o.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
    JOIN pg_catalog.pg_am am ON am.oid = o.opcmethod
    WHERE o.opcnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'OPERATOR FAMILY ' || CASE WHEN pg_catalog.pg_opfamily_is_visible(o.oid) THEN ''
                                      ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(o.opfname) || ' USING ' || pg_catalog.quote_ident(am.amname)
    FROM remark m
    JOIN pg_catalog.pg_opfamily o ON o.oid = m.object AND o.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = o.opfnamespace
    JOIN pg_catalog.pg_am am ON am.oid = o.opfmethod
    WHERE o.opfnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'COLLATION ' || CASE WHEN pg_catalog.pg_collation_is_visible(c.oid) THEN ''
                                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(c.collname)
    FROM remark m
    JOIN pg_catalog.pg_collation c ON c.oid = m.object AND c.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    WHERE c.collnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'CONVERSION ' || CASE WHEN pg_catalog.pg_conversion_is_visible(c.oid) THEN ''
                                 ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(c.conname)
    FROM remark m
    JOIN pg_catalog.pg_conversion c ON c.oid = m.object AND c.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
    WHERE c.connamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'STATISTICS ' || CASE WHEN pg_catalog.pg_statistics_obj_is_visible(s.oid) THEN ''
                                 ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(s.stxname)
    FROM remark m
    JOIN pg_catalog.pg_statistic_ext s ON s.oid = m.object AND s.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE s.stxnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'TEXT SEARCH PARSER ' || CASE WHEN pg_catalog.pg_ts_parser_is_visible(p.oid) THEN ''
                                         ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(p.prsname)
    FROM remark m
    JOIN pg_catalog.pg_ts_parser p ON p.oid = m.object AND p.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
    WHERE p.prsnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'TEXT SEARCH TEMPLATE ' || CASE WHEN pg_catalog.pg_ts_template_is_visible(t.oid) THEN ''
                                           ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(t.tmplname)
    FROM remark m
    JOIN pg_catalog.pg_ts_template t ON t.oid = m.object AND t.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
    WHERE t.tmplnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'TEXT SEARCH DICTIONARY ' || CASE WHEN pg_catalog.pg_ts_dict_is_visible(d.oid) THEN ''
                                             ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(d.dictname)
    FROM remark m
    JOIN pg_catalog.pg_ts_dict d ON d.oid = m.object AND d.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
    WHERE d.dictnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT m.class, m.object, m.text,
           'TEXT SEARCH CONFIGURATION ' || CASE WHEN pg_catalog.pg_ts_config_is_visible(c.oid) THEN ''
                                                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(c.cfgname)
    FROM remark m
    JOIN pg_catalog.pg_ts_config c ON c.oid = m.object AND c.tableoid = m.class
    JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
    WHERE c.cfgnamespace = ANY ($1::pg_catalog.oid[])
)
SELECT o.classid, o.objid,
       'COMMENT ON ' || o.object_as || ' IS '
       || coalesce(pg_catalog.quote_literal(o.text), 'NULL') AS statement
FROM object o
-- what is a member of an extension has its comment from there
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = o.classid AND dep.objid = o.objid AND dep.deptype = 'e')
ORDER BY o.classid, o.objid, o.object_as;
