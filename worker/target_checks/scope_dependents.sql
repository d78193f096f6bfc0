-- What of others would go, break or stand in the way if these objects were dropped.
-- $1 = oids of their catalogs, $2 = their oids: two arrays of the same length.
-- psql 16+: (echo "\bind '{1259}' '{16384}'"; cat scope_dependents.sql) | psql "$TARGET"
--
-- description says it of one object and one of the given ones or of its parts. What depends on an
-- object automatically or internally is a part of it, but for partitions: they hold rows.
WITH RECURSIVE own (classid, objid) AS (
    SELECT o.classid, o.objid
    FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]),
                    pg_catalog.unnest($2::pg_catalog.oid[])) o(classid, objid)
    UNION
    SELECT dep.classid, dep.objid
    FROM own
    JOIN pg_catalog.pg_depend dep ON dep.refclassid = own.classid AND dep.refobjid = own.objid
    LEFT JOIN pg_catalog.pg_class c
           ON c.oid = dep.objid AND c.tableoid = dep.classid AND c.relkind IN ('r', 'p', 'f')
    WHERE dep.deptype IN ('a', 'i', 'P', 'S') AND c.oid IS NULL
), dependent (classid, objid, objsubid, refclassid, refobjid, refobjsubid) AS (
    SELECT DISTINCT coalesce(r.class, dep.classid), coalesce(r.ev_class, dep.objid),
           CASE WHEN r.ev_class IS NULL THEN dep.objsubid ELSE 0 END,
           dep.refclassid, dep.refobjid, dep.refobjsubid
    FROM own
    JOIN pg_catalog.pg_depend dep ON dep.refclassid = own.classid AND dep.refobjid = own.objid
    LEFT JOIN LATERAL (
        SELECT w.ev_class, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS class
        FROM pg_catalog.pg_rewrite w
        WHERE w.oid = dep.objid AND w.tableoid = dep.classid) r ON true
    WHERE dep.deptype <> 'e'
      AND (dep.classid, dep.objid) NOT IN (SELECT own.classid, own.objid FROM own)
)
SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on '
       || pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) AS description
FROM dependent d
UNION ALL
-- these would not stop a DROP, but the new table would not take the old one's place
SELECT pg_catalog.pg_describe_object(own.classid, own.objid, 0) || ' is a child or partition of table '
       || p.inhparent::pg_catalog.regclass
FROM own
JOIN pg_catalog.pg_class c ON c.tableoid = own.classid AND c.oid = own.objid
                          AND c.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_inherits p ON p.inhrelid = own.objid
WHERE (own.classid, p.inhparent) NOT IN (SELECT o.classid, o.objid FROM own o)
UNION ALL
SELECT pg_catalog.pg_describe_object(own.classid, own.objid, 0) || ' is in publication '
       || pg_catalog.quote_ident(pub.pubname)
FROM own
JOIN pg_catalog.pg_publication_rel pr
     ON own.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND pr.prrelid = own.objid
JOIN pg_catalog.pg_publication pub ON pub.oid = pr.prpubid
WHERE (pub.tableoid, pub.oid) NOT IN (SELECT o.classid, o.objid FROM own o)
ORDER BY description LIMIT 100;
