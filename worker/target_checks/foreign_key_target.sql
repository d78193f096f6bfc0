-- Why a foreign key cannot refer to the table named; reason is null if it can. One row.
-- $1 = quoted, qualified name, $2 = columns, $3 = their types on the source.
-- psql 16+: (echo "\bind shop.customers '{id}' '{bigint}'"; cat foreign_key_target.sql) | psql "$TARGET"
WITH referenced AS (
    SELECT c.oid, c.relkind
    FROM pg_catalog.pg_class c
    WHERE c.oid = pg_catalog.to_regclass($1)
), wanted AS (
    SELECT w.name, w.type, a.attnum, pg_catalog.format_type(a.atttypid, NULL) AS present_type,
           pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'REFERENCES') AS may_refer
    FROM ROWS FROM (pg_catalog.unnest($2::pg_catalog.text[]),
                    pg_catalog.unnest($3::pg_catalog.text[])) w(name, type)
    LEFT JOIN pg_catalog.pg_attribute a
           ON a.attrelid = (SELECT r.oid FROM referenced r) AND a.attname = w.name
          AND a.attnum > 0 AND NOT a.attisdropped
), key AS (
    SELECT pg_catalog.array_agg(w.attnum ORDER BY w.attnum) AS columns FROM wanted w
)
SELECT CASE
       WHEN NOT EXISTS (SELECT FROM referenced)
       THEN pg_catalog.format('referenced table %s does not exist on the target', $1)
       WHEN NOT EXISTS (SELECT FROM referenced r WHERE r.relkind IN ('r', 'p'))
       THEN pg_catalog.format('referenced relation %s is no table on the target', $1)
       WHEN EXISTS (SELECT FROM wanted w WHERE w.attnum IS NULL)
       THEN pg_catalog.format('referenced table %s has no column %s on the target', $1,
            (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(w.name), ', ')
             FROM wanted w WHERE w.attnum IS NULL))
       WHEN EXISTS (SELECT FROM wanted w WHERE w.present_type <> w.type)
       THEN pg_catalog.format('referenced table %s has other column types on the target: %s', $1,
            (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(w.name) || ' ' || w.present_type, ', ')
             FROM wanted w WHERE w.present_type <> w.type))
       WHEN EXISTS (SELECT FROM wanted w WHERE NOT w.may_refer)
       THEN pg_catalog.format('no REFERENCES privilege on %s on the target', $1)
       WHEN NOT EXISTS (
            SELECT FROM pg_catalog.pg_index i
            WHERE i.indrelid = (SELECT r.oid FROM referenced r)
              AND i.indisunique AND i.indisvalid AND i.indimmediate
              AND i.indpred IS NULL AND i.indexprs IS NULL
              AND (SELECT pg_catalog.array_agg(k.number ORDER BY k.number)
                   FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[])
                        WITH ORDINALITY k(number, position)
                   WHERE k.position <= i.indnkeyatts) = (SELECT key.columns FROM key))
       THEN pg_catalog.format('referenced columns of %s have no unique key on the target', $1)
       END AS reason;
