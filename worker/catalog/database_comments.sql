-- Comments on what is in no schema.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f database_comments.sql
--
-- An extension's comment comes with it, so that the lack of one is a statement, too.
WITH remark (class, object, text) AS (
    SELECT d.classoid, d.objoid, d.description
    FROM pg_catalog.pg_description d
    WHERE d.objoid >= 16384 OR d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
    UNION ALL
    SELECT x.tableoid, x.oid, NULL
    FROM pg_catalog.pg_extension x
    WHERE x.oid >= 16384 AND pg_catalog.obj_description(x.oid, 'pg_extension') IS NULL
), object (classid, objid, text, object_as) AS (
    SELECT m.class, m.object, m.text, 'EXTENSION ' || pg_catalog.quote_ident(x.extname)
    FROM remark m
    JOIN pg_catalog.pg_extension x ON x.oid = m.object AND x.tableoid = m.class
    UNION ALL
    SELECT m.class, m.object, m.text, 'LANGUAGE ' || pg_catalog.quote_ident(l.lanname)
    FROM remark m
    JOIN pg_catalog.pg_language l ON l.oid = m.object AND l.tableoid = m.class
    UNION ALL
    SELECT m.class, m.object, m.text, 'ACCESS METHOD ' || pg_catalog.quote_ident(am.amname)
    FROM remark m
    JOIN pg_catalog.pg_am am ON am.oid = m.object AND am.tableoid = m.class
    UNION ALL
    SELECT m.class, m.object, m.text,
           'CAST (' || pg_catalog.format_type(c.castsource, NULL)
           || ' AS ' || pg_catalog.format_type(c.casttarget, NULL) || ')'
    FROM remark m
    JOIN pg_catalog.pg_cast c ON c.oid = m.object AND c.tableoid = m.class
    UNION ALL
    SELECT m.class, m.object, m.text,
           'TRANSFORM FOR ' || pg_catalog.format_type(t.trftype, NULL)
           || ' LANGUAGE ' || pg_catalog.quote_ident(l.lanname)
    FROM remark m
    JOIN pg_catalog.pg_transform t ON t.oid = m.object AND t.tableoid = m.class
    JOIN pg_catalog.pg_language l ON l.oid = t.trflang
    UNION ALL
    SELECT m.class, m.object, m.text, 'FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname)
    FROM remark m
    JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = m.object AND w.tableoid = m.class
    UNION ALL
    SELECT m.class, m.object, m.text, 'SERVER ' || pg_catalog.quote_ident(s.srvname)
    FROM remark m
    JOIN pg_catalog.pg_foreign_server s ON s.oid = m.object AND s.tableoid = m.class
    UNION ALL
    SELECT m.class, m.object, m.text, 'EVENT TRIGGER ' || pg_catalog.quote_ident(e.evtname)
    FROM remark m
    JOIN pg_catalog.pg_event_trigger e ON e.oid = m.object AND e.tableoid = m.class
    UNION ALL
    SELECT m.class, m.object, m.text, 'PUBLICATION ' || pg_catalog.quote_ident(p.pubname)
    FROM remark m
    JOIN pg_catalog.pg_publication p ON p.oid = m.object AND p.tableoid = m.class
    UNION ALL
    SELECT m.class, m.object, m.text, 'LARGE OBJECT ' || l.oid
    FROM remark m
    JOIN pg_catalog.pg_largeobject_metadata l ON l.oid = m.object
    WHERE m.class = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
)
SELECT o.classid, o.objid,
       'COMMENT ON ' || o.object_as || ' IS '
       || coalesce(pg_catalog.quote_literal(o.text), 'NULL') AS statement
FROM object o
-- what is a member of an extension has its comment from there
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = o.classid AND dep.objid = o.objid AND dep.deptype = 'e')
UNION ALL
-- who may not read subscriptions clones none: see subscriptions.sql
SELECT 'pg_catalog.pg_subscription'::pg_catalog.regclass, (s.row->>'oid')::pg_catalog.oid,
       'COMMENT ON SUBSCRIPTION ' || pg_catalog.quote_ident(s.row->>'name')
       || ' IS ' || pg_catalog.quote_literal(s.row->>'text')
FROM pg_catalog.jsonb_array_elements(
         CASE WHEN pg_catalog.has_table_privilege('pg_catalog.pg_subscription', 'SELECT')
              THEN pg_catalog.convert_from(pg_catalog.decode(pg_catalog.substring(
                       pg_catalog.query_to_xml(
                           'SELECT pg_catalog.encode(pg_catalog.convert_to('
                           || 'coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('
                           || '''oid'', s.oid::pg_catalog.int8, ''name'', s.subname, '
                           || '''text'', d.description)), ''[]'')::pg_catalog.text, '
                           || 'pg_catalog.getdatabaseencoding()), ''hex'') AS rows '
                           || 'FROM pg_catalog.pg_subscription s '
                           || 'JOIN pg_catalog.pg_database db ON db.oid = s.subdbid '
                           || 'JOIN pg_catalog.pg_description d ON d.objoid = s.oid AND '
                           || 'd.classoid = ''pg_catalog.pg_subscription''::pg_catalog.regclass '
                           || 'WHERE db.datname = pg_catalog.current_database()', false, false, '')
                       ::pg_catalog.text, '<rows>([0-9a-f]+)</rows>'), 'hex'),
                   pg_catalog.getdatabaseencoding())::pg_catalog.jsonb
              ELSE '[]' END) s(row)
ORDER BY classid, objid, statement;
