-- Functions, window functions included, and procedures. (Aggregates: aggregates.sql.)
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat functions.sql) | psql "$SOURCE"
--
-- What a string body refers to is not known to the server, so those bodies are created unchecked.
SELECT this.kind,
       p.tableoid AS classid,
       p.oid AS objid,
       p.nspname::pg_catalog.text AS schema_name,
       p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')' AS name,
       pg_catalog.upper(this.kind) || ' ' || this.signature AS object_as,
       pg_catalog.pg_get_userbyid(p.proowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           CASE WHEN pg_catalog.left(p.definition, pg_catalog.length(this.head)) = this.head
                THEN 'CREATE ' || pg_catalog.upper(this.kind) || ' ' || this.name
                     || pg_catalog.substr(p.definition, pg_catalog.length(this.head) + 1) END)
       || CASE WHEN exact.options = '' THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER ' || pg_catalog.upper(this.kind) || ' ' || this.signature
                        || exact.options) END
       || (SELECT coalesce(pg_catalog.jsonb_agg(
                      'ALTER ' || pg_catalog.upper(this.kind) || ' ' || this.signature
                      || ' DEPENDS ON EXTENSION ' || pg_catalog.quote_ident(x.extname)
                      ORDER BY x.extname), '[]')
           FROM pg_catalog.pg_depend dep
           JOIN pg_catalog.pg_extension x ON x.oid = dep.refobjid
           WHERE dep.classid = p.tableoid AND dep.objid = p.oid AND dep.deptype = 'x'
             AND dep.refclassid = x.tableoid) AS create_sql,
       'DROP ' || pg_catalog.upper(this.kind) || ' IF EXISTS ' || this.signature AS drop_sql,
       (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                            'classid', dep.refclassid::pg_catalog.int8,
                            'objid', dep.refobjid::pg_catalog.int8)), '[]')
        FROM pg_catalog.pg_depend dep
        WHERE dep.classid = p.tableoid AND dep.objid = p.oid AND dep.deptype = 'x') AS needs,
       -- a language that initdb installed has no edge in pg_depend
       CASE WHEN l.oid < 16384 AND l.lanname NOT IN ('internal', 'c', 'sql')
            THEN pg_catalog.jsonb_build_array(
                     pg_catalog.jsonb_build_object('kind', 'language', 'name', l.lanname))
            ELSE '[]' END AS requires
FROM (
    SELECT p.oid, p.tableoid, p.proname, p.proargtypes, p.proowner, p.prolang, p.procost, p.prorows,
           n.nspname,
           pg_catalog.rtrim(pg_catalog.pg_get_functiondef(p.oid), pg_catalog.chr(10)) AS definition
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.pronamespace = ANY ($1::pg_catalog.oid[])
      AND p.oid NOT IN (SELECT a.aggfnoid FROM pg_catalog.pg_aggregate a)
      -- extensions' members, and constructors of ranges
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                      WHERE dep.classid = p.tableoid AND dep.objid = p.oid
                        AND dep.deptype IN ('e', 'i'))
    OFFSET 0) p
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.left(p.definition, 28) = 'CREATE OR REPLACE PROCEDURE '
                THEN 'procedure' ELSE 'function' END AS kind) word
CROSS JOIN LATERAL (
    SELECT word.kind, printed.name,
           printed.name || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'
           AS signature,
           'CREATE OR REPLACE ' || pg_catalog.upper(word.kind) || ' '
           || pg_catalog.quote_ident(p.nspname) || '.' || pg_catalog.quote_ident(p.proname) AS head
    FROM (SELECT CASE WHEN pg_catalog.pg_function_is_visible(p.oid) THEN ''
                      ELSE pg_catalog.quote_ident(p.nspname) || '.' END
                 || pg_catalog.quote_ident(p.proname) AS name) printed) this
-- pg_get_functiondef() prints COST and ROWS with six digits
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.length(pg_catalog.btrim(pg_catalog.replace(
                         pg_catalog.split_part(p.procost::pg_catalog.text, 'e', 1), '.', ''),
                     '0')) > 6
                THEN ' COST ' || p.procost ELSE '' END
           || CASE WHEN pg_catalog.length(pg_catalog.btrim(pg_catalog.replace(
                            pg_catalog.split_part(p.prorows::pg_catalog.text, 'e', 1), '.', ''),
                        '0')) > 6
                   THEN ' ROWS ' || p.prorows ELSE '' END AS options) exact
ORDER BY p.nspname, p.proname, name;
