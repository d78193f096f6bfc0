-- Objects of a schema that objects of pg_catalog hide when search_path is that schema.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat hidden_objects.sql) | PGOPTIONS=--search_path=public psql "$SOURCE"
SELECT o.description
FROM (
    SELECT pg_catalog.pg_describe_object(c.tableoid, c.oid, 0) AS description
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND NOT pg_catalog.pg_table_is_visible(c.oid)
    UNION ALL
    SELECT pg_catalog.pg_describe_object(t.tableoid, t.oid, 0)
    FROM pg_catalog.pg_type t
    WHERE t.typnamespace = ANY ($1::pg_catalog.oid[]) AND NOT pg_catalog.pg_type_is_visible(t.oid)
      AND t.typrelid = 0
    UNION ALL
    SELECT pg_catalog.pg_describe_object(p.tableoid, p.oid, 0)
    FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = ANY ($1::pg_catalog.oid[])
      AND NOT pg_catalog.pg_function_is_visible(p.oid)
    UNION ALL
    SELECT pg_catalog.pg_describe_object(o.tableoid, o.oid, 0)
    FROM pg_catalog.pg_operator o
    WHERE o.oprnamespace = ANY ($1::pg_catalog.oid[])
      AND NOT pg_catalog.pg_operator_is_visible(o.oid)
    UNION ALL
    SELECT pg_catalog.pg_describe_object(o.tableoid, o.oid, 0)
    FROM pg_catalog.pg_opclass o
    WHERE o.opcnamespace = ANY ($1::pg_catalog.oid[])
      AND NOT pg_catalog.pg_opclass_is_visible(o.oid)
    UNION ALL
    SELECT pg_catalog.pg_describe_object(o.tableoid, o.oid, 0)
    FROM pg_catalog.pg_opfamily o
    WHERE o.opfnamespace = ANY ($1::pg_catalog.oid[])
      AND NOT pg_catalog.pg_opfamily_is_visible(o.oid)
    UNION ALL
    SELECT pg_catalog.pg_describe_object(c.tableoid, c.oid, 0)
    FROM pg_catalog.pg_collation c
    WHERE c.collnamespace = ANY ($1::pg_catalog.oid[])
      AND NOT pg_catalog.pg_collation_is_visible(c.oid)
    UNION ALL
    SELECT pg_catalog.pg_describe_object(c.tableoid, c.oid, 0)
    FROM pg_catalog.pg_ts_config c
    WHERE c.cfgnamespace = ANY ($1::pg_catalog.oid[])
      AND NOT pg_catalog.pg_ts_config_is_visible(c.oid)
    UNION ALL
    SELECT pg_catalog.pg_describe_object(d.tableoid, d.oid, 0)
    FROM pg_catalog.pg_ts_dict d
    WHERE d.dictnamespace = ANY ($1::pg_catalog.oid[])
      AND NOT pg_catalog.pg_ts_dict_is_visible(d.oid)) o
ORDER BY o.description
LIMIT 10;
