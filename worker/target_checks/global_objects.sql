-- What the target's database has that is in no schema, as existing_objects.sql has the rest.
-- No parameter.
--   psql "$TARGET" -f global_objects.sql
--
-- What the server itself brought is in here, too. version and in_schema are those of extensions.
WITH object (classid, objid, kind, name, object_as, is_owner, version, in_schema) AS (
    SELECT n.tableoid, n.oid, 'schema', n.nspname::pg_catalog.text,
           'SCHEMA ' || pg_catalog.quote_ident(n.nspname),
           pg_catalog.pg_has_role(n.nspowner, 'USAGE'), NULL::pg_catalog.text, NULL::pg_catalog.text
    FROM pg_catalog.pg_namespace n
    WHERE pg_catalog.left(n.nspname, 3) <> 'pg_'
    UNION ALL
    SELECT x.tableoid, x.oid, 'extension', x.extname, 'EXTENSION ' || pg_catalog.quote_ident(x.extname),
           pg_catalog.pg_has_role(x.extowner, 'USAGE'), x.extversion, n.nspname
    FROM pg_catalog.pg_extension x
    JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
    UNION ALL
    SELECT l.tableoid, l.oid, 'language', l.lanname, 'LANGUAGE ' || pg_catalog.quote_ident(l.lanname),
           pg_catalog.pg_has_role(l.lanowner, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_language l
    UNION ALL
    -- access methods belong to superusers
    SELECT am.tableoid, am.oid, 'access method', am.amname,
           'ACCESS METHOD ' || pg_catalog.quote_ident(am.amname),
           pg_catalog.pg_has_role(10, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_am am
    UNION ALL
    -- a cast belongs to who owns one of the types, a transform to who owns the type
    SELECT c.tableoid, c.oid, 'cast', this.types, 'CAST (' || this.types || ')',
           pg_catalog.pg_has_role(s.typowner, 'USAGE') OR pg_catalog.pg_has_role(t.typowner, 'USAGE'),
           NULL, NULL
    FROM pg_catalog.pg_cast c
    JOIN pg_catalog.pg_type s ON s.oid = c.castsource
    JOIN pg_catalog.pg_type t ON t.oid = c.casttarget
    CROSS JOIN LATERAL (
        SELECT pg_catalog.format_type(c.castsource, NULL)
               || ' AS ' || pg_catalog.format_type(c.casttarget, NULL) AS types) this
    WHERE c.oid >= 16384
    UNION ALL
    SELECT t.tableoid, t.oid, 'transform',
           pg_catalog.format_type(t.trftype, NULL) || ' in ' || l.lanname,
           'TRANSFORM FOR ' || pg_catalog.format_type(t.trftype, NULL)
           || ' LANGUAGE ' || pg_catalog.quote_ident(l.lanname),
           pg_catalog.pg_has_role(ty.typowner, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_transform t
    JOIN pg_catalog.pg_language l ON l.oid = t.trflang
    JOIN pg_catalog.pg_type ty ON ty.oid = t.trftype
    UNION ALL
    SELECT w.tableoid, w.oid, 'foreign-data wrapper', w.fdwname,
           'FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname),
           pg_catalog.pg_has_role(w.fdwowner, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_foreign_data_wrapper w
    UNION ALL
    SELECT s.tableoid, s.oid, 'server', s.srvname, 'SERVER ' || pg_catalog.quote_ident(s.srvname),
           pg_catalog.pg_has_role(s.srvowner, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_foreign_server s
    UNION ALL
    SELECT 'pg_catalog.pg_user_mapping'::pg_catalog.regclass, m.umid, 'user mapping',
           'for ' || CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE m.usename END || ' on ' || m.srvname,
           'USER MAPPING FOR '
           || CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(m.usename) END
           || ' SERVER ' || pg_catalog.quote_ident(m.srvname),
           pg_catalog.pg_has_role(s.srvowner, 'USAGE')
           OR (m.usename = current_user AND pg_catalog.has_server_privilege(s.oid, 'USAGE')), NULL, NULL
    FROM pg_catalog.pg_user_mappings m
    JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid
    UNION ALL
    SELECT p.tableoid, p.oid, 'publication', p.pubname,
           'PUBLICATION ' || pg_catalog.quote_ident(p.pubname),
           pg_catalog.pg_has_role(p.pubowner, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_publication p
    UNION ALL
    -- not all columns may be read, and so not tableoid
    SELECT 'pg_catalog.pg_subscription'::pg_catalog.regclass, s.oid, 'subscription', s.subname,
           'SUBSCRIPTION ' || pg_catalog.quote_ident(s.subname),
           pg_catalog.pg_has_role(s.subowner, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_subscription s
    JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
    WHERE d.datname = pg_catalog.current_database()
    UNION ALL
    SELECT e.tableoid, e.oid, 'event trigger', e.evtname,
           'EVENT TRIGGER ' || pg_catalog.quote_ident(e.evtname),
           pg_catalog.pg_has_role(e.evtowner, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_event_trigger e
    UNION ALL
    SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass, m.oid, 'large object',
           m.oid::pg_catalog.text, 'LARGE OBJECT ' || m.oid,
           pg_catalog.pg_has_role(m.lomowner, 'USAGE'), NULL, NULL
    FROM pg_catalog.pg_largeobject_metadata m
)
SELECT o.kind, o.classid, o.objid, NULL::pg_catalog.text AS schema, o.name, o.object_as, o.is_owner,
       x.extname AS extension, o.version, o.in_schema
FROM object o
LEFT JOIN pg_catalog.pg_depend member
       ON member.classid = o.classid AND member.objid = o.objid AND member.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension x ON x.oid = member.refobjid
ORDER BY o.object_as;
