-- A content site: extensions in schemas of their own, trigram and full-text search, materialized
-- views that need each other, large objects, foreign tables, publications, subscriptions, event
-- triggers, statistics.
\set ON_ERROR_STOP on
\encoding UTF8
select current_setting('server_version_num')::int >= 150000 as has_15 \gset
set client_min_messages = warning;
select format('create role %I %s', name, properties)
from (values ('content_owner', 'nologin createdb'), ('content_editor', 'nologin'), ('content_reader', 'nologin'))
         as roles (name, properties)
where not exists (select from pg_roles where rolname = name) \gexec

create schema extensions;
create schema content authorization content_owner;
create schema media;
create schema search;
create schema "Archive 2023";
comment on schema search is 'Words';
revoke all on schema public from public;
grant usage on schema content, media, search, extensions to content_editor, content_reader;
comment on schema public is 'Nothing here';

create extension citext schema extensions;
create extension pg_trgm schema search;
create extension ltree schema extensions;
create extension unaccent schema search;
-- Not the newest version.
create extension hstore schema extensions version '1.4';
create extension postgres_fdw;
create extension file_fdw schema extensions;
create extension pgcrypto schema extensions;
create extension btree_gin schema extensions;
create extension intarray schema extensions;
comment on extension pg_trgm is 'For the search box';
comment on extension plpgsql is null;
revoke execute on function search.similarity(text, text) from public;
grant execute on function search.similarity(text, text) to content_reader;
set search_path = content, extensions;

-- --- Search: a parser, a template, dictionaries, configurations

create text search parser search.words (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end,
    headline = prsd_headline, lextypes = prsd_lextype);
create text search template search.plain (init = dsimple_init, lexize = dsimple_lexize);
create text search dictionary search.stop_words (template = search.plain, stopwords = 'english', accept = 'false');
create text search dictionary search.synonyms (template = synonym, synonyms = 'synonym_sample', casesensitive = true);
create text search dictionary search.german (template = snowball, language = 'german', stopwords = 'german');
create text search dictionary search.spelling (template = ispell, dictfile = 'ispell_sample', afffile = 'ispell_sample');
create text search configuration search.site (parser = search.words);
alter text search configuration search.site add mapping for asciiword, word, hword, hword_part with search.stop_words, search.synonyms, english_stem;
alter text search configuration search.site add mapping for numword, email, url, host, sfloat with simple;
create text search configuration search.site_de (copy = pg_catalog.german);
alter text search configuration search.site_de alter mapping replace german_stem with search.german;
alter text search configuration search.site_de alter mapping for hword, word with search.unaccent, search.german;
alter text search configuration search.site_de drop mapping for url_path;
comment on text search configuration search.site is 'What people type';
comment on text search dictionary search.german is 'Without ß';
comment on text search parser search.words is 'The usual one';
comment on text search template search.plain is 'No stemming';
alter text search configuration search.site owner to content_owner;
alter text search dictionary search.german owner to content_owner;

-- --- Functions, a language, a conversion, a collation

create function slugify(title text) returns text language sql immutable strict parallel safe
    return trim(both '-' from regexp_replace(lower(title), '[^a-z0-9]+'::text, '-', 'g'));
create function search.document(title text, body text, configuration regconfig default 'search.site') returns tsvector
    language sql immutable parallel safe
    return setweight(to_tsvector('pg_catalog.simple'::regconfig, coalesce(title, '')), 'A')
        || setweight(to_tsvector('pg_catalog.english'::regconfig, coalesce(body, '')), 'D');
create function content.call_handler() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';
create function content.inline_handler(internal) returns void strict language c as '$libdir/plpgsql', 'plpgsql_inline_handler';
create function content.validator(oid) returns void strict language c as '$libdir/plpgsql', 'plpgsql_validator';
create trusted language plcontent handler content.call_handler inline content.inline_handler validator content.validator;
comment on language plcontent is 'plpgsql by another name';
alter language plcontent owner to content_owner;
grant usage on language plcontent to content_editor with grant option;
create function next_position(list text) returns integer language plcontent set search_path from current as $_$
declare "$$" integer := 1;
begin
    return "$$";
end
$_$;
create conversion content.to_latin for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1;
comment on conversion content.to_latin is 'For a printer';
create collation content.numeric_order (provider = icu, locale = 'en-u-kn-true');
create collation content.no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create collation content.posix from "C";
comment on collation content.numeric_order is 'a2 before a10';
alter collation content.no_case owner to content_owner;
create domain content.title as citext check (value <> '');

-- --- Tables

create table sites (
    site_id smallint primary key,
    host extensions.citext not null unique,
    title content.title not null,
    settings extensions.hstore not null default '"a"=>"1"'::extensions.hstore,
    search_configuration regconfig not null default 'search.site'::regconfig
);
create table authors (
    author_id uuid primary key default extensions.gen_random_uuid(),
    site_id smallint not null references sites,
    name text collate content.no_case not null,
    email extensions.citext,
    password text default extensions.crypt('x', '$1$abcdefgh'),
    bio text,
    picture oid,
    manager uuid references authors on delete set null,
    unique (site_id, name)
);
create table categories (
    category_id integer generated always as identity primary key,
    site_id smallint references sites,
    path extensions.ltree not null,
    title text collate content.numeric_order,
    labels extensions.hstore,
    related integer[] default '{}'
);
create index categories_path on categories using gist (path extensions.gist_ltree_ops (siglen = 16));
create index categories_path_btree on categories (path);
create index categories_labels on categories using gin (labels extensions.gin_hstore_ops);
create index categories_related on categories using gin (related extensions.gin__int_ops);
create index categories_title on categories (title collate "C" desc, site_id);
create table articles (
    article_id bigint generated by default as identity primary key,
    site_id smallint not null references sites,
    author_id uuid references authors deferrable initially deferred,
    category_id integer references categories on delete set null,
    title content.title,
    slug text generated always as (slugify(title::text)) stored,
    abstract character varying(500),
    body text not null default '',
    words tsvector,
    translations jsonb,
    published_at timestamptz,
    revision integer not null default 1,
    featured boolean not null default false,
    previous bigint references articles,
    constraint published_has_body check (published_at is null or body <> '')
) with (autovacuum_analyze_scale_factor = 0.01, toast_tuple_target = 512);
create index articles_title_trigrams on articles using gin ((title::text) search.gin_trgm_ops);
create index articles_body_trigrams on articles using gist (body search.gist_trgm_ops (siglen = 32));
create index articles_words on articles using gin (words) with (fastupdate = off, gin_pending_list_limit = 128);
create index articles_words_gist on articles using gist (words tsvector_ops (siglen = 100)) where featured;
create index articles_document on articles using gin (search.document(title::text, body));
create index articles_mixed on articles using gin (site_id, translations);
create index articles_slug on articles using spgist (slug);
create index articles_published on articles using brin (published_at timestamptz_minmax_multi_ops (values_per_range = 16));
alter table articles alter column body set statistics 1000;
alter table articles alter column body set storage external;
create statistics articles_author (dependencies) on site_id, author_id from articles;
create statistics articles_mcv (mcv) on featured, category_id, site_id from articles;
create statistics articles_words_count on (cardinality(tsvector_to_array(words))), (length(body)) from articles;
create statistics articles_all on author_id, featured from articles;
alter statistics articles_mcv owner to content_owner;
create trigger words before insert or update of title, body on articles
    for each row execute function tsvector_update_trigger('words', 'pg_catalog.simple', 'title', 'body');
create trigger words_too before insert on articles for each row when (new.words is null)
    execute function tsvector_update_trigger('words', 'search.site', 'body');
drop trigger words on articles;
create table revisions (
    article_id bigint not null references articles on delete cascade,
    revision integer not null,
    body text compression pglz,
    diff bytea,
    made_at timestamptz(0) default '2024-01-01 00:00+00',
    primary key (article_id, revision)
);
alter table revisions alter column diff set storage external, alter column diff set compression pglz;
create table tags (tag extensions.citext primary key, uses bigint default 0);
create table article_tags (
    article_id bigint references articles, tag extensions.citext references tags on update cascade,
    primary key (article_id, tag)
);
create table comments (
    comment_id bigserial primary key,
    article_id bigint not null references articles,
    reply_to bigint,
    author text,
    "text" text not null,
    "Up votes" integer default 0,
    address inet,
    mac macaddr8,
    foreign key (reply_to) references comments deferrable
);
create index comments_article on comments (article_id, comment_id desc) include ("Up votes");
create table ratings (
    article_id bigint references articles, author_id uuid references authors, stars smallint check (stars between 1 and 5),
    primary key (article_id, author_id)
) partition by hash (article_id);
create table ratings_0 partition of ratings for values with (modulus 2, remainder 0);
create table ratings_1 partition of ratings for values with (modulus 2, remainder 1);
create table search.queries (
    query text not null, parsed tsquery, results integer[], asked_at timestamptz, took interval
) partition by range (asked_at);
create unlogged table search.queries_2024 partition of search.queries for values from ('2024-01-01') to ('2025-01-01');
create table search.queries_old partition of search.queries for values from (minvalue) to ('2024-01-01');

-- One table a language, and the lists of the site.
select format($$create table articles_%1$s (
    like articles including comments including constraints including storage,
    language text not null default %1$L,
    words_%1$s tsvector generated always as (to_tsvector(%2$L::regconfig, body)) stored,
    primary key (article_id)
);
create index on articles_%1$s using gin (words_%1$s);
create index on articles_%1$s using gist ((title::text) search.gist_trgm_ops);
comment on table articles_%1$s is %3$L;$$, code, configuration, 'Translated into ' || name)
from (values ('de', 'German', 'pg_catalog.german'), ('fr', 'French', 'pg_catalog.french'),
             ('it', 'Italian', 'pg_catalog.italian'), ('nl', 'Dutch', 'pg_catalog.dutch'),
             ('sv', 'Swedish', 'pg_catalog.swedish'), ('tr', 'Turkish', 'pg_catalog.turkish'),
             ('pt', 'Portuguese', 'search.site'), ('es', 'Spanish', 'search.site_de'))
     languages (code, name, configuration) \gexec
select format($$create table content.%I (
    id integer generated always as identity (increment by 2) primary key,
    site_id smallint references content.sites,
    name extensions.citext unique,
    payload %s,
    changed_at timestamptz default '2024-02-03 04:05:06.789+00'
);
insert into content.%1$I (name, payload) select 'name ' || i, %3$s from generate_series(1, 50) i;
create index on content.%1$I using gin (name search.gin_trgm_ops);
grant select on content.%1$I to content_reader;
grant all on content.%1$I to content_editor with grant option;$$, name, type, value)
from (values ('menus', 'json', $$'{"b": 1, "a":  [1,2]}'::json$$), ('menu_items', 'text[][]', $$'{{a,b},{"c,d",null}}'::text[]$$),
             ('layouts', 'xml', $$xml '<a/>'$$), ('templates', 'text', $$E'line\r\nother\ttab\\'$$),
             ('themes', 'point', $$point(i, 1e-7 * i)$$), ('colours', 'bit(24)', $$i::bit(24)$$),
             ('fonts', 'varchar(5)[]', $$array['a', null, 'null']$$), ('newsletters', 'money', $$(i * 1.5)::numeric::money$$),
             ('subscribers', 'cidr', $$cidr '10.0.0.0/8'$$), ('campaigns', 'daterange', $$daterange('2024-01-01', null)$$),
             ('redirects', 'jsonb', $$jsonb_build_object('to', i)$$), ('feeds', 'tsquery', $$'a & (b | !c:*)'::tsquery$$),
             ('widgets', 'box', $$box(point(0, 0), point(i, i))$$), ('surveys', 'int4multirange', $$int4multirange(int4range(1, i + 2))$$),
             ('answers', 'jsonpath', $$'$.a[*] ? (@ > 1)'::jsonpath$$), ('votes', 'interval', $$make_interval(months => i, secs => 1.5)$$),
             ('bans', 'inet[]', $$array[inet '::1/128']$$), ('spam_words', 'char(10)', $$'x'$$), ('visits', 'timetz', $$timetz '12:00+02'$$),
             ('sessions', 'uuid', $$md5(i::text)::uuid$$), ('bookmarks', 'pg_lsn', $$'0/0'::pg_lsn + i::numeric$$),
             ('likes', 'xid8', $$i::text::xid8$$), ('reports', 'regclass', $$'content.articles'::regclass$$),
             ('events', 'tstzmultirange', $$'{}'::tstzmultirange$$), ('places', 'circle', $$circle(point(1, 2), i)$$),
             ('calendars', 'date[]', $$array[date '2024-01-01' + i, 'infinity', '4000-01-01 BC']$$),
             ('mails', 'extensions.ltree', $$'a.b.c'::extensions.ltree$$), ('queue', 'extensions.hstore', $$extensions.hstore('k' || i, null)$$),
             ('caches', 'bytea', $$decode(md5(i::text), 'hex')$$), ('flags', 'varbit', $$B'101'$$), ('counters', 'numeric', $$10::numeric ^ i$$),
             ('locks', 'float4', $$i / 3.0::real$$), ('quotes', '"char"', $$chr(60 + i)::"char"$$),
             ('polls', 'int8[]', $$'[0:1]={1,2}'::int8[]$$), ('badges', 'txid_snapshot', $$'10:20:10,14'::txid_snapshot$$),
             ('drafts', 'regtype', $$'content.title'::regtype$$), ('streams', 'refcursor', $$'c'::refcursor$$),
             ('uploads', 'path', $$'((0,0),(1,1))'::path$$), ('licences', 'regprocedure', $$'content.slugify(text)'::regprocedure$$),
             ('podcasts', 'time(3)', $$time '12:00:00.1239'$$), ('credits', 'numeric(5,1)', $$i * 1.1$$))
     lists (name, type, value) \gexec
alter table caches set unlogged;
alter table locks set (fillfactor = 50, user_catalog_table = true);
alter table menus rename column payload to "Payload; -- ""x""";

-- Archive: as of, like, and in a schema whose name needs quotes
create table "Archive 2023"."Articles" as select * from articles with no data;
create table "Archive 2023"."Comments" (like comments including all);

-- --- Rows

insert into sites select i, 'Site' || i || '.example', 'Site ' || i, extensions.hstore('n', i::text), case i % 2 when 0 then 'search.site'::regconfig else 'search.site_de' end
from generate_series(1, 5) i;
insert into authors (author_id, site_id, name, email, bio)
select md5('author' || i)::uuid, i % 5 + 1, 'Author ' || i, 'Author' || i || '@Example.com', repeat('He writes. ', i % 100)
from generate_series(1, 200) i;
update authors set manager = md5('author1')::uuid where author_id::text > '8';
insert into categories (site_id, path, title, labels, related)
select i % 5 + 1, ('top.c' || i / 10 || '.c' || i)::extensions.ltree, 'Category ' || i, extensions.hstore(array['a', 'b'], array[i::text, null]), array[i, i + 1]
from generate_series(1, 300) i;
insert into articles (site_id, author_id, category_id, title, abstract, body, translations, published_at, featured)
select i % 5 + 1, md5('author' || (i % 200 + 1))::uuid, i % 300 + 1, 'The ' || (array['Quick', 'lazy', 'Größte', 'ÉTÉ'])[i % 4 + 1] || ' story no. ' || i,
       nullif(repeat('About things. ', i % 30), ''), repeat(md5(i::text) || ' some words that repeat ', i % 40 + 1),
       case when i % 3 = 0 then jsonb_build_object('de', 'Geschichte ' || i) end, timestamptz '2024-01-01 00:00+00' + i * interval '1 hour', i % 50 = 0
from generate_series(1, 3000) i;
insert into revisions select article_id, r, repeat(article_id::text, 100), sha256(title::text::bytea) from articles, generate_series(1, 2) r where article_id % 3 = 0;
insert into tags select 'tag ' || i, i from generate_series(1, 100) i;
insert into article_tags select article_id, 'TAG ' || article_id % 100 + 1 from articles;
insert into comments (article_id, author, text, address, mac) select article_id, null, E'\\. and \\N\n' || slug, inet '2001:db8::1' + article_id, '08:00:2b:01:02:03:04:05' from articles where article_id % 2 = 0;
insert into ratings select article_id, author_id, article_id % 5 + 1 from articles;
insert into search.queries select 'q' || i, plainto_tsquery('search.site', 'how to find ' || i), array[i], timestamptz '2023-12-01 00:00+00' + i * interval '1 hour', i * interval '1 ms' from generate_series(1, 2000) i;
insert into articles_de (article_id, site_id, title, body, revision, featured) select article_id, site_id, title, body, 1, false from articles where article_id < 200;
insert into "Archive 2023"."Articles" select * from articles where article_id < 100;

-- --- Views, plain and materialized

create view published as select a.*, search.similarity(a.title::text, 'story') as nearness from articles a where published_at < 'infinity';
create view media.everything as
    select article_id, title::text, 'article' as kind from articles union all
    (select comment_id, text, 'comment' from comments order by 1 limit 10) except select 1, null, null;
create materialized view search.article_words as select word, ndoc, nentry from ts_stat('select words from content.articles') order by ndoc desc;
create index article_words_trigrams on search.article_words using gin (word search.gin_trgm_ops);
create unique index article_words_word on search.article_words (word);
alter materialized view search.article_words cluster on article_words_word;
-- Its name comes before that of the one it needs.
create materialized view search.a_common_words tablespace pg_default as select word from search.article_words where ndoc > 10;
create materialized view search.unused_words as select word from search.article_words where nentry = 1 with no data;
create index unused_words_word on search.unused_words (word);
create materialized view search.of_view as select kind, count(*) from media.everything group by kind;
comment on materialized view search.a_common_words is 'Not searched for';
comment on column search.article_words.ndoc is 'In how many';
alter materialized view search.article_words alter column word set statistics 10;
alter materialized view search.of_view owner to content_owner;
grant select on media.everything to content_owner;
create function search.suggest(prefix text, out word text, out score real) returns setof record language sql stable begin atomic
    select w.word, search.word_similarity(suggest.prefix, w.word) from search.article_words w where w.word operator(search.%>) suggest.prefix;
end;

-- --- Large objects

create table media.files (file_id integer generated always as identity primary key, name text, content oid not null, thumbnail oid);
insert into media.files (name, content)
select 'file ' || i, lo_from_bytea(700000 + i::oid::int, decode(repeat(md5(i::text), i * 20), 'hex')) from generate_series(1, 30) i;
select lo_create(700100), lo_from_bytea(700101, '') \g /dev/null
alter large object 700001 owner to content_owner;
alter large object 700100 owner to content_editor;
grant select on large object 700002 to content_reader with grant option;
grant select, update on large object 700003, 700001 to public;
comment on large object 700004 is 'A picture of "it"';
-- With a hole
select lo_put(700101, 10000, 'after a hole'::bytea) \g /dev/null

-- --- Foreign data

create foreign data wrapper nothing options (debug 'true');
create foreign data wrapper with_handler handler public.postgres_fdw_handler validator public.postgres_fdw_validator;
create server elsewhere type 'postgres' version '15' foreign data wrapper postgres_fdw options (host 'nowhere.invalid', dbname 'it''s', fetch_size '500');
create server files foreign data wrapper file_fdw;
create server unused foreign data wrapper nothing;
create user mapping for public server elsewhere options (user 'reader');
create user mapping for content_owner server elsewhere options (user 'o''wner');
create user mapping for content_editor server unused;
create foreign table media.remote_files (
    id integer options (column_name 'file id') not null, name text collate "C" default 'x', size bigint check (size >= 0)
) server elsewhere options (schema_name 'public', table_name 'files', updatable 'false');
create foreign table media.log_lines (line text) server files options (filename '/var/log/nothing', format 'csv', delimiter E'\t', quote '''');
create foreign table media.more_files (extra text) inherits (media.files) server elsewhere;
create foreign table search.queries_far partition of search.queries for values from ('2025-01-01') to (maxvalue) server elsewhere;
alter foreign table media.remote_files alter column name set statistics 5;
comment on foreign table media.remote_files is 'Far away';
comment on column media.remote_files.id is 'theirs';
comment on server elsewhere is 'Down';
comment on foreign data wrapper nothing is 'Does nothing';
alter server elsewhere owner to content_owner;
grant usage on foreign server files to content_editor with grant option;
grant usage on foreign data wrapper postgres_fdw to content_owner;
grant select (name) on media.remote_files to content_reader;
grant select on media.log_lines to content_reader;

-- --- Publications, subscriptions, event triggers

create publication everything for all tables with (publish = 'insert, delete');
create publication articles for table articles, only revisions with (publish_via_partition_root = true);
create publication nothing_at_all;
\if :has_15
create publication of_schema for tables in schema media, table search.queries;
create publication filtered for table comments (comment_id, article_id) where (comment_id > 10 and reply_to is null), categories;
\endif
alter publication articles owner to content_owner;
comment on publication everything is 'For the standby';
set client_min_messages = error;
create subscription far connection 'host=nowhere.invalid dbname=''x y'' user=replicator' publication a, "B c"
    with (connect = false, slot_name = 'fidelity', streaming = on, binary = true, synchronous_commit = remote_apply);
create subscription without_slot connection 'host=nowhere.invalid' publication p with (connect = false, slot_name = none);
comment on subscription far is 'Off';
set client_min_messages = warning;

create function search.note_ddl() returns event_trigger language plpgsql as $$
begin
    null;
end
$$;
create event trigger note_tables on ddl_command_end when tag in ('CREATE TABLE', 'ALTER TABLE') execute function search.note_ddl();
create event trigger note_drops on sql_drop execute function search.note_ddl();
create event trigger note_rewrites on table_rewrite execute function search.note_ddl();
alter event trigger note_drops disable;
alter event trigger note_rewrites enable always;
alter event trigger note_tables owner to current_user;
comment on event trigger note_tables is 'Who made it?';

-- --- Who may what, and what is said about it

do $$
declare r record;
begin
    for r in select c.oid::regclass as name, relkind, relname from pg_class c
             where relnamespace = 'content'::regnamespace and relkind in ('r', 'p', 'v') loop
        execute format('alter %s %s owner to content_owner', case r.relkind when 'v' then 'view' else 'table' end, r.name);
        execute format('comment on %s %s is %L', case r.relkind when 'v' then 'view' else 'table' end, r.name, 'It''s ' || r.relname);
    end loop;
    for r in select c.oid::regclass as name, attname, attnum from pg_class c join pg_attribute a on attrelid = c.oid
             where relnamespace = 'content'::regnamespace and relkind = 'r' and attnum > 0 and attnum % 3 = 0 and not attisdropped loop
        execute format('comment on column %s.%I is %L', r.name, r.attname, E'Column\n' || r.attnum);
        execute format('grant select (%I) on %s to content_editor', r.attname, r.name);
    end loop;
end
$$;
alter default privileges grant select on tables to content_reader;
alter default privileges for role content_owner revoke usage on types from public;
alter default privileges for role content_owner grant all on schemas to content_editor;
refresh materialized view search.of_view;
-- Not all tables: one has a child on a server that does not answer.
analyze articles;
