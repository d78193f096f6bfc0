-- Operator classes. Their families are objects of their own, also where CREATE OPERATOR CLASS made
-- them.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat operator_classes.sql) | psql "$SOURCE"
SELECT 'operator class' AS kind,
       c.tableoid AS classid,
       c.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       c.opcname || ' using ' || am.amname AS name,
       'OPERATOR CLASS ' || this.name
       || ' USING ' || pg_catalog.quote_ident(am.amname) AS object_as,
       pg_catalog.pg_get_userbyid(c.opcowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE OPERATOR CLASS ' || this.name
           || CASE WHEN c.opcdefault THEN ' DEFAULT' ELSE '' END
           || ' FOR TYPE ' || pg_catalog.format_type(c.opcintype, NULL)
           || ' USING ' || pg_catalog.quote_ident(am.amname)
           || ' FAMILY ' || CASE WHEN pg_catalog.pg_opfamily_is_visible(f.oid) THEN ''
                                 ELSE pg_catalog.quote_ident(fn.nspname) || '.' END
           || pg_catalog.quote_ident(f.opfname) || ' AS '
           || coalesce(members.list,
                       -- something must stand here; this is what is so anyway
                       'STORAGE ' || pg_catalog.format_type(c.opcintype, NULL))) AS create_sql,
       'DROP OPERATOR CLASS IF EXISTS ' || this.name
       || ' USING ' || pg_catalog.quote_ident(am.amname) AS drop_sql
FROM pg_catalog.pg_opclass c
JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
JOIN pg_catalog.pg_am am ON am.oid = c.opcmethod
JOIN pg_catalog.pg_opfamily f ON f.oid = c.opcfamily
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.opfnamespace
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.pg_opclass_is_visible(c.oid) THEN ''
                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(c.opcname) AS name) this
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(m.text, ', ' ORDER BY m.position, m.number, m.text) AS list
    FROM (
        SELECT 0 AS position, 0 AS number,
               'STORAGE ' || pg_catalog.format_type(c.opckeytype, NULL) AS text
        WHERE c.opckeytype <> 0
        UNION ALL
        SELECT 1, ao.amopstrategy,
               'OPERATOR ' || ao.amopstrategy || ' ' || ao.amopopr::pg_catalog.regoperator
               || coalesce(' FOR ORDER BY '
                           || CASE WHEN pg_catalog.pg_opfamily_is_visible(sf.oid) THEN ''
                                   ELSE pg_catalog.quote_ident(sn.nspname) || '.' END
                           || pg_catalog.quote_ident(sf.opfname), '')
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_amop ao ON ao.oid = dep.objid AND ao.tableoid = dep.classid
        LEFT JOIN pg_catalog.pg_opfamily sf ON sf.oid = ao.amopsortfamily
        LEFT JOIN pg_catalog.pg_namespace sn ON sn.oid = sf.opfnamespace
        WHERE dep.refclassid = c.tableoid AND dep.refobjid = c.oid
          AND ao.amopfamily = c.opcfamily
        UNION ALL
        -- the types are printed always: those of a function for other types than the class's
        -- own don't follow from its arguments
        SELECT 2, ap.amprocnum,
               'FUNCTION ' || ap.amprocnum
               || ' (' || pg_catalog.format_type(ap.amproclefttype, NULL)
               || ', ' || pg_catalog.format_type(ap.amprocrighttype, NULL) || ') '
               || ap.amproc::pg_catalog.oid::pg_catalog.regprocedure
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_amproc ap ON ap.oid = dep.objid AND ap.tableoid = dep.classid
        WHERE dep.refclassid = c.tableoid AND dep.refobjid = c.oid) m) members
WHERE c.opcnamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = c.tableoid AND dep.objid = c.oid AND dep.deptype = 'e')
ORDER BY n.nspname, c.opcname, am.amname;
