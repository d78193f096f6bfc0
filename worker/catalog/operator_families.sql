-- Operator families, with the members that belong to no operator class.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat operator_families.sql) | psql "$SOURCE"
SELECT 'operator family' AS kind,
       f.tableoid AS classid,
       f.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       f.opfname || ' using ' || am.amname AS name,
       'OPERATOR FAMILY ' || this.name AS object_as,
       pg_catalog.pg_get_userbyid(f.opfowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array('CREATE OPERATOR FAMILY ' || this.name)
       || CASE WHEN members.list IS NULL THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER OPERATOR FAMILY ' || this.name || ' ADD ' || members.list)
          END AS create_sql,
       'DROP OPERATOR FAMILY IF EXISTS ' || this.name AS drop_sql,
       coalesce(older.list, '[]') AS needs
FROM pg_catalog.pg_opfamily f
JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_catalog.pg_am am ON am.oid = f.opfmethod
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.pg_opfamily_is_visible(f.oid) THEN ''
                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(f.opfname)
           || ' USING ' || pg_catalog.quote_ident(am.amname) AS name) this
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(m.text, ', ' ORDER BY m.position, m.number, m.text) AS list
    FROM (
        SELECT 1 AS position, ao.amopstrategy AS number,
               'OPERATOR ' || ao.amopstrategy || ' ' || ao.amopopr::pg_catalog.regoperator
               || coalesce(' FOR ORDER BY '
                           || CASE WHEN pg_catalog.pg_opfamily_is_visible(sf.oid) THEN ''
                                   ELSE pg_catalog.quote_ident(sn.nspname) || '.' END
                           || pg_catalog.quote_ident(sf.opfname), '') AS text
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_amop ao ON ao.oid = dep.objid AND ao.tableoid = dep.classid
        LEFT JOIN pg_catalog.pg_opfamily sf ON sf.oid = ao.amopsortfamily
        LEFT JOIN pg_catalog.pg_namespace sn ON sn.oid = sf.opfnamespace
        WHERE dep.refclassid = f.tableoid AND dep.refobjid = f.oid AND ao.amopfamily = f.oid
        UNION ALL
        SELECT 2, ap.amprocnum,
               'FUNCTION ' || ap.amprocnum
               || ' (' || pg_catalog.format_type(ap.amproclefttype, NULL)
               || ', ' || pg_catalog.format_type(ap.amprocrighttype, NULL) || ') '
               || ap.amproc::pg_catalog.oid::pg_catalog.regprocedure
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_amproc ap ON ap.oid = dep.objid AND ap.tableoid = dep.classid
        WHERE dep.refclassid = f.tableoid AND dep.refobjid = f.oid) m) members
-- Of two families with the same operators servers take the one with the lower OID for what an ORDER
-- BY means (and those of 18 sort the wrong way round by one that is in reverse): so they are made in
-- their order.
CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'classid', o.tableoid::pg_catalog.int8, 'objid', o.oid::pg_catalog.int8)) AS list
    FROM pg_catalog.pg_opfamily o
    WHERE am.amname = 'btree' AND o.opfmethod = f.opfmethod AND o.oid < f.oid
      AND o.opfnamespace = ANY ($1::pg_catalog.oid[])
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                      WHERE dep.classid = o.tableoid AND dep.objid = o.oid AND dep.deptype = 'e')
      AND EXISTS (SELECT FROM pg_catalog.pg_amop a
                  JOIN pg_catalog.pg_amop b ON b.amopopr = a.amopopr AND b.amopfamily = f.oid
                  WHERE a.amopfamily = o.oid)) older
WHERE f.opfnamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = f.tableoid AND dep.objid = f.oid AND dep.deptype = 'e')
ORDER BY n.nspname, f.opfname, am.amname;
