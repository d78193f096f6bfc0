-- Security labels of the schemas' objects and of the schemas themselves.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat security_labels.sql) | psql "$SOURCE"
--
-- Those of extensions' members, too, of which the node is the extension.
WITH label (class, object, sub_id, provider, text, extension_class, extension) AS (
    SELECT l.classoid, l.objoid, l.objsubid, l.provider, l.label, x.tableoid, x.oid
    FROM pg_catalog.pg_seclabel l
    LEFT JOIN pg_catalog.pg_depend member
           ON member.classid = l.classoid AND member.objid = l.objoid AND member.deptype = 'e'
    LEFT JOIN pg_catalog.pg_extension x ON x.oid = member.refobjid
), object (classid, objid, provider, text, object_as) AS (
    SELECT coalesce(m.extension_class, m.class), coalesce(m.extension, m.object), m.provider, m.text,
           'SCHEMA ' || pg_catalog.quote_ident(n.nspname)
    FROM label m
    JOIN pg_catalog.pg_namespace n ON n.oid = m.object AND n.tableoid = m.class
    WHERE n.oid = ANY ($1::pg_catalog.oid[])
    UNION ALL
    -- an identity sequence belongs to its table
    SELECT coalesce(m.extension_class, m.class), coalesce(m.extension, part.refobjid, m.object),
           m.provider, m.text,
           CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW '
                          WHEN 'S' THEN 'SEQUENCE ' WHEN 'f' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END
           || c.oid::pg_catalog.regclass
    FROM label m
    JOIN pg_catalog.pg_class c ON c.oid = m.object AND c.tableoid = m.class
    LEFT JOIN pg_catalog.pg_depend part
           ON part.classid = c.tableoid AND part.objid = c.oid AND part.deptype = 'i'
          AND part.refclassid = c.tableoid AND c.relkind = 'S'
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND m.sub_id = 0
      AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT CASE WHEN m.extension IS NOT NULL THEN m.extension_class
                WHEN c.relkind = 'c' THEN 'pg_catalog.pg_type'::pg_catalog.regclass
                ELSE m.class END,
           CASE WHEN m.extension IS NOT NULL THEN m.extension
                WHEN c.relkind = 'c' THEN c.reltype
                ELSE m.object END,
           m.provider, m.text,
           'COLUMN ' || c.oid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname)
    FROM label m
    JOIN pg_catalog.pg_class c ON c.oid = m.object AND c.tableoid = m.class
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = m.sub_id
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND m.sub_id > 0
    UNION ALL
    SELECT coalesce(m.extension_class, m.class), coalesce(m.extension, m.object), m.provider, m.text,
           CASE WHEN t.typtype = 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END
           || pg_catalog.format_type(t.oid, NULL)
    FROM label m
    JOIN pg_catalog.pg_type t ON t.oid = m.object AND t.tableoid = m.class
    WHERE t.typnamespace = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT coalesce(m.extension_class, m.class), coalesce(m.extension, m.object), m.provider, m.text,
           CASE WHEN a.aggfnoid IS NOT NULL
                THEN 'AGGREGATE ' || this.name || '('
                     || coalesce(NULLIF(pg_catalog.pg_get_function_identity_arguments(f.oid), ''),
                                 '*') || ')'
                WHEN pg_catalog.to_jsonb(f)->>'prokind' = 'p'
                THEN 'PROCEDURE ' || this.name || '('
                     || pg_catalog.pg_get_function_identity_arguments(f.oid) || ')'
                ELSE 'FUNCTION ' || f.oid::pg_catalog.regprocedure END
    FROM label m
    JOIN pg_catalog.pg_proc f ON f.oid = m.object AND f.tableoid = m.class
    LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = f.oid
    -- the name in a regprocedure: all up to the first parenthesis outside of double quotes
    CROSS JOIN LATERAL (
        SELECT pg_catalog.substring(f.oid::pg_catalog.regprocedure::pg_catalog.text,
                                    '^(?:"[^"]*"|[^"(])+') AS name) this
    WHERE f.pronamespace = ANY ($1::pg_catalog.oid[])
)
SELECT o.classid, o.objid,
       'SECURITY LABEL FOR ' || pg_catalog.quote_ident(o.provider) || ' ON ' || o.object_as
       || ' IS ' || pg_catalog.quote_literal(o.text) AS statement
FROM object o
ORDER BY o.classid, o.objid, o.object_as, o.provider;
