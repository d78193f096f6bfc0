-- Subscriptions: not connected and disabled, as pg_dump has them, and without a password.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f subscriptions.sql
--
-- The connection string may be read by superusers only, and who names the column, or the row as a
-- whole, is refused even if nothing of it comes out. So the query that does so is a text, which is
-- run only if it may be; its answer goes through XML in hex digits, which need no escapes there.
-- Others get create_sql '[]' and a number of no object for objid.
-- note: what was left out; else null.
-- drop_sql takes the name of the replication slot away first: DROP SUBSCRIPTION alone would drop
-- the slot of the original.
SELECT 'subscription' AS kind,
       'pg_catalog.pg_subscription'::pg_catalog.regclass::pg_catalog.oid AS classid,
       coalesce((s.columns->>'oid')::pg_catalog.oid,
                (pg_catalog.row_number() OVER (ORDER BY s.name))::pg_catalog.oid) AS objid,
       NULL::pg_catalog.text AS schema_name,
       s.name,
       'SUBSCRIPTION ' || pg_catalog.quote_ident(s.name) AS object_as,
       s.owner,
       CASE WHEN s.columns IS NULL THEN '[]'
            ELSE pg_catalog.jsonb_build_array(
                     'CREATE SUBSCRIPTION ' || pg_catalog.quote_ident(s.name)
                     || coalesce(' SERVER ' || pg_catalog.quote_ident(server.srvname),
                                 ' CONNECTION '
                                 || pg_catalog.quote_literal(coalesce(c.without_secrets, '')))
                     || ' PUBLICATION '
                     || (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(p.name), ', '
                                                      ORDER BY p.position)
                         FROM pg_catalog.jsonb_array_elements_text(s.columns->'subpublications')
                              WITH ORDINALITY p(name, position))
                     || ' WITH (' || o.list || ')') END AS create_sql,
       CASE WHEN s.columns IS NOT NULL THEN 'DO ' || pg_catalog.quote_literal(
           'BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d '
           || 'ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database() AND s.subname = '
           || pg_catalog.quote_literal(s.name) || ') THEN ALTER SUBSCRIPTION '
           || pg_catalog.quote_ident(s.name) || ' SET (slot_name = NONE); DROP SUBSCRIPTION '
           || pg_catalog.quote_ident(s.name) || '; END IF; END') END AS drop_sql,
       o.needs_version,
       CASE WHEN s.columns IS NULL
            THEN 'only a superuser of the source can read what it is made of'
            WHEN server.srvname IS NOT NULL THEN NULL
            WHEN c.without_secrets IS NULL
            THEN 'its connection string could not be taken apart to leave out the password, and is empty'
            WHEN c.without_secrets <> s.columns->>'subconninfo'
            THEN 'without the password in its connection string' END AS note
FROM (
    SELECT seen.subname::pg_catalog.text AS name,
           pg_catalog.pg_get_userbyid(seen.subowner)::pg_catalog.text AS owner,
           whole.columns
    FROM pg_catalog.pg_subscription seen
    JOIN pg_catalog.pg_database d ON d.oid = seen.subdbid
    CROSS JOIN LATERAL (
        SELECT CASE WHEN pg_catalog.has_table_privilege('pg_catalog.pg_subscription', 'SELECT')
               THEN pg_catalog.convert_from(pg_catalog.decode(pg_catalog.substring(
                        pg_catalog.query_to_xml(
                            'SELECT pg_catalog.encode(pg_catalog.convert_to((pg_catalog.to_jsonb(s) '
                            || '|| pg_catalog.jsonb_build_object(''oid'', s.oid::pg_catalog.int8)) '
                            || '::pg_catalog.text, pg_catalog.getdatabaseencoding()), ''hex'') AS row '
                            || 'FROM pg_catalog.pg_subscription s WHERE s.subdbid = '
                            || seen.subdbid || ' AND s.subname = '
                            || pg_catalog.quote_literal(seen.subname), false, false, '')
                        ::pg_catalog.text, '<row>([0-9a-f]+)</row>'), 'hex'),
                    pg_catalog.getdatabaseencoding())::pg_catalog.jsonb END AS columns) whole
    WHERE d.datname = pg_catalog.current_database()) s
LEFT JOIN pg_catalog.pg_foreign_server server
       ON server.oid = (s.columns->>'subserver')::pg_catalog.oid
CROSS JOIN LATERAL (
    SELECT s.columns->>'subconninfo' AS text,
           '^(password|sslpassword|oauth_client_secret|scram_client_key|scram_server_key)$'
               ::pg_catalog.text AS secret,
           -- key = value, the value quoted or not
           '\s*([^\s=]+)\s*=\s*(''(?:[^''\\]|\\.)*''|(?:[^\s''\\]|\\.)(?:[^\s\\]|\\.)*|)\s*'
               ::pg_catalog.text AS pair,
           '^postgres(?:ql)?://'::pg_catalog.text AS uri) t
-- null if it is not what is expected here
CROSS JOIN LATERAL (
    SELECT CASE WHEN t.text ~ t.uri
           THEN (SELECT pg_catalog.substring(u.text, '^[^?]*')
                        || coalesce('?' || pg_catalog.string_agg(p.text, '&' ORDER BY p.position)
                                         FILTER (WHERE p.key !~ t.secret), '')
                 FROM (SELECT pg_catalog.regexp_replace(
                                  t.text, '^(postgres(?:ql)?://[^:@/]*):[^@/]*@', '\1@') AS text) u
                 LEFT JOIN LATERAL (
                     SELECT part.text, part.position,
                            pg_catalog.split_part(part.text, '=', 1) AS key
                     FROM pg_catalog.regexp_split_to_table(
                              pg_catalog.substring(u.text, '\?(.*)$'), '&')
                          WITH ORDINALITY part(text, position)) p ON true
                 GROUP BY u.text
                 -- a key may be written in escapes
                 HAVING NOT coalesce(pg_catalog.bool_or(p.key LIKE '%\%%'), false))
           WHEN pg_catalog.regexp_replace(t.text, t.pair, '', 'g') <> '' THEN NULL
           WHEN NOT EXISTS (SELECT FROM pg_catalog.regexp_matches(t.text, t.pair, 'g') m(pair)
                            WHERE m.pair[1] ~ t.secret)
           THEN t.text
           ELSE (SELECT coalesce(pg_catalog.string_agg(m.pair[1] || '=' || m.pair[2], ' '
                                                       ORDER BY m.position), '')
                 FROM pg_catalog.regexp_matches(t.text, t.pair, 'g')
                      WITH ORDINALITY m(pair, position)
                 WHERE m.pair[1] !~ t.secret) END AS without_secrets) c
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(x.text, ', ' ORDER BY x.position) AS list,
           CASE WHEN server.srvname IS NOT NULL THEN 190000
                ELSE pg_catalog.max(x.needs_version) END AS needs_version
    FROM (VALUES
        (1, 'connect = false', 0),
        -- by default it is the subscription's name, even one that may not be given here
        (2, CASE WHEN s.columns->>'subslotname' IS DISTINCT FROM s.name
                 THEN 'slot_name = '
                      || coalesce(pg_catalog.quote_literal(s.columns->>'subslotname'), 'NONE') END, 0),
        (3, CASE WHEN (s.columns->>'subbinary')::pg_catalog.bool THEN 'binary = true' END, 0),
        -- on by default from 18 on
        (4, 'streaming = ' || CASE s.columns->>'substream' WHEN 'true' THEN 'on' WHEN 't' THEN 'on'
                                                           WHEN 'p' THEN 'parallel' ELSE 'off' END,
            CASE WHEN s.columns->>'substream' = 'p' THEN 160000 ELSE 0 END),
        (5, CASE WHEN s.columns->>'subtwophasestate' <> 'd' THEN 'two_phase = on' END, 150000),
        (6, CASE WHEN (s.columns->>'subdisableonerr')::pg_catalog.bool
                 THEN 'disable_on_error = true' END, 150000),
        (7, CASE WHEN NOT (s.columns->>'subpasswordrequired')::pg_catalog.bool
                 THEN 'password_required = false' END, 160000),
        (8, CASE WHEN (s.columns->>'subrunasowner')::pg_catalog.bool
                 THEN 'run_as_owner = true' END, 160000),
        (9, 'origin = ' || pg_catalog.quote_literal(NULLIF(s.columns->>'suborigin', 'any')), 160000),
        (10, CASE WHEN (s.columns->>'subfailover')::pg_catalog.bool
                  THEN 'failover = true' END, 170000),
        (11, CASE WHEN (s.columns->>'subretaindeadtuples')::pg_catalog.bool
                  THEN 'retain_dead_tuples = true' END, 190000),
        (12, 'max_retention_duration = ' || NULLIF(s.columns->>'submaxretention', '0'), 190000),
        (13, 'wal_receiver_timeout = '
             || pg_catalog.quote_literal(NULLIF(s.columns->>'subwalrcvtimeout', '-1')), 190000),
        (14, 'synchronous_commit = '
             || pg_catalog.quote_literal(NULLIF(s.columns->>'subsynccommit', 'off')), 0))
        x(position, text, needs_version)
    WHERE x.text IS NOT NULL) o
ORDER BY s.name;
