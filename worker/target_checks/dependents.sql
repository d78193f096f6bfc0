-- What of others would go, break or stand in the way if a table were dropped.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat dependents.sql) | psql "$TARGET"
--
-- The table's own parts are what depends on it automatically or internally; what depends on
-- these otherwise belongs to others.
WITH RECURSIVE own (classid, objid) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, $1::pg_catalog.oid
    UNION
    SELECT dep.classid, dep.objid
    FROM own
    JOIN pg_catalog.pg_depend dep ON dep.refclassid = own.classid AND dep.refobjid = own.objid
    WHERE dep.deptype IN ('a', 'i', 'P', 'S')
), dependent (description) AS (
    SELECT coalesce(
               (SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass,
                                                     r.ev_class, 0)
                FROM pg_catalog.pg_rewrite r
                WHERE dep.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                  AND r.oid = dep.objid),
               pg_catalog.pg_describe_object(dep.classid, dep.objid, dep.objsubid))
    FROM own
    JOIN pg_catalog.pg_depend dep ON dep.refclassid = own.classid AND dep.refobjid = own.objid
    WHERE dep.deptype NOT IN ('a', 'i', 'P', 'S')
      AND (dep.classid, dep.objid) NOT IN (SELECT own.classid, own.objid FROM own)
    -- these would not stop DROP TABLE, but the new table would not take the old one's place
    UNION
    SELECT 'it is a child or partition of table ' || p.inhparent::pg_catalog.regclass::pg_catalog.text
    FROM pg_catalog.pg_inherits p
    WHERE p.inhrelid = $1::pg_catalog.oid
    UNION
    SELECT 'publication ' || pg_catalog.quote_ident(pub.pubname)
    FROM pg_catalog.pg_publication_rel pr
    JOIN pg_catalog.pg_publication pub ON pub.oid = pr.prpubid
    WHERE pr.prrelid = $1::pg_catalog.oid
)
SELECT d.description FROM dependent d ORDER BY d.description LIMIT 30;
