-- User mappings, without their secrets.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f user_mappings.sql
--
-- note: what was left out, or could not be read; else null. Whatever may be a secret is taken for
-- one by its name. Who may see the options of a mapping is as in the view pg_user_mappings, which
-- shows null otherwise.
-- object_as and drop_sql name the role as it is called on the source.
SELECT 'user mapping' AS kind,
       'pg_catalog.pg_user_mapping'::pg_catalog.regclass::pg_catalog.oid AS classid,
       m.umid AS objid,
       NULL::pg_catalog.text AS schema_name,
       'for ' || this.role || ' on ' || m.srvname AS name,
       'USER MAPPING FOR ' || this.quoted_role || ' SERVER ' || pg_catalog.quote_ident(m.srvname)
           AS object_as,
       pg_catalog.jsonb_build_array(
           pg_catalog.jsonb_build_array(
               'CREATE USER MAPPING FOR ',
               pg_catalog.jsonb_build_object('role', CASE WHEN m.umuser <> 0 THEN m.usename END),
               ' SERVER ' || pg_catalog.quote_ident(m.srvname)
               || coalesce(' OPTIONS (' || o.list || ')', ''))) AS create_sql,
       'DROP USER MAPPING IF EXISTS FOR ' || this.quoted_role
           || ' SERVER ' || pg_catalog.quote_ident(m.srvname) AS drop_sql,
       CASE WHEN NOT this.is_readable THEN 'its options may not be read'
            WHEN o.secrets IS NOT NULL THEN 'without its secrets: ' || o.secrets END AS note
FROM pg_catalog.pg_user_mappings m
JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
CROSS JOIN LATERAL (
    SELECT CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE m.usename END AS role,
           CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(m.usename) END
               AS quoted_role,
           m.umoptions IS NOT NULL OR me.rolsuper
           OR CASE WHEN m.umuser = 0 THEN pg_catalog.pg_has_role(s.srvowner, 'USAGE')
                   ELSE m.usename = current_user
                        AND (pg_catalog.pg_has_role(s.srvowner, 'USAGE')
                             OR pg_catalog.has_server_privilege(s.oid, 'USAGE'))
              END AS is_readable) this
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x.option_name) || ' '
                                 || pg_catalog.quote_literal(x.option_value), ', '
                                 ORDER BY x.option_name)
               FILTER (WHERE NOT x.is_secret) AS list,
           pg_catalog.string_agg(x.option_name, ', ' ORDER BY x.option_name)
               FILTER (WHERE x.is_secret) AS secrets
    FROM (SELECT p.option_name, p.option_value,
                 p.option_name ~* '(pass|pwd|secret|token|credential|key)' AS is_secret
          FROM pg_catalog.pg_options_to_table(m.umoptions) p) x) o
ORDER BY m.srvname, m.usename;
