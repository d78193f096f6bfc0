-- The triggers that users made, those included that a partition has from its parent.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_triggers.sql) | psql "$SOURCE"
--
-- definition_head ends with " ON ", then comes the table, then definition_tail; both are null if
-- pg_get_triggerdef() does not print what is expected here. Bits of tgtype: 1 row, 2 before,
-- 4 insert, 8 delete, 16 update, 32 truncate, 64 instead of.
SELECT tg.tgname AS name,
       tg.tgenabled AS enabled,
       CASE WHEN pg_catalog.left(def.text, pg_catalog.length(def.head || def.relation)) = def.head || def.relation
            THEN def.head END AS definition_head,
       CASE WHEN pg_catalog.left(def.text, pg_catalog.length(def.head || def.relation)) = def.head || def.relation
            THEN pg_catalog.substr(def.text, pg_catalog.length(def.head || def.relation) + 1)
       END AS definition_tail,
       (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT a.attname), '[]')
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = tg.tgrelid AND a.attnum > 0
          AND (a.attnum = ANY (tg.tgattr::pg_catalog.int2[])
               OR EXISTS (SELECT FROM pg_catalog.pg_depend dep
                          WHERE dep.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
                            AND dep.objid = tg.oid
                            AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND dep.refobjid = a.attrelid AND dep.refobjsubid = a.attnum))
       ) AS needs
FROM pg_catalog.pg_trigger tg
JOIN pg_catalog.pg_class tc ON tc.oid = tg.tgrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_get_triggerdef(tg.oid) AS text,
           'CREATE ' || CASE WHEN tg.tgconstraint <> 0 THEN 'CONSTRAINT ' ELSE '' END
           || 'TRIGGER ' || pg_catalog.quote_ident(tg.tgname)
           || CASE WHEN tg.tgtype & 2 <> 0 THEN ' BEFORE ' WHEN tg.tgtype & 64 <> 0 THEN ' INSTEAD OF '
                   ELSE ' AFTER ' END
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
           pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(tc.relname)
           || ' ' AS relation) def
WHERE tg.tgrelid = $1::pg_catalog.oid
  AND (NOT tg.tgisinternal
       OR (tg.tgconstraint = 0
           AND EXISTS (SELECT FROM pg_catalog.pg_depend dep
                       WHERE dep.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
                         AND dep.objid = tg.oid
                         AND dep.refclassid = 'pg_catalog.pg_trigger'::pg_catalog.regclass)))
ORDER BY tg.tgname;
