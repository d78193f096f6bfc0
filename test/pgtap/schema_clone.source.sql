create schema sales;
comment on schema sales is 'what we sell';
create type sales.state as enum ('open', 'paid');
create domain sales.price as numeric(10, 2) check (value >= 0);
create function sales.fold(text) returns text language sql immutable as 'select $1';
create table sales.customers (
    id integer generated always as identity primary key,
    name text not null,
    unique (name)
);
create table sales.orders (
    id bigserial primary key,
    customer integer not null references sales.customers,
    state sales.state not null default 'open',
    total sales.price not null,
    label text generated always as ('order ' || total::text) stored
);
create index orders_state on sales.orders (state) where total > 10;
create index orders_label on sales.orders (sales.fold(label));
create table sales.events (at date not null, what text) partition by range (at);
create table sales.events_2025 (what text, at date not null);
alter table sales.events attach partition sales.events_2025
    for values from ('2025-01-01') to ('2026-01-01');
create table sales.events_rest partition of sales.events default;
create function sales.touch() returns trigger language plpgsql as $$
begin
    new.name := new.name || '!';
    return new;
end
$$;
create trigger touch before insert on sales.customers
    for each row execute function sales.touch();
create view sales.open_orders with (security_barrier) as
    select o.id, c.name, o.total from sales.orders o join sales.customers c on c.id = o.customer
    where o.state = 'open';
comment on view sales.open_orders is 'not paid';
-- needs the primary key, so it comes after the data
create view sales.per_customer as
    select c.id, c.name, count(*) as orders from sales.customers c
    join sales.orders o on o.customer = c.id group by c.id;
create materialized view sales.totals as
    select state, sum(total) as total from sales.orders group by state;
create unique index totals_state on sales.totals (state);
create materialized view sales.never as select 1 as one with no data;
create sequence sales.tickets increment 5;
select setval('sales.tickets', 42, false);

insert into sales.customers (name) select 'customer ' || g from generate_series(1, 100) g;
insert into sales.orders (customer, state, total)
    select 1 + g % 100, (array['open', 'paid'])[1 + g % 2]::sales.state, g
    from generate_series(1, 3000) g;
insert into sales.events select '2025-06-01'::date + g * 2, 'event ' || g
    from generate_series(1, 200) g;
refresh materialized view sales.totals;

-- for conflicts
create schema stock;
create table stock.items (id integer primary key, name text);
create index items_name on stock.items (name);
insert into stock.items select g, 'new ' || g from generate_series(1, 10) g;
create table stock.places (id integer primary key);
insert into stock.places values (1), (2);
create view stock.names as select name from stock.items;

-- for what cannot be made on the target
create schema broken;
create table broken.good (id integer primary key);
insert into broken.good select generate_series(1, 5);
create function broken.only_here() returns integer language sql as 'select 1';
create table broken.bad (id integer);
insert into broken.bad values (1);
create view broken.on_good as select id from broken.good;

-- for owners
create role schema_clone_absent;
create schema owned;
create table owned.things (id integer);
alter table owned.things owner to schema_clone_absent;
create table owned.more (id integer);
grant select on owned.more to schema_clone_absent;

create schema functions_only;
create function functions_only.twice(integer) returns integer language sql as 'select 2 * $1';
create procedure functions_only.nothing() language plpgsql as 'begin end';
create aggregate functions_only.total(integer) (sfunc = int4pl, stype = integer);
create table functions_only.not_this (id integer);

create schema hiding;
create function hiding.lower(text) returns text language sql immutable as 'select $1';

-- for a clean-up: what drops only after something else
create schema tangled;
create sequence tangled.numbers;
create function tangled.next_number() returns bigint language sql as
    $$select nextval('tangled.numbers')$$;
create domain tangled.positive as integer check (value > 0);
create type tangled.pair as (a tangled.positive, b text);
create table tangled.things (
    id bigint primary key default nextval('tangled.numbers'),
    other bigint default tangled.next_number() references tangled.things,
    serial serial,
    pair tangled.pair
);
create view tangled.circle_a as select 1 as one;
create view tangled.circle_b as select one from tangled.circle_a;
create or replace view tangled.circle_a as select one from (select 1 as one) x
    where false union all select one from tangled.circle_b where false;
create materialized view tangled.summary as select count(*) as n from tangled.things;
create policy nobody on tangled.things using (false);
