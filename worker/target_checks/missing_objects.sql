-- Which of the named objects this server lacks.
-- $1 = kinds, $2 = names, two arrays of the same length. Names are quoted and qualified, but for
-- roles, schemas, tablespaces, access methods, languages, foreign-data wrappers, servers, and
-- extensions ('extension' and 'installed extension').
-- psql 16+: (echo "\bind '{type,role}' '{shop.color,alice}'"; cat missing_objects.sql) | psql "$TARGET"
--
-- Missing are, too, what the current role may not use: a schema to create in, a function to
-- execute, a table that a trigger names.
-- 'membership' asks for a role that exists, but that the current role may not act for.
-- 'extension' is missing if it is neither installed nor could be. 'extension in schema', named
-- <extension> IN <schema>, is missing if it is installed, but in another one.
SELECT w.kind, w.name
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]),
                pg_catalog.unnest($2::pg_catalog.text[])) w(kind, name)
WHERE CASE w.kind
      WHEN 'type' THEN pg_catalog.to_regtype(w.name) IS NULL
      -- (to_regprocedure() and to_regoperator() raise an error if a type of an argument is missing.
      -- What the server brings along, that is, has a low OID, is not asked for. What is in the search
      -- path here need not be in that of the source, hence the name with the schema, too.)
      WHEN 'function' THEN w.name NOT IN (
           SELECT v.name
           FROM pg_catalog.pg_proc p
           JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
           CROSS JOIN LATERAL (SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text) own(name)
           CROSS JOIN LATERAL (VALUES (own.name),
                                      (pg_catalog.format('%I.%s', n.nspname, own.name))) v(name)
           WHERE p.oid >= 12000 AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))
      WHEN 'operator' THEN w.name NOT IN (
           SELECT v.name
           FROM pg_catalog.pg_operator o
           JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
           CROSS JOIN LATERAL (SELECT o.oid::pg_catalog.regoperator::pg_catalog.text) own(name)
           CROSS JOIN LATERAL (VALUES (own.name),
                                      (pg_catalog.format('%I.%s', n.nspname, own.name))) v(name)
           WHERE o.oid >= 12000)
      WHEN 'collation' THEN pg_catalog.to_regcollation(w.name) IS NULL
      WHEN 'relation' THEN pg_catalog.to_regclass(w.name) IS NULL
      WHEN 'trigger relation' THEN NOT coalesce(pg_catalog.has_table_privilege(
           pg_catalog.to_regclass(w.name)::pg_catalog.oid, 'TRIGGER'), false)
      WHEN 'sequence' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                                       WHERE c.oid = pg_catalog.to_regclass(w.name)
                                         AND c.relkind = 'S')
      WHEN 'schema' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n
                                     WHERE n.nspname = w.name
                                       AND pg_catalog.has_schema_privilege(n.oid, 'CREATE'))
      WHEN 'role' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = w.name)
      WHEN 'membership' THEN EXISTS (SELECT FROM pg_catalog.pg_roles r
                                     WHERE r.rolname = w.name
                                       AND NOT pg_catalog.pg_has_role(r.oid, 'MEMBER'))
      WHEN 'tablespace' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace t
                                         WHERE t.spcname = w.name)
      WHEN 'access method' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_am a
                                            WHERE a.amname = w.name)
      WHEN 'operator class' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_opclass oc
           JOIN pg_catalog.pg_namespace n ON n.oid = oc.opcnamespace
           JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod
           WHERE pg_catalog.format('%I.%I USING %I', n.nspname, oc.opcname, am.amname) = w.name)
      WHEN 'text search configuration' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_ts_config c
           JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
           WHERE pg_catalog.format('%I.%I', n.nspname, c.cfgname) = w.name)
      WHEN 'text search dictionary' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_ts_dict d
           JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
           WHERE pg_catalog.format('%I.%I', n.nspname, d.dictname) = w.name)
      WHEN 'text search parser' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_ts_parser p
           JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
           WHERE pg_catalog.format('%I.%I', n.nspname, p.prsname) = w.name)
      WHEN 'text search template' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_ts_template t
           JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
           WHERE pg_catalog.format('%I.%I', n.nspname, t.tmplname) = w.name)
      WHEN 'operator family' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_opfamily f
           JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
           JOIN pg_catalog.pg_am am ON am.oid = f.opfmethod
           WHERE pg_catalog.format('%I.%I USING %I', n.nspname, f.opfname, am.amname) = w.name)
      WHEN 'transform' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_transform t
           JOIN pg_catalog.pg_language l ON l.oid = t.trflang
           WHERE pg_catalog.format('FOR %s LANGUAGE %I', pg_catalog.format_type(t.trftype, NULL),
                                   l.lanname) = w.name)
      -- what is not trusted takes a superuser
      WHEN 'language' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_language l
           WHERE l.lanname = w.name AND pg_catalog.has_language_privilege(l.oid, 'USAGE')
             AND (l.lanpltrusted OR (SELECT me.rolsuper FROM pg_catalog.pg_roles me
                                     WHERE me.rolname = current_user)))
      WHEN 'foreign-data wrapper' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_foreign_data_wrapper f
           WHERE f.fdwname = w.name
             AND pg_catalog.has_foreign_data_wrapper_privilege(f.oid, 'USAGE'))
      WHEN 'server' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_foreign_server s
           WHERE s.srvname = w.name AND pg_catalog.has_server_privilege(s.oid, 'USAGE'))
      WHEN 'extension' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_extension x
                                        WHERE x.extname = w.name)
                            AND NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions a
                                            WHERE a.name = w.name)
      WHEN 'installed extension' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_extension x
                                                  WHERE x.extname = w.name)
      WHEN 'extension in schema' THEN EXISTS (
           SELECT FROM pg_catalog.pg_extension x
           JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
           WHERE pg_catalog.starts_with(w.name, pg_catalog.quote_ident(x.extname) || ' IN ')
             AND pg_catalog.format('%I IN %I', x.extname, n.nspname) <> w.name)
      END
ORDER BY w.kind, w.name;
