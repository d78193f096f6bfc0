-- Statements that drop what was replaced, so that each finds nothing that depends on what it drops:
-- foreign keys first, then relations, the newest first. Others' objects that depend on them by now
-- stand in the way.
-- $1 = text[], the schemas that it was moved to.
-- psql 16+: (echo "\bind '{pgclone_old_1_abc}'"; cat replaced_objects.sql) | psql "$TARGET"
SELECT d.statement
FROM (
    SELECT 1 AS step, c.oid,
           pg_catalog.format('ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS %I', n.nspname, r.relname,
                             c.conname) AS statement
    FROM pg_catalog.pg_constraint c
    JOIN pg_catalog.pg_class r ON r.oid = c.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
    WHERE n.nspname = ANY ($1::pg_catalog.text[]) AND c.contype = 'f' AND c.conparentid = 0
    UNION ALL
    SELECT 2, c.oid,
           pg_catalog.format('DROP %s IF EXISTS %I.%I',
                             CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                                            WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
                             n.nspname, c.relname)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1::pg_catalog.text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
) AS d
ORDER BY d.step, d.oid DESC;
