-- What belongs to a table, and comes along with it in scope "table": triggers, policies, statistics
-- objects, marks, settings of columns and indexes, privileges, comments. With the same name all of it;
-- under another name all that doesn't depend on the name.
select plan(46);
\ir jobs.psql
create extension dblink;
select dblink_connect('source', :'source') \g /dev/null

create function pg_temp.outcome() returns text language sql as
    $$ select concat_ws(' ', status, sqlstate, error_message, error_detail)
       from pgclone_job where job_id = current_setting('test.job')::bigint $$;
-- What was left out, and why.
create function pg_temp.skipped() returns table (object text, reason text) language sql as
    $$ select object_name, skip_reason from pgclone_tasks_view
       where job_id = current_setting('test.job')::bigint and status = 'skipped' $$;

-- All that is known of a table, a line each.
create function pg_temp.description(relation text) returns text language sql return format($query$
    with t as (select * from pg_class where oid = %1$L::regclass)
    select 'table ' || (t.relkind, t.relpersistence, t.relreplident, t.relrowsecurity, t.relforcerowsecurity,
                        t.relhastriggers, t.reloptions, o.reloptions, pg_get_userbyid(t.relowner))::text as line
        from t left join pg_class as o on o.oid = t.reltoastrelid
    union all select 'grant ' || coalesce(g.grantee::regrole::text, '') || ' ' || g.privilege_type || ' ' || g.is_grantable
        from t, aclexplode(t.relacl) as g
    union all select 'column ' || (a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), c.collname, a.attnotnull,
                                   a.attidentity, a.attgenerated, a.attstorage, a.attcompression, a.attstattarget,
                                   (select array_agg(o order by o) from unnest(a.attoptions) as o
                                    where o not like 'pg\_attver=%%'), a.attacl, pg_get_expr(d.adbin, d.adrelid))::text
        from t join pg_attribute as a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        left join pg_collation as c on c.oid = a.attcollation and c.collname <> 'default'
        left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    union all select 'index ' || pg_get_indexdef(i.indexrelid) || ' ' || (i.indisclustered, i.indisreplident, i.indisvalid)
        || coalesce((select string_agg(a.attstattarget::text, ' ' order by a.attnum) from pg_attribute as a
                     where a.attrelid = i.indexrelid), '')
        from t join pg_index as i on i.indrelid = t.oid
    union all select 'constraint ' || c.conname || ' ' || pg_get_constraintdef(c.oid) || ' ' || c.convalidated
        from t join pg_constraint as c on c.conrelid = t.oid
    union all select 'trigger ' || pg_get_triggerdef(g.oid) || ' ' || g.tgenabled::text
        from t join pg_trigger as g on g.tgrelid = t.oid and not g.tgisinternal
    union all select 'policy ' || (p.polname, p.polcmd, p.polpermissive,
                                   (select array_agg(case when r = 0 then 'public' else r::regrole::text end order by 1)
                                    from unnest(p.polroles) as r),
                                   pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))::text
        from t join pg_policy as p on p.polrelid = t.oid
    union all select 'statistics ' || pg_get_statisticsobjdef(s.oid) || ' ' || s.stxstattarget
        || ' ' || pg_get_userbyid(s.stxowner)
        from t join pg_statistic_ext as s on s.stxrelid = t.oid
    union all select 'sequence ' || (s.relname, s.relpersistence, s.relacl, q.seqtypid::regtype, q.seqstart, q.seqmax)::text
        from t join pg_depend as d on d.refobjid = t.oid and d.deptype in ('i', 'a')
        join pg_class as s on s.oid = d.objid and s.relkind = 'S' join pg_sequence as q on q.seqrelid = s.oid
    union all select 'comment ' || (x.description, pg_describe_object(x.classoid, x.objoid, x.objsubid))::text
        from t join pg_description as x on x.objoid = t.oid or x.objoid in
            (select objid from pg_depend where refobjid = t.oid union select indexrelid from pg_index where indrelid = t.oid
             union select oid from pg_constraint where conrelid = t.oid)
$query$, relation);
-- Here, as the source has it: no row, or what differs. `renamed` is the name that the clone has here.
create function pg_temp.differences(relation text, renamed text default null)
returns table (side text, line text) language plpgsql as $$
begin
    create temp table lines (side text, line text);
    execute 'insert into lines select ''target'', '
            || case when renamed is null then 'line'
                    -- what belongs to it has a number, or has its name
                    else 'regexp_replace(replace(line, ''again'', ''everything''), '
                         '''\y(once|by_a|by_expression|partly|no_overlap|s_both|s_away|s_expression)_1\y'', '
                         '''\1'', ''g'')' end
            || ' from (' || pg_temp.description(coalesce(renamed, relation)) || ') as x';
    insert into lines select 'source', d.line
        from dblink('source', pg_temp.description(relation)) as d(line text);
    return query select min(l.side), l.line from lines as l group by l.line having count(*) = 1;
    drop table lines;
end
$$;

-- What has to be there before.
create schema f;
create collation f.sorted (locale = 'C');
create function f.touch() returns trigger language plpgsql as 'begin return new; end';
create function f.touch_statement() returns trigger language plpgsql as 'begin return null; end';

-- --- Roles and a schema are missing here
call pg_temp.clone('table', 'f.everything', '{"acls": true}');
select is(pg_temp.outcome(), 'failed 42704 the target lacks objects that table "f"."everything" needs '
          'Missing: role "table_features_guard", role "table_features_reader".',
          'roles that privileges name have to be there');
call pg_temp.clone('table', 'f.everything');
select is(pg_temp.outcome(), 'completed', 'those that policies name do not');
select set_eq('select object from pg_temp.skipped()',
              array['policy p_add', 'policy p_read', 'policy p_write', 'statistics object s_away'],
              'what is for them is left out');
select is((select relrowsecurity from pg_class where oid = 'f.everything'::regclass), true,
          'and nobody sees more rows than before');
drop table f.everything;

-- --- Everything, under the same name
create role table_features_reader;
create role table_features_guard;
create schema f_statistics;
call pg_temp.clone('table', 'f.everything', '{"acls": true}');
select is(pg_temp.outcome(), 'completed', 'a table with everything');
select is_empty($$ select * from pg_temp.differences('f.everything') $$, 'is as it is at the source');
select is_empty('select * from pg_temp.skipped()', 'nothing is left out');
select is((select count(*) from f.everything), 2000::bigint, 'with its rows');

-- --- Under another name, beside it
call pg_temp.clone('table', 'f.everything', '{"target_name": "again", "acls": true}');
select is(pg_temp.outcome(), 'completed', 'the same under another name');
select is_empty($$ select * from pg_temp.differences('f.everything', 'f.again') $$, 'differs in names only');
select is_empty('select * from pg_temp.skipped()', 'nothing is left out');
drop table f.again;

call pg_temp.clone('table', 'f.everything', '{"conflict": "rename", "acls": true}');
select is(pg_temp.outcome(), 'completed', 'conflict = rename');
select is_empty($$ select * from pg_temp.differences('f.everything') $$, 'is as it is at the source');
select set_eq($$ select relname::text from pg_class where relname like '%\_old'
                 union select stxname from pg_statistic_ext where stxname like '%\_old' $$,
              array['everything_old', 'everything_id_seq_old', 'everything_pkey_old', 'once_old', 'by_a_old',
                    'by_expression_old', 'partly_old', 'no_overlap_old', 's_both_old', 's_away_old',
                    's_expression_old'],
              'the old one is set aside with all that belongs to it');
call pg_temp.clone('table', 'f.everything', '{"conflict": "replace", "acls": true}');
select is(pg_temp.outcome(), 'completed', 'conflict = replace');
select is_empty($$ select * from pg_temp.differences('f.everything') $$, 'is as it is at the source');

-- --- A part of it
call pg_temp.clone('table', 'f.everything', '{"target_name": "less", "columns": ["id", "a", "kind"]}');
select is(pg_temp.outcome(), 'completed', 'some columns');
select set_eq('select * from pg_temp.skipped()', $$ values
    ('by_a', 'it needs columns that are not cloned: "b"'),
    ('by_expression', 'it needs columns that are not cloned: "b"'),
    ('no_overlap', 'it needs columns that are not cloned: "span"'),
    ('once', 'it needs columns that are not cloned: "name"'),
    ('unchecked', 'it needs columns that are not cloned: "b"'),
    ('cluster mark', 'index "by_a" is not cloned'),
    ('replica identity', 'index "by_a" is not cloned'),
    ('statistics object s_away', 'it needs columns that are not cloned: "name"'),
    ('statistics object s_both', 'it needs columns that are not cloned: "b"'),
    ('statistics object s_expression', 'it needs columns that are not cloned: "b"'),
    ('t_plain', 'it needs columns that are not cloned: "name"'),
    ('policy p_add', 'it needs columns that are not cloned: "name"'),
    ('policy p_read', 'a restrictive policy of the table cannot be cloned'),
    ('policy p_write', 'it needs columns that are not cloned: "b"') $$,
    'what needs other columns is left out, and says so');

-- --- Marks
call pg_temp.clone('table', 'f.full_identity');
select is_empty($$ select * from pg_temp.differences('f.full_identity') $$, 'replica identity full');
call pg_temp.clone('table', 'f.no_identity');
select is_empty($$ select * from pg_temp.differences('f.no_identity') $$, 'no replica identity');
call pg_temp.clone('table', 'f.unlogged');
select is_empty($$ select * from pg_temp.differences('f.unlogged') $$, 'an unlogged table with a sequence');

-- --- What names the table
call pg_temp.clone('table', 'f.whole_row');
select is(pg_temp.outcome(), 'completed', 'expressions with the whole row');
select is_empty($$ select * from pg_temp.differences('f.whole_row') $$, 'are as they are at the source');
call pg_temp.clone('table', 'f.whole_row', '{"target_name": "row_again"}');
select is(pg_temp.outcome(), 'completed', 'under another name');
select set_eq('select * from pg_temp.skipped()', $$
    select x, 'its definition refers to whole rows by the table''s name, and the clone has another'
    from unnest(array['apart_1', 'by_row_1', 'filled']) as x $$, 'they are left out');
call pg_temp.clone('table', 'f.weighed');
select is(pg_temp.outcome(), 'failed 42704 the target lacks objects that table "f"."weighed" needs '
          'Missing: function f.weight(f.weighed), operator f.@#(NONE,f.weighed).',
          'a function of the row itself has to be there');
call pg_temp.clone('table', 'f.weighed', '{"indexes": false}');
select is(pg_temp.outcome(), 'completed', 'without the indexes that use it nothing is missing');
call pg_temp.clone('table', 'f.named');
select is(pg_temp.outcome(), 'completed', 'a policy whose expression names the table');
select is_empty($$ select * from pg_temp.differences('f.named') $$, 'is as it is at the source');
call pg_temp.clone('table', 'f.named', '{"target_name": "other_name"}');
select is(pg_temp.outcome(), 'completed', 'under another name');
select results_eq('select * from pg_temp.skipped()', $$ values
    ('policy others', 'its expressions may refer to the table by name, and the clone has another') $$,
    'it is left out');

-- --- Owners
call pg_temp.clone('table', 'f.owned_elsewhere', '{"owners": true}');
select is(pg_temp.outcome(), 'failed 42704 the target lacks objects that table "f"."owned_elsewhere" needs '
          'Missing: role "table_features_owner".', 'its owner has to be there');
call pg_temp.clone('table', 'f.owned_elsewhere',
                   '{"owners": true, "role_map": {"table_features_owner": "table_features_guard"}}');
select is(pg_temp.outcome(), 'completed', 'or another one for it');
select is((select array_agg(o) from (
              select pg_get_userbyid(relowner) as o from pg_class where oid = 'f.owned_elsewhere'::regclass
              union all select pg_get_userbyid(stxowner) from pg_statistic_ext where stxname = 's_owned') as x),
          array['table_features_guard', 'table_features_guard']::name[], 'who owns the statistics, too');

-- --- What is missing
call pg_temp.clone('table', 'f.extended');
select is(pg_temp.outcome(), 'failed 42704 the target lacks objects that table "f"."extended" needs '
          'Missing: type f.citext (extension "citext").', 'a type of an extension');
call pg_temp.clone('table', 'f.unfit');
select is(pg_temp.outcome(), 'completed', 'a table with an index that is not valid');
select results_eq('select * from pg_temp.skipped()', $$ values
    ('no_index', 'the index is invalid on the source') $$, 'which is left out');

-- --- What is refused
call pg_temp.clone('table', 'f.a_view');
select is(pg_temp.outcome(), 'failed 42809 cannot clone view "f"."a_view" in scope "table" yet', 'a view');
call pg_temp.clone('table', 'f.parted');
select is(pg_temp.outcome(), 'failed 42809 cannot clone partitioned table "f"."parted" in scope "table" yet',
          'a partitioned table');
call pg_temp.clone('table', 'pg_catalog.pg_class');
select is(pg_temp.outcome(), 'failed 42809 cannot clone system catalog "pg_catalog"."pg_class"', 'a catalog');
select format('host=%s port=%s dbname=%s user=table_features_login password=tulips',
    :'source_host', :'source_port', :'source_database') as reader \gset
call pg_temp.clone('table', 'closed.t', source => :'reader');
select is(pg_temp.outcome(), 'failed 42501 permission denied for schema "closed" on the source',
          'a schema that is closed to the role');
select d.name as temporary from dblink('source', $$
    create temp table of_a_session (i integer);
    select format('%I.of_a_session', nspname) from pg_namespace where oid = pg_my_temp_schema() $$) as d(name text)
\gset
call pg_temp.clone('table', :'temporary');
select alike(pg_temp.outcome(), 'failed 42809 cannot clone temporary table %', 'a temporary table of a session');
create table f.of_another (i integer);
create role table_features_user login;
grant execute on function pgclone_submit(text, text, text, jsonb) to table_features_user;
grant all on schema f to table_features_user;
set role table_features_user;
select pgclone_submit(:'reader', 'table', 'f.readable',
                      '{"target_name": "of_another", "conflict": "replace"}') as job \gset
reset role;
select set_config('test.job', :'job', false), pgclone_wait(:job, '60 s') \g /dev/null
select is(pg_temp.outcome(), 'failed 42501 must be owner of table "f"."of_another" on the target',
          'a table of another role in its place');
drop owned by table_features_user;
drop role table_features_user;
create schema taken;
create view taken.everything as select 1 as a;
call pg_temp.clone('table', 'f.everything', '{"target_schema": "taken", "conflict": "replace"}');
select is(pg_temp.outcome(), 'failed 42809 cannot replace or rename "taken"."everything" on the target, '
          'which is no ordinary table', 'a view in its place');
select has_view('taken', 'everything', 'which is still there');

drop schema f, f_statistics, taken cascade;
drop role table_features_reader, table_features_guard;
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'no slot is left');
