-- Security labels of what is in no schema. (The database's own: database_properties.sql.)
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f database_security_labels.sql
--
-- Those of subscriptions are left out, as by pg_dump.
SELECT coalesce(x.tableoid, l.classoid) AS classid,
       coalesce(x.oid, l.objoid) AS objid,
       'SECURITY LABEL FOR ' || pg_catalog.quote_ident(l.provider) || ' ON ' || o.object_as
       || ' IS ' || pg_catalog.quote_literal(l.label) AS statement
FROM pg_catalog.pg_seclabel l
CROSS JOIN LATERAL (
    SELECT 'LANGUAGE ' || pg_catalog.quote_ident(c.lanname)
    FROM pg_catalog.pg_language c
    WHERE c.oid = l.objoid AND c.tableoid = l.classoid
    UNION ALL
    SELECT 'EVENT TRIGGER ' || pg_catalog.quote_ident(c.evtname)
    FROM pg_catalog.pg_event_trigger c
    WHERE c.oid = l.objoid AND c.tableoid = l.classoid
    UNION ALL
    SELECT 'PUBLICATION ' || pg_catalog.quote_ident(c.pubname)
    FROM pg_catalog.pg_publication c
    WHERE c.oid = l.objoid AND c.tableoid = l.classoid
    UNION ALL
    SELECT 'LARGE OBJECT ' || c.oid
    FROM pg_catalog.pg_largeobject_metadata c
    WHERE c.oid = l.objoid
      AND l.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass) o(object_as)
LEFT JOIN pg_catalog.pg_depend member
       ON member.classid = l.classoid AND member.objid = l.objoid AND member.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension x ON x.oid = member.refobjid
ORDER BY 1, 2, 3;
