-- Triggers that users made; of those that a partition has from its parent only a different state.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat triggers.sql) | psql "$SOURCE"
--
-- pg_get_triggerdef() always qualifies the table: what stands before it is known, so it is replaced;
-- if it is not as expected here, the pretty form is taken, which names it by search_path. Bits of
-- tgtype: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate, 64 instead of.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f', 'v')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
on_extension AS (
    SELECT dep.objid, pg_catalog.jsonb_agg(e.extname ORDER BY e.extname) AS extensions
    FROM pg_catalog.pg_depend dep
    JOIN pg_catalog.pg_extension e ON e.oid = dep.refobjid
    WHERE dep.deptype = 'x' AND dep.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
      AND dep.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    GROUP BY dep.objid),
user_trigger AS (
    SELECT tg.oid, tg.tgrelid, tg.tgname, tg.tgenabled, tg.tgconstraint, tg.tgtype, tg.tgattr,
           parent.oid AS parent_oid, parent.tgenabled AS parent_enabled
    FROM relation r
    JOIN pg_catalog.pg_trigger tg ON tg.tgrelid = r.oid
    -- tgparentid came with 13
    LEFT JOIN pg_catalog.pg_depend dep
           ON dep.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND dep.objid = tg.oid
          AND dep.refclassid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
    LEFT JOIN pg_catalog.pg_trigger parent ON parent.oid = dep.refobjid
    -- those of foreign keys and deferred constraints are internal, as up to 14 are clones
    WHERE (NOT tg.tgisinternal OR parent.oid IS NOT NULL)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint con
                      WHERE con.oid = tg.tgconstraint AND con.contype <> 't')
      AND (parent.oid IS NULL OR parent.tgenabled <> tg.tgenabled))
SELECT 'trigger' AS kind,
       'pg_catalog.pg_trigger'::pg_catalog.regclass::pg_catalog.oid AS classid,
       tg.oid AS objid,
       r.nspname AS schema_name,
       tg.tgname || ' on ' || r.relname AS name,
       'TRIGGER ' || pg_catalog.quote_ident(tg.tgname) || ' ON ' || r.name AS object_as,
       r.oid AS table_oid,
       CASE WHEN tg.parent_oid IS NOT NULL THEN '[]'
            ELSE pg_catalog.jsonb_build_array(
                CASE WHEN pg_catalog.left(def.text, pg_catalog.length(def.head || def.qualified))
                          = def.head || def.qualified
                     THEN def.head || r.name
                          || pg_catalog.substr(def.text,
                                               pg_catalog.length(def.head || def.qualified) + 1)
                     ELSE pg_catalog.pg_get_triggerdef(tg.oid, true) END) END
       || CASE WHEN tg.tgenabled = 'O' AND tg.parent_oid IS NULL THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER ' || CASE r.relkind WHEN 'f' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END
                        || r.name
                        || CASE tg.tgenabled WHEN 'A' THEN ' ENABLE ALWAYS TRIGGER '
                                             WHEN 'R' THEN ' ENABLE REPLICA TRIGGER '
                                             WHEN 'D' THEN ' DISABLE TRIGGER '
                                             ELSE ' ENABLE TRIGGER ' END
                        || pg_catalog.quote_ident(tg.tgname)) END
       || coalesce((SELECT pg_catalog.jsonb_agg(
                               'ALTER TRIGGER ' || pg_catalog.quote_ident(tg.tgname) || ' ON '
                               || r.name || ' DEPENDS ON EXTENSION ' || pg_catalog.quote_ident(x.name))
                    FROM pg_catalog.jsonb_array_elements_text(e.extensions) x(name)), '[]')
           AS create_sql,
       CASE WHEN tg.parent_oid IS NULL
            THEN 'DROP TRIGGER IF EXISTS ' || pg_catalog.quote_ident(tg.tgname) || ' ON ' || r.name
       END AS drop_sql,
       CASE WHEN tg.parent_oid IS NULL THEN '[]'
            ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                     'classid',
                     'pg_catalog.pg_trigger'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8,
                     'objid', tg.parent_oid::pg_catalog.int8)) END AS needs
FROM user_trigger tg
JOIN relation r ON r.oid = tg.tgrelid
LEFT JOIN on_extension e ON e.objid = tg.oid
CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_get_triggerdef(tg.oid) AS text,
           'CREATE ' || CASE WHEN tg.tgconstraint <> 0 THEN 'CONSTRAINT ' ELSE '' END
           || 'TRIGGER ' || pg_catalog.quote_ident(tg.tgname)
           || CASE WHEN tg.tgtype & 2 <> 0 THEN ' BEFORE '
                   WHEN tg.tgtype & 64 <> 0 THEN ' INSTEAD OF ' ELSE ' AFTER ' END
           || pg_catalog.concat_ws(
                  ' OR ',
                  CASE WHEN tg.tgtype & 4 <> 0 THEN 'INSERT' END,
                  CASE WHEN tg.tgtype & 8 <> 0 THEN 'DELETE' END,
                  CASE WHEN tg.tgtype & 16 <> 0
                       THEN 'UPDATE' || coalesce(
                            ' OF ' || (SELECT pg_catalog.string_agg(
                                                  pg_catalog.quote_ident(a.attname), ', '
                                                  ORDER BY k.position)
                                       FROM pg_catalog.unnest(tg.tgattr::pg_catalog.int2[])
                                            WITH ORDINALITY k(number, position)
                                       JOIN pg_catalog.pg_attribute a
                                            ON a.attrelid = tg.tgrelid AND a.attnum = k.number), '')
                  END,
                  CASE WHEN tg.tgtype & 32 <> 0 THEN 'TRUNCATE' END)
           || ' ON ' AS head,
           pg_catalog.quote_ident(r.nspname) || '.' || pg_catalog.quote_ident(r.relname)
               AS qualified) def
ORDER BY r.nspname, r.relname, tg.tgname;
