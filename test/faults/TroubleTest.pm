# The stage of the tests of retries: a schema whose clone can be refused in each of its phases.
#
# The errors come from a function that looks at the statement that is being carried out: an event
# trigger of the target calls it for DDL, a CHECK, an index and a materialized view of the clone for
# all else.
package TroubleTest;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

our @EXPORT = qw(start_troubled_servers refuse clone_shop clone_large job_line shop_is_equal @tables
  @phases %phase $validation);

our @tables = qw(customer sale);
my ($source, $target);

sub start_troubled_servers
{
    ($source, $target) =
      start_servers(target => [ 'max_worker_processes = 16', 'pgclone.max_workers = 12' ]);
    foreach my $node ($source, $target)
    {
        $node->safe_psql('postgres', "create function public.trouble() returns boolean language sql "
              . "as 'select true'");
    }
    on_target(<<'SQL');
-- What is refused, and how often.
create table public.refusal (name text, pattern text, sqlstate text, times integer);
create sequence public.refused;
create or replace function public.trouble() returns boolean language plpgsql as $$
declare
    refused record;
    statement text = pg_catalog.current_query();
begin
    for refused in select * from public.refusal loop
        if statement ~ refused.pattern then
            -- A sequence is not rolled back.
            if pg_catalog.nextval('public.refused_' || refused.name) <= refused.times then
                raise exception using errcode = refused.sqlstate,
                    message = pg_catalog.format('%s is refused', refused.name);
            end if;
        end if;
    end loop;
    return true;
end
$$;
create function public.watch() returns event_trigger language plpgsql as
    $$ begin perform public.trouble(); end $$;
create event trigger watch on ddl_command_start execute function public.watch();
SQL
    on_source(<<'SQL');
create schema shop;
create function shop.checked(integer) returns boolean immutable language plpgsql as
    $$ begin return public.trouble(); end $$;
create function shop.key(integer) returns integer immutable language plpgsql as
    $$ begin perform public.trouble(); return $1; end $$;
create table shop.customer (id integer primary key, name text, check (shop.checked(id)));
create table shop.sale (id integer primary key, customer integer references shop.customer);
insert into shop.customer select g, md5(g::text) from generate_series(1, 300) as g;
insert into shop.sale select g, g from generate_series(1, 300) as g;
create index by_key on shop.customer (shop.key(id));
create materialized view shop.total as select count(*) as n, shop.checked(1) as fine from shop.sale;
create view shop.names as select name from shop.customer;
-- Above 8 MB, foreign keys are validated by themselves.
create schema large;
create table large.customer (id integer primary key);
create table large.sale (id integer, customer integer references large.customer, payload text);
insert into large.customer select g from generate_series(1, 300) as g;
insert into large.sale select g, g % 300 + 1, repeat('x', 1200) from generate_series(1, 8000) as g;
create function shop.touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touch before insert on shop.sale for each row execute function shop.touch();
comment on view shop.names is 'names';
analyze;
SQL
    return ($source, $target);
}

# One for each phase. A function that is called for each row says so once.
our @phases = (
    [ schema => '^CREATE SCHEMA', '40001' ],
    [ table => '^CREATE TABLE', '40P01' ],
    [ data => '(^|;\s*)COPY ', '53100' ],
    [ key => 'PRIMARY KEY', '53200' ],
    [ index => '^CREATE INDEX', '55P03' ],
    [ foreign_key => 'FOREIGN KEY', '57P03' ],
    [ view => '^CREATE VIEW', '55006' ],
    [ refresh => '^REFRESH ', '58030' ],
    [ trigger => '^CREATE TRIGGER', '53300' ],
    [ comment => '^COMMENT ON VIEW', '57014' ],
    [ analyze => '^ANALYZE', '40001' ],
);
# By name.
our %phase = map { $_->[0] => $_ } @phases;
# Not of the same schema: see start_troubled_servers().
our $validation = [ validation => 'VALIDATE CONSTRAINT', '40P01' ];

sub refuse
{
    my ($times, $sqlstate, @refused) = @_;
    on_target('truncate public.refusal');
    foreach my $phase (@refused)
    {
        my ($name, $pattern, $usual) = @$phase;
        on_target("drop sequence if exists public.refused_$name; create sequence public.refused_$name; "
              . 'insert into public.refusal values (' . join(', ', literal($name), literal($pattern),
                literal($sqlstate // $usual), $times) . ')');
    }
}

sub clone_large { return submit('large', { @_ }, scope => 'schema'); }
sub clone_shop { return submit('shop', { parallel => 2, @_ }, scope => 'schema'); }
sub job_line { return on_target("select $_[1] from pgclone_jobs_view where job_id = $_[0]"); }

sub shop_is_equal
{
    my ($label) = @_;
    is_equal("shop.$_", "shop.$_", "$label: $_: rows equal") foreach @tables;
    is(on_target('select n from shop.total'), 300, "$label: the materialized view is filled");
    is(on_target('select count(*) from pg_index where not indisvalid'), 0, "$label: indexes are valid");
    is(on_target("select count(*) from pg_constraint where contype = 'f' and not convalidated"), 0,
        "$label: foreign keys are valid");
}

1;
