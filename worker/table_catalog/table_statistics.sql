-- Extended statistics objects on the table.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_statistics.sql) | psql "$SOURCE"
--
-- They may be in several schemas, so name is qualified here and in the other queries.
-- definition_middle is what pg_get_statisticsobjdef() prints between the object's name and
-- " FROM <table>"; null if the rest is not what is expected here.
SELECT pg_catalog.format('%I.%I', sn.nspname, s.stxname) AS name,
       sn.nspname AS schema,
       s.stxname AS object_name,
       sn.oid = tc.relnamespace AS in_schema_of_table,
       pg_catalog.pg_get_userbyid(s.stxowner) AS owner,
       CASE WHEN pg_catalog.left(def.text, pg_catalog.length(def.head)) = def.head
             AND pg_catalog.right(def.text, pg_catalog.length(def.tail)) = def.tail
            THEN pg_catalog.substr(def.text, pg_catalog.length(def.head) + 1,
                                   pg_catalog.length(def.text) - pg_catalog.length(def.head)
                                   - pg_catalog.length(def.tail))
       END AS definition_middle,
       NULLIF(pg_catalog.to_jsonb(s)->>'stxstattarget', '-1') AS statistics_target,
       coalesce(pg_catalog.to_jsonb(s)->>'stxexprs', '') LIKE '%:varattno 0 %' AS has_whole_row,
       (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT a.attname), '[]')
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = s.stxrelid AND a.attnum > 0
          AND (a.attnum = ANY (s.stxkeys::pg_catalog.int2[])
               OR EXISTS (SELECT FROM pg_catalog.pg_depend dep
                          WHERE dep.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
                            AND dep.objid = s.oid
                            AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND dep.refobjid = a.attrelid AND dep.refobjsubid = a.attnum))
       ) AS needs
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace sn ON sn.oid = s.stxnamespace
JOIN pg_catalog.pg_class tc ON tc.oid = s.stxrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_get_statisticsobjdef(s.oid) AS text,
           'CREATE STATISTICS ' || pg_catalog.quote_ident(sn.nspname)
           || '.' || pg_catalog.quote_ident(s.stxname) || ' ' AS head,
           ' FROM ' || pg_catalog.quote_ident(tn.nspname)
           || '.' || pg_catalog.quote_ident(tc.relname) AS tail) def
WHERE s.stxrelid = $1::pg_catalog.oid
ORDER BY s.stxname;
