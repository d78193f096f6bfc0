-- Which of the object files of ../catalog would give no row at all: to plan such a query takes longer
-- than to look. (Only those are looked at for which that is so.)
--   psql -f absent_kinds.sql
SELECT a.file
FROM (SELECT coalesce(pg_catalog.bool_or(c.relkind = 'v'), false) AS views,
             coalesce(pg_catalog.bool_or(c.relkind = 'm'), false) AS materialized_views,
             coalesce(pg_catalog.bool_or(c.relkind = 'S'), false) AS sequences,
             coalesce(pg_catalog.bool_or(c.relrowsecurity), false) AS row_security
      FROM pg_catalog.pg_class c
      WHERE c.oid >= 16384) r
CROSS JOIN LATERAL (VALUES
    ('functions', EXISTS (SELECT FROM pg_catalog.pg_proc x WHERE x.oid >= 16384)),
    ('aggregates', EXISTS (SELECT FROM pg_catalog.pg_proc x WHERE x.oid >= 16384)),
    ('collations', EXISTS (SELECT FROM pg_catalog.pg_collation x WHERE x.oid >= 16384)),
    ('domains', EXISTS (SELECT FROM pg_catalog.pg_type x WHERE x.oid >= 16384 AND x.typtype = 'd')),
    ('domain_constraints', EXISTS (SELECT FROM pg_catalog.pg_type x
                                   WHERE x.oid >= 16384 AND x.typtype = 'd')),
    ('operators', EXISTS (SELECT FROM pg_catalog.pg_operator x WHERE x.oid >= 16384)),
    ('operator_families', EXISTS (SELECT FROM pg_catalog.pg_opfamily x WHERE x.oid >= 16384)),
    ('operator_classes', EXISTS (SELECT FROM pg_catalog.pg_opclass x WHERE x.oid >= 16384)),
    ('conversions', EXISTS (SELECT FROM pg_catalog.pg_conversion x WHERE x.oid >= 16384)),
    ('text_search_parsers', EXISTS (SELECT FROM pg_catalog.pg_ts_parser x WHERE x.oid >= 16384)),
    ('text_search_templates',
     EXISTS (SELECT FROM pg_catalog.pg_ts_template x WHERE x.oid >= 16384)),
    ('text_search_dictionaries', EXISTS (SELECT FROM pg_catalog.pg_ts_dict x WHERE x.oid >= 16384)),
    ('text_search_configurations',
     EXISTS (SELECT FROM pg_catalog.pg_ts_config x WHERE x.oid >= 16384)),
    ('views', r.views),
    ('materialized_views', r.materialized_views),
    ('sequences', r.sequences),
    ('policies', r.row_security OR EXISTS (SELECT FROM pg_catalog.pg_policy)),
    ('defaults', EXISTS (SELECT FROM pg_catalog.pg_attrdef x WHERE x.oid >= 16384)),
    ('check_constraints', EXISTS (SELECT FROM pg_catalog.pg_constraint x
                                  WHERE x.oid >= 16384 AND x.contype IN ('c', 'n'))),
    ('index_attachments', EXISTS (SELECT FROM pg_catalog.pg_inherits)),
    ('rules', EXISTS (SELECT FROM pg_catalog.pg_rewrite x
                      WHERE x.oid >= 16384 AND x.rulename <> '_RETURN')),
    ('statistics_objects', EXISTS (SELECT FROM pg_catalog.pg_statistic_ext)),
    -- the internal ones of partitions hang on those of their parents
    ('triggers', EXISTS (SELECT FROM pg_catalog.pg_trigger x WHERE NOT x.tgisinternal)),
    ('default_privileges', EXISTS (SELECT FROM pg_catalog.pg_default_acl)),
    ('global_default_privileges', EXISTS (SELECT FROM pg_catalog.pg_default_acl)),
    ('languages', EXISTS (SELECT FROM pg_catalog.pg_language x WHERE x.oid >= 16384)),
    ('access_methods', EXISTS (SELECT FROM pg_catalog.pg_am x WHERE x.oid >= 16384)),
    ('casts', EXISTS (SELECT FROM pg_catalog.pg_cast x WHERE x.oid >= 16384)),
    ('transforms', EXISTS (SELECT FROM pg_catalog.pg_transform)),
    ('foreign_data_wrappers', EXISTS (SELECT FROM pg_catalog.pg_foreign_data_wrapper)),
    ('servers', EXISTS (SELECT FROM pg_catalog.pg_foreign_server)),
    ('user_mappings', EXISTS (SELECT FROM pg_catalog.pg_foreign_server)),
    ('publications', EXISTS (SELECT FROM pg_catalog.pg_publication)),
    ('publication_members', EXISTS (SELECT FROM pg_catalog.pg_publication)),
    ('publication_members_15', EXISTS (SELECT FROM pg_catalog.pg_publication)),
    ('event_triggers', EXISTS (SELECT FROM pg_catalog.pg_event_trigger)))
    a(file, is_there)
WHERE NOT a.is_there;
