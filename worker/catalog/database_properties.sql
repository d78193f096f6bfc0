-- The database itself: what CREATE DATABASE must say, and the statements that come after it.
-- No parameter; one row.
-- psql: psql "$SOURCE" -f database_properties.sql
--
-- Names are plain. `locale` and `icu_rules` are those of ICU or of the built-in provider; both are
-- null with libc. `tablespace` is null for pg_default. allow_connections and is_template are to be
-- set last.
-- statements: comment, security labels, connection limit, settings of the database and of roles in
-- it, privileges; to be run when the owner is set. The element that is nothing but quoted_name is
-- the database's name, in whose place the clone's goes.
SELECT 'database' AS kind,
       d.tableoid AS classid,
       d.oid AS objid,
       d.datname::pg_catalog.text AS name,
       this.name AS quoted_name,
       pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text AS owner,
       pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding,
       CASE coalesce(this.columns->>'datlocprovider', 'c') WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu'
                                                           WHEN 'b' THEN 'builtin' END
           AS locale_provider,
       d.datcollate::pg_catalog.text AS lc_collate,
       d.datctype::pg_catalog.text AS lc_ctype,
       coalesce(this.columns->>'datlocale', this.columns->>'daticulocale') AS locale,
       this.columns->>'daticurules' AS icu_rules,
       NULLIF(ts.spcname, 'pg_default')::pg_catalog.text AS tablespace,
       d.datistemplate AS is_template,
       d.datallowconn AS allow_connections,
       d.datconnlimit AS connection_limit,
       CASE WHEN this.columns->>'datlocprovider' = 'b' THEN 170000
            WHEN this.columns->>'daticurules' IS NOT NULL THEN 160000
            WHEN this.columns->>'datlocprovider' = 'i' THEN 150000
            ELSE 0 END AS needs_version,
       coalesce((SELECT pg_catalog.jsonb_agg(s.statement ORDER BY s.step, s.position, s.sub_position)
                 FROM (
           SELECT 1 AS step, NULL::pg_catalog.text AS position, 0 AS sub_position,
                  pg_catalog.jsonb_build_array(
                      'COMMENT ON DATABASE ', this.name,
                      ' IS ' || pg_catalog.quote_literal(c.description)) AS statement
           FROM pg_catalog.pg_shdescription c
           WHERE c.classoid = d.tableoid AND c.objoid = d.oid
           UNION ALL
           SELECT 2, l.provider, 0,
                  pg_catalog.jsonb_build_array(
                      'SECURITY LABEL FOR ' || pg_catalog.quote_ident(l.provider) || ' ON DATABASE ',
                      this.name, ' IS ' || pg_catalog.quote_literal(l.label))
           FROM pg_catalog.pg_shseclabel l
           WHERE l.classoid = d.tableoid AND l.objoid = d.oid
           UNION ALL
           SELECT 3, NULL, 0,
                  pg_catalog.jsonb_build_array(
                      'ALTER DATABASE ', this.name, ' CONNECTION LIMIT ' || d.datconnlimit)
           WHERE d.datconnlimit >= 0
           UNION ALL
           SELECT 4, r.rolname, c.position::pg_catalog.int4,
                  CASE WHEN s.setrole = 0
                       THEN pg_catalog.jsonb_build_array('ALTER DATABASE ', this.name, ' ' || g.text)
                       ELSE pg_catalog.jsonb_build_array(
                                'ALTER ROLE ', pg_catalog.jsonb_build_object('role', r.rolname),
                                ' IN DATABASE ', this.name, ' ' || g.text) END
           FROM pg_catalog.pg_db_role_setting s
           LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
           CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY c(text, position)
           CROSS JOIN LATERAL (
               SELECT pg_catalog.split_part(c.text, '=', 1) AS name,
                      pg_catalog.substr(c.text, pg_catalog.strpos(c.text, '=') + 1) AS value) v
           CROSS JOIN LATERAL (
               SELECT 'SET ' || pg_catalog.quote_ident(v.name) || ' TO '
                      || CASE WHEN pg_catalog.lower(v.name) IN (
                                       'local_preload_libraries', 'search_path',
                                       'session_preload_libraries', 'shared_preload_libraries',
                                       'temp_tablespaces', 'unix_socket_directories')
                              -- lists that are stored quoted as identifiers are
                              THEN coalesce((
                                       SELECT pg_catalog.string_agg(pg_catalog.quote_literal(
                                                  CASE WHEN e.element[1] IS NOT NULL
                                                       THEN pg_catalog.replace(e.element[1], '""', '"')
                                                       ELSE e.element[2] END), ', '
                                                  ORDER BY e.position)
                                       FROM pg_catalog.regexp_matches(
                                                v.value, '"((?:[^"]|"")*)"|([^",\s][^,]*)', 'g')
                                            WITH ORDINALITY e(element, position)), '''''')
                              ELSE pg_catalog.quote_literal(v.value) END AS text) g
           WHERE s.setdatabase = d.oid AND (s.setrole = 0 OR r.oid IS NOT NULL)
           UNION ALL
           SELECT 5, NULL, (i.is_grant::pg_catalog.int4 * 1000 + i.position * 10)::pg_catalog.int4
                           + k.number,
                  k.statement
           FROM (SELECT pg_catalog.acldefault('d', d.datdba) AS initial) a
           CROSS JOIN LATERAL (
               SELECT false, x.item, x.position
               FROM pg_catalog.unnest(a.initial) WITH ORDINALITY x(item, position)
               WHERE NOT x.item = ANY (d.datacl)
               UNION ALL
               SELECT true, x.item, x.position
               FROM pg_catalog.unnest(d.datacl) WITH ORDINALITY x(item, position)
               WHERE NOT x.item = ANY (a.initial)) i(is_grant, item, position)
           CROSS JOIN LATERAL (
               SELECT x.grantor, x.grantee, x.is_grantable AND i.is_grant,
                      pg_catalog.array_agg(x.privilege_type)
               FROM pg_catalog.aclexplode(ARRAY[i.item]) x
               GROUP BY 1, 2, 3) c(grantor, grantee, with_option, privileges)
           LEFT JOIN pg_catalog.pg_roles grantee ON grantee.oid = c.grantee
           CROSS JOIN LATERAL (
               SELECT 0, pg_catalog.jsonb_build_array(
                             'SET LOCAL ROLE ',
                             pg_catalog.jsonb_build_object(
                                 'role', pg_catalog.pg_get_userbyid(c.grantor)))
               WHERE i.is_grant AND c.grantor <> d.datdba
               UNION ALL
               SELECT 1 + c.with_option::pg_catalog.int4,
                      pg_catalog.jsonb_build_array(
                          CASE WHEN i.is_grant THEN 'GRANT ' ELSE 'REVOKE ' END
                          || CASE WHEN pg_catalog.cardinality(c.privileges) = 3 THEN 'ALL'
                                  ELSE pg_catalog.array_to_string(c.privileges, ', ') END
                          || ' ON DATABASE ',
                          this.name,
                          CASE WHEN i.is_grant THEN ' TO ' ELSE ' FROM ' END,
                          pg_catalog.jsonb_build_object('role', grantee.rolname),
                          CASE WHEN c.with_option THEN ' WITH GRANT OPTION' ELSE '' END)
               UNION ALL
               SELECT 3, '"RESET ROLE"'
               WHERE i.is_grant AND c.grantor <> d.datdba) k(number, statement)
           WHERE c.grantee = 0 OR grantee.oid IS NOT NULL) s), '[]') AS statements
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_tablespace ts ON ts.oid = d.dattablespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.quote_ident(d.datname) AS name, pg_catalog.to_jsonb(d) AS columns) this
WHERE d.datname = pg_catalog.current_database();
