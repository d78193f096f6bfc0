-- A multi-tenant billing system: partitions of every kind, enums, views, triggers, row security,
-- owners and privileges. All of it lives in the schema `billing` and needs nothing but the server,
-- so that the schema can be cloned alone, and into another name.
\set ON_ERROR_STOP on
\encoding UTF8
select current_setting('server_version_num')::int >= 150000 as has_15 \gset
set client_min_messages = warning;

-- Roles belong to the whole server and may be there already.
select format('create role %I %s', name, properties)
from (values ('billing_owner', 'nologin'), ('billing_app', 'login'), ('billing_reader', 'nologin'),
             ('billing_auditor', 'nologin noinherit'), ('billing_clerk', 'login connection limit 3'))
         as roles (name, properties)
where not exists (select from pg_roles where rolname = name) \gexec
grant billing_reader to billing_clerk;

create schema billing authorization billing_owner;
comment on schema billing is 'Invoices of many tenants. "Quotes", it''s said, and a \ backslash.';
grant usage on schema billing to billing_app, billing_reader, billing_auditor;
grant create on schema billing to billing_app with grant option;
set search_path = billing;

alter default privileges for role billing_owner in schema billing
    grant select on tables to billing_reader;
alter default privileges for role billing_owner in schema billing
    grant usage, select on sequences to billing_app with grant option;
alter default privileges for role billing_owner in schema billing
    revoke execute on functions from public;
alter default privileges for role billing_app in schema billing
    grant execute on functions to billing_auditor;
alter default privileges for role billing_app in schema billing grant usage on types to billing_reader;

-- --- Types

create type invoice_status as enum ('draft', 'open', 'paid', 'void');
alter type invoice_status add value 'uncollectible' before 'void';
alter type invoice_status add value 'partly paid' after 'open';
create type payment_method as enum ('card', 'transfer', 'direct debit', 'cash', 'o''ther');
create type plan_interval as enum ('day', 'week', 'month', 'year');
create type nothing_yet as enum ();
create type money_amount as (amount numeric(18, 4), currency character(3));
create type postal_address as (street text collate "C", city text, zip character varying(12), country character(2));
comment on type money_amount is 'An amount and its currency.';
comment on column money_amount.currency is 'ISO 4217';
comment on type invoice_status is 'What an invoice goes through.';

create domain currency_code as character(3) collate "C" not null default 'EUR'
    constraint three_letters check (value ~ '^[A-Z]{3}$');
create domain email_address as text constraint has_an_at check (position('@' in value) > 1);
create domain percentage as numeric(6, 3)
    constraint not_below_0 check (value >= 0) constraint not_above_100 check (value <= 100);
create domain positive_amount as numeric(18, 4);
alter domain positive_amount add constraint is_positive check (value > 0) not valid;
create domain small_percentage as percentage check (value < 20);
comment on domain email_address is 'Nearly an e-mail address.';
comment on constraint has_an_at on domain email_address is 'RFC 5322 is longer.';
alter domain email_address owner to billing_owner;
revoke usage on type payment_method from public;
grant usage on type payment_method to billing_app with grant option;

-- --- Functions that tables need

create function touch() returns trigger language plpgsql
    set work_mem = '8MB' set "DateStyle" = 'ISO, DMY' as $$
begin
    new.changed_at := now();
    return new;
end
$$;
create function net(gross numeric, rate percentage default 19) returns numeric
    language sql immutable strict parallel safe cost 5
    as 'select round(gross / (1 + rate / 100), 2)';
create function label(money_amount) returns text immutable language sql
    return ($1).amount::text || ' ' || ($1).currency;
comment on function net(numeric, percentage) is 'Without tax.';

-- --- Lists

select format($$create table %1$I (
    %2$s_id smallint generated always as identity (minvalue 0 start 0) primary key,
    code text collate "C" not null constraint %2$s_code unique,
    title text not null default 'untitled',
    valid daterange not null default '(,)',
    position smallint not null default 0 check (position >= 0)
);
comment on table %1$I is %3$L;
insert into %1$I (code, title, position) select 'C' || i, initcap(%2$L) || ' ' || i, i from generate_series(1, 20) i;
grant select on %1$I to public;$$, name, singular, comment)
from (values
    ('countries', 'country', 'Countries, by ISO 3166'), ('languages', 'language', null),
    ('regions', 'region', 'Where a tenant''s data are'), ('industries', 'industry', 'NACE'),
    ('legal_forms', 'legal_form', null), ('tax_categories', 'tax_category', 'Kinds of goods'),
    ('cancellation_reasons', 'cancellation_reason', 'Why they go'), ('units', 'unit', 'UN/ECE 20'),
    ('document_kinds', 'document_kind', null), ('payment_terms', 'payment_term', 'Net 30 and others'),
    ('dunning_levels', 'dunning_level', 'First friendly, then not'), ('channels', 'channel', null),
    ('event_kinds', 'event_kind', 'What a webhook tells'), ('banks', 'bank', null)
) lists (name, singular, comment) \gexec

create table currencies (
    currency currency_code primary key,
    title text not null,
    digits smallint not null default 2 check (digits between 0 and 4)
);
insert into currencies values ('EUR', 'Euro', 2), ('USD', 'US Dollar', 2), ('JPY', 'Yen', 0), ('BHD', 'Dinar', 3);
create table exchange_rates (
    base currency_code references currencies on update cascade,
    quote currency_code references currencies on update cascade,
    day date not null,
    rate numeric(18, 8) not null check (rate > 0),
    source text default current_user,
    constraint exchange_rates_pkey primary key (base, quote, day) include (rate),
    constraint not_to_itself check (base::text <> quote::text) no inherit
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_enabled = false);
insert into exchange_rates
select 'EUR', q, date '2024-01-01' + i, 1 + (i % 17) / 100.0, case i % 3 when 0 then 'ecb' end
from unnest(array['USD', 'JPY', 'BHD']) q, generate_series(0, 364) i;

-- --- Tenants, their users and customers

create table tenants (
    tenant_id integer generated by default as identity (start with 100 increment by 10 cache 5) primary key,
    name text not null,
    slug text collate "C" not null,
    parent_id integer,
    country_id smallint references countries,
    region_id smallint default 1 references regions on delete set default,
    address postal_address,
    owner_id integer,
    settings jsonb not null default '{}'::jsonb,
    created_at timestamp with time zone not null default now(),
    changed_at timestamp with time zone,
    search tsvector generated always as (to_tsvector('simple'::regconfig, name || ' ' || slug)) stored
);
alter table tenants add constraint tenants_parent foreign key (parent_id) references tenants
    on delete restrict deferrable initially immediate;
create unique index tenants_slug on tenants (lower(slug) collate "C" text_pattern_ops);
create index tenants_search on tenants using gin (search) with (fastupdate = off);
comment on table tenants is E'Who bills.\nOver two lines.';
comment on column tenants.slug is 'In URLs';
comment on index tenants_slug is 'Upper case is no difference.';
comment on constraint tenants_parent on tenants is 'Groups of companies';

create table users (
    tenant_id integer not null references tenants on delete cascade,
    user_id integer not null,
    email email_address not null,
    password_hash bytea,
    full_name character varying(100),
    permissions bit varying(32) not null default B'0',
    last_seen inet,
    active boolean not null default true,
    changed_at timestamptz,
    constraint users_pkey primary key (tenant_id, user_id),
    constraint users_email unique (tenant_id, email) deferrable initially deferred
);
alter table tenants add constraint tenants_owner foreign key (tenant_id, owner_id)
    references users (tenant_id, user_id) deferrable initially deferred;
alter table users alter column password_hash set storage external;
alter table users alter column email set statistics 500;
alter table users alter column user_id set (n_distinct = -0.5, n_distinct_inherited = -1);
create trigger touch before update on users for each row execute function touch();

create table user_groups (
    tenant_id integer references tenants,
    group_id serial,
    name text not null,
    members integer[] not null default array[]::integer[],
    primary key (tenant_id, group_id)
);
alter sequence user_groups_group_id_seq increment by 3 minvalue -5 maxvalue 100000 cycle;
create table api_keys (
    key_id uuid default gen_random_uuid() primary key,
    tenant_id integer not null,
    user_id integer,
    scopes text[] check (cardinality(scopes) > 0),
    expires_at timestamptz default 'infinity',
    foreign key (tenant_id, user_id) references users match full on update cascade on delete cascade
);
create unlogged table sessions (
    session_id bigint generated always as identity primary key,
    tenant_id integer references tenants,
    data json
);
insert into tenants (name, slug, parent_id, country_id, address)
select format('Tenant no. %s', i), 'tenant-' || i, case when i % 5 = 0 then 100 end, i % 20,
       case when i % 3 > 0 then row('Main "St" ' || i, 'Paris, TX', '75000', 'US')::postal_address end
from generate_series(1, 40) i;
insert into users (tenant_id, user_id, email, password_hash, full_name, last_seen)
select tenant_id, u, format('user%s@%s.example', u, slug), sha256(slug::bytea),
       (array['Ada', 'Büşra', 'Émile', '李', E'Tab\tby'])[u % 5 + 1], inet '10.0.0.0' + u
from tenants, generate_series(1, 20) u;
update tenants set owner_id = 1;
insert into user_groups (tenant_id, name, members)
select tenant_id, 'Group ' || g, array[g, null, g + 1] from tenants, generate_series(1, 3) g;
insert into api_keys (key_id, tenant_id, user_id, scopes)
select md5(tenant_id || ' ' || user_id)::uuid, tenant_id, user_id, '{read,"write all"}' from users where user_id < 4;
insert into sessions (tenant_id, data) select tenant_id, '{"a": 1,  "a": 2}' from tenants;

create table customers (
    tenant_id integer not null references tenants,
    customer_id bigint not null,
    kind "char" not null default 'p',
    name text not null,
    email email_address,
    billing_address postal_address,
    shipping_addresses postal_address[],
    balance money_amount,
    credit_limit positive_amount,
    payment payment_method default 'card',
    vat_id text,
    tags text[],
    born date,
    extra xml,
    changed_at timestamptz,
    primary key (tenant_id, customer_id)
);
create index customers_tags on customers using gin (tags);
create index customers_name on customers (tenant_id, name desc nulls last, email nulls first) include (kind)
    where kind <> 'x' and tags is not null;
create index customers_vat on customers using hash (vat_id);
create index customers_balance on customers ((label(balance)), (extract(year from born)));
alter index customers_balance alter column 2 set statistics 77;
create trigger touch before update of name, email on customers
    for each row when (old.* is distinct from new.*) execute function touch();
alter table customers cluster on customers_pkey;
create statistics customers_kinds (ndistinct, dependencies, mcv) on kind, payment, tenant_id from customers;
create statistics customers_expressions on (lower(name)), (born + 1), tenant_id from customers;
alter statistics customers_kinds set statistics 200;
comment on statistics customers_kinds is 'Persons pay by card.';
insert into customers
select t.tenant_id, c, case when c % 7 = 0 then 'c' else 'p' end, format('Customer %s', c),
       format('c%s@example.com', c), row(c || ' Rd', 'Town', null, 'DE')::postal_address,
       array[row('a,b', 'c"d', '\', 'FR')::postal_address, null],
       row(c * 1.25, 'EUR')::money_amount, c + 0.5, (enum_range(null::payment_method))[c % 5 + 1],
       'DE' || c, case when c % 2 = 0 then array['vip', 'a b', null, '{}'] end,
       date '1970-01-01' + c::int, case when c % 10 = 0 then xml '<a b="c">d</a>' end
from tenants t, generate_series(1, 50) c;

create table contacts (
    tenant_id integer,
    customer_id bigint,
    contact_no smallint,
    phone text check (phone ~ '^\+?[0-9 a-z]+$'),
    preferred boolean,
    constraint contacts_pkey primary key (tenant_id, customer_id, contact_no),
    constraint one_preferred exclude using btree (tenant_id with =, customer_id with =) where (preferred)
        deferrable
);
insert into contacts select tenant_id, customer_id, 1, '+49 30 ' || customer_id, true from customers where customer_id < 10;
-- Constraints that were not checked, with rows that break them.
insert into contacts select 1, c, 1, 'none', null from generate_series(1, 5) c;
alter table contacts add constraint contacts_customer foreign key (tenant_id, customer_id)
    references customers on delete cascade not valid;
alter table contacts add constraint phone_is_number check (phone <> 'none') not valid;

-- --- Plans

create table plans (
    plan_id integer primary key,
    code text not null unique,
    billed plan_interval not null default 'month',
    previous_plan integer references plans deferrable,
    trial interval day to second default '14 days',
    price money_amount not null default row(0, 'EUR')::money_amount,
    features jsonb,
    retired boolean generated always as (features is null) stored
);
create table plan_prices (
    plan_id integer references plans,
    currency currency_code references currencies,
    since date,
    price numeric(12, 2) not null,
    gross numeric generated always as (price * 1.19) stored,
    net numeric generated always as (net(price, 19)) stored,
    primary key (plan_id, currency, since)
);
create table features (feature_id integer primary key, name text unique, kind text check (kind in ('flag', 'limit')));
create table plan_features (
    plan_id integer references plans on update cascade,
    feature_id integer references features on update cascade,
    limit_value bigint,
    primary key (plan_id, feature_id)
);
create table addons () ;
alter table addons add column addon_id integer primary key, add column plan_id integer references plans,
    add column gone text, add column price numeric(12, 2) default 1.5;
alter table addons drop column gone;
insert into plans select i, 'plan-' || i, (enum_range(null::plan_interval))[i % 4 + 1], nullif(i - 1, 0),
    make_interval(days => i), row(i, 'USD')::money_amount, case when i % 4 > 0 then '{"a": [1, 2.50, null]}'::jsonb end
from generate_series(1, 12) i;
insert into plan_prices select plan_id, currency, date '2024-01-01' + 30 * n, plan_id * 9.99 from plans, currencies, generate_series(0, 3) n;
insert into features select i, 'Feature ' || i, case i % 2 when 0 then 'flag' else 'limit' end from generate_series(1, 30) i;
insert into plan_features select plan_id, feature_id, feature_id * 100 from plans, features where (plan_id + feature_id) % 3 = 0;
insert into addons (addon_id, plan_id) select i, i % 12 + 1 from generate_series(1, 25) i;

create table subscriptions (
    tenant_id integer not null,
    subscription_id bigint generated by default as identity,
    customer_id bigint not null,
    plan_id integer references plans,
    during tstzrange not null,
    cancelled_because smallint references cancellation_reasons on delete set null,
    replaced_by bigint,
    quantity integer not null default 1,
    primary key (tenant_id, subscription_id),
    foreign key (tenant_id, customer_id) references customers,
    foreign key (tenant_id, replaced_by) references subscriptions deferrable initially deferred,
    check (not isempty(during)) not valid
);
\if :has_15
alter table subscriptions drop constraint subscriptions_tenant_id_replaced_by_fkey;
alter table subscriptions add constraint subscriptions_replaced foreign key (tenant_id, replaced_by)
    references subscriptions on delete set null (replaced_by) deferrable;
create unique index subscriptions_once on subscriptions (tenant_id, replaced_by) nulls distinct;
create unique index plans_previous on plans (previous_plan) nulls not distinct;
\endif
create index subscriptions_during on subscriptions using gist (during);
create index subscriptions_plan on subscriptions using brin (subscription_id) with (pages_per_range = 16, autosummarize = on);
insert into subscriptions (tenant_id, customer_id, plan_id, during, cancelled_because)
select tenant_id, customer_id, customer_id % 12 + 1, tstzrange('2024-01-01', '2024-01-01'::timestamptz + customer_id * interval '1 day'),
       case when customer_id % 9 = 0 then 3 end
from customers where customer_id % 2 = 0;
create table subscription_changes (
    tenant_id integer not null,
    subscription_id bigint not null,
    changed_at timestamptz(3) not null default now(),
    old_plan integer, new_plan integer,
    by_user name default session_user,
    foreign key (tenant_id, subscription_id) references subscriptions on delete cascade
);
alter table subscription_changes replica identity full;
insert into subscription_changes select tenant_id, subscription_id, '2024-05-05 05:05:05.1234+02', plan_id, 1, 'someone' from subscriptions where plan_id = 2;

-- --- Usage: partitions by range of time, then by hash, with a default at both ends

create table usage_events (
    tenant_id integer not null,
    happened_at timestamptz not null,
    meter text not null,
    quantity double precision not null default 1 check (quantity >= 0),
    source real,
    event_id bigint generated by default as identity,
    primary key (tenant_id, happened_at, event_id)
) partition by range (happened_at);
create index usage_events_meter on usage_events (meter, lower(meter));
create table usage_events_2024_q1 partition of usage_events
    for values from (minvalue) to ('2024-04-01 00:00+00') partition by hash (tenant_id, event_id);
create table usage_events_2024_q1_0 partition of usage_events_2024_q1 for values with (modulus 2, remainder 0);
create table usage_events_2024_q1_1 partition of usage_events_2024_q1 for values with (modulus 4, remainder 1)
    with (fillfactor = 70);
create table usage_events_2024_q1_3 partition of usage_events_2024_q1 for values with (modulus 4, remainder 3);
create table usage_events_2024_q2 partition of usage_events (quantity default 2 check (quantity < 1e6))
    for values from ('2024-04-01 00:00+00') to ('2024-07-01 00:00+00');
-- Other columns' order, a column that was dropped, and indexes of its own before it is attached.
create table usage_events_2024_q3 (
    event_id bigint not null, meter text not null, old_column point, source real,
    quantity double precision not null default 3 constraint usage_events_quantity_check check (quantity >= 0),
    happened_at timestamptz not null, tenant_id integer not null
);
alter table usage_events_2024_q3 drop column old_column;
create unique index q3_key on usage_events_2024_q3 (tenant_id, happened_at, event_id);
alter table usage_events_2024_q3 add constraint q3_key primary key using index q3_key;
create index q3_meter on usage_events_2024_q3 (meter, lower(meter));
create index q3_own on usage_events_2024_q3 (source) where source > 0;
alter table usage_events attach partition usage_events_2024_q3
    for values from ('2024-07-01 00:00+00') to ('2024-10-01 00:00+00');
create table usage_events_rest partition of usage_events default partition by list (tenant_id);
create table usage_events_rest_big partition of usage_events_rest for values in (100, 110, -1);
create table usage_events_rest_other partition of usage_events_rest default;
alter table usage_events_rest_other set (autovacuum_enabled = off);
create index on only usage_events (source);
create index q1_source on usage_events_2024_q1 (source);
alter index usage_events_source_idx attach partition q1_source;
create trigger touch_nothing after insert on usage_events for each row when (new.quantity > 1e9)
    execute function suppress_redundant_updates_trigger();
alter table usage_events_2024_q2 disable trigger touch_nothing;
comment on table usage_events_2024_q3 is 'Attached';
comment on column usage_events.meter is 'What is counted';
comment on index usage_events_meter is 'For the sums';
insert into usage_events (tenant_id, happened_at, meter, quantity, source)
select (i % 40) * 10 + 100, timestamptz '2024-01-01 00:00+00' + i * interval '66 minutes',
       (array['calls', 'storage', 'seats', 'it''s'])[i % 4 + 1], i / 7.0,
       case i % 20 when 0 then 'NaN' when 1 then '-Infinity' else 1 / i::real end
from generate_series(1, 8000) i;

create table usage_daily (
    tenant_id integer not null references tenants,
    region text not null,
    day date,
    meter text,
    total numeric
) partition by list (region);
create table usage_daily_eu partition of usage_daily for values in ('eu', 'it''s \', null);
create table usage_daily_us partition of usage_daily for values in ('us') partition by range (tenant_id, day);
create table usage_daily_us_1 partition of usage_daily_us for values from (minvalue, minvalue) to (200, '2024-06-01');
create table usage_daily_us_2 partition of usage_daily_us for values from (200, '2024-06-01') to (maxvalue, maxvalue);
create table usage_daily_other partition of usage_daily default;
alter table usage_daily add constraint usage_daily_once unique (region, tenant_id, day, meter);
insert into usage_daily select tenant_id, (array['eu', 'it''s \', 'us', 'jp'])[n % 4 + 1], date '2024-05-01' + n, 'calls', n * 1.5
from tenants, generate_series(1, 40) n;

create table usage_samples (meter text, quantity numeric, note text)
    partition by range (lower(meter) collate "C" text_pattern_ops, (abs(quantity)));
create table usage_samples_a partition of usage_samples for values from ('a', minvalue) to ('m', 10);
create table usage_samples_m partition of usage_samples for values from ('m', 10) to (maxvalue, maxvalue);
insert into usage_samples select case i % 2 when 0 then 'Calls' else 'SEATS' end, -i from generate_series(1, 100) i;

-- --- Invoices

create sequence invoice_numbers as integer start 1000 maxvalue 2000000 no cycle;
create table invoices (
    tenant_id integer not null references tenants,
    invoice_id bigint not null,
    number text default 'R-' || lpad(nextval('invoice_numbers')::text, 8, '0'),
    customer_id bigint not null,
    status invoice_status not null default 'draft',
    issued_on date,
    due_on date,
    total money_amount,
    corrects bigint,
    credit_note_id bigint,
    terms smallint references payment_terms,
    pdf bytea,
    changed_at timestamptz,
    constraint invoices_pkey primary key (tenant_id, invoice_id),
    constraint invoices_customer foreign key (tenant_id, customer_id) references customers
        on update cascade deferrable initially immediate,
    constraint invoices_corrects foreign key (tenant_id, corrects) references invoices,
    constraint due_later check (due_on >= issued_on)
);
alter sequence invoice_numbers owned by invoices.number;
alter table invoices alter column pdf set storage external;
\if :has_15
alter table invoices alter column pdf set compression pglz;
\endif
create unique index invoices_number on invoices (tenant_id, number);
create index invoices_open on invoices (due_on) where status in ('open', 'partly paid');
alter table invoices replica identity using index invoices_pkey;
create table credit_notes (
    tenant_id integer not null,
    credit_note_id bigint not null,
    invoice_id bigint not null,
    reason text,
    primary key (tenant_id, credit_note_id),
    foreign key (tenant_id, invoice_id) references invoices deferrable initially deferred
);
alter table invoices add constraint invoices_credit_note foreign key (tenant_id, credit_note_id)
    references credit_notes deferrable initially deferred;
create table invoice_lines (
    tenant_id integer not null,
    invoice_id bigint not null,
    line smallint not null,
    description text not null default '',
    quantity numeric(12, 4) not null default 1,
    unit smallint references units,
    price numeric(14, 4) not null,
    tax percentage not null default 19,
    amount numeric generated always as (round(quantity * price, 2)) stored,
    constraint invoice_lines_pkey primary key (tenant_id, invoice_id, line),
    constraint invoice_lines_invoice foreign key (tenant_id, invoice_id) references invoices on delete cascade
) partition by hash (tenant_id);
select format('create table invoice_lines_%s partition of invoice_lines for values with (modulus 3, remainder %s)', i, i)
from generate_series(0, 2) i \gexec
alter table invoice_lines_2 add constraint not_too_much check (quantity < 1000);
create table invoice_taxes (
    tenant_id integer, invoice_id bigint, tax small_percentage default 7, amount numeric(14, 2),
    primary key (tenant_id, invoice_id, tax),
    foreign key (tenant_id, invoice_id) references invoices
);
insert into invoices (tenant_id, invoice_id, customer_id, status, issued_on, due_on, total, terms, pdf)
select tenant_id, customer_id * 2 + n, customer_id, (enum_range(null::invoice_status))[customer_id % 6 + 1],
       date '2024-01-01' + customer_id::int, date '2024-02-01' + customer_id::int,
       row(customer_id * 3.5, 'EUR')::money_amount, n, case when customer_id % 25 = 0 then decode(repeat(md5(customer_id::text), 300), 'hex') end
from customers, generate_series(0, 1) n;
insert into invoice_lines (tenant_id, invoice_id, line, description, quantity, price)
select tenant_id, invoice_id, l, format('Line %s', l), l * 1.5, invoice_id * 0.01
from invoices, generate_series(1, 2) l where invoice_id % 2 = 0;
insert into credit_notes select tenant_id, invoice_id, invoice_id, null from invoices where invoice_id % 11 = 0;
update invoices set credit_note_id = invoice_id where invoice_id % 11 = 0;
insert into invoice_taxes select tenant_id, invoice_id, 7, 1 from invoices where invoice_id % 5 = 0;

-- A constraint trigger, statement triggers with transition tables, and their states.
create function check_invoice() returns trigger language plpgsql as $function$
begin
    if new.status = 'paid' and new.issued_on is null then
        raise exception 'invoice % has no date: $$ %', new.number, $q$it's so$q$;
    end if;
    return null;
end
$function$;
create constraint trigger check_invoice after insert or update of status on invoices
    deferrable initially deferred for each row execute function check_invoice();
create constraint trigger check_customer after delete on customers from invoices
    not deferrable for each row execute function check_invoice('an argument', E'with \'quotes\' and \\');
create function count_changes() returns trigger language plpgsql as 'begin return null; end';
create trigger changed after update on invoices referencing old table as before new table as after
    for each statement execute function count_changes('1', 'two');
create trigger emptied before truncate on invoices execute function count_changes();
create trigger touch before update on invoices for each row execute function touch();
alter table invoices enable always trigger changed;
alter table invoices enable replica trigger touch;
alter table invoices disable trigger emptied;
comment on trigger changed on invoices is 'Statistics';

-- --- Payments

create table payments (
    payment_id uuid not null,
    tenant_id integer not null,
    invoice_id bigint,
    paid_at timestamp without time zone not null,
    method payment_method not null,
    amount money_amount not null,
    details jsonb,
    constraint payments_pkey primary key (payment_id, method),
    constraint payments_invoice foreign key (tenant_id, invoice_id) references invoices
) partition by list (method);
create table payments_card partition of payments for values in ('card');
create table payments_bank partition of payments for values in ('transfer', 'direct debit');
create table payments_rest partition of payments default;
create index payments_details on payments using gin (details jsonb_path_ops);
insert into payments
select md5(tenant_id || '-' || invoice_id)::uuid, tenant_id, invoice_id, timestamp '2024-03-01' + invoice_id * interval '1.5 hours',
       (enum_range(null::payment_method))[invoice_id % 5 + 1], total, jsonb_build_object('invoice', number, 'Übung', null)
from invoices where status = 'paid';
create table refunds (
    refund_id integer primary key,
    payment_id uuid, method payment_method,
    amount money_amount,
    -- A foreign key to a partitioned table
    constraint refunds_payment foreign key (payment_id, method) references payments on delete set null
);
insert into refunds select row_number() over (order by payment_id), payment_id, method, amount from payments limit 50;

select format($$create table %I (
    tenant_id integer not null references tenants,
    %s_id bigint generated %s as identity,
    happened_at timestamptz not null default '2024-06-01 12:00+00',
    amount numeric(14, 2),
    payload jsonb not null default '{}',
    primary key (tenant_id, %2$s_id)
);
create index on %1$I (happened_at desc);
insert into %1$I (tenant_id, amount, payload) select tenant_id, n * 1.1, jsonb_build_object('n', n) from tenants, generate_series(1, 3) n;
grant select, insert, update (payload) on %1$I to billing_app;$$, name, singular, kind)
from (values ('payment_attempts', 'attempt', 'always'), ('credit_balances', 'balance', 'by default'),
             ('dunning_runs', 'run', 'always'), ('dunning_letters', 'letter', 'always'),
             ('coupons', 'coupon', 'by default'), ('coupon_redemptions', 'redemption', 'always'),
             ('webhooks', 'webhook', 'always'), ('webhook_deliveries', 'delivery', 'by default'),
             ('mandates', 'mandate', 'always'), ('bank_accounts', 'account', 'always'),
             ('bank_statements', 'statement', 'always'), ('statement_lines', 'line', 'always'),
             ('documents', 'document', 'always'), ('notes', 'note', 'always'), ('imports', 'import', 'always'),
             ('exports', 'export', 'always'), ('jobs', 'job', 'always'), ('reminders', 'reminder', 'always'))
     lists (name, singular, kind) \gexec
alter table webhook_deliveries alter column delivery_id set start 7 set cache 20, add column webhook_id bigint,
    add foreign key (tenant_id, webhook_id) references webhooks;

-- --- The ledger: a table that refers to itself, one with a rule, one that nobody may see all of

create table ledger_accounts (
    account_no character varying(10) collate "C" primary key,
    parent character varying(10) collate "C" references ledger_accounts deferrable initially deferred,
    title text not null,
    kind text not null default 'asset' check (kind = any (array['asset', 'debt', 'income', 'cost']))
);
insert into ledger_accounts select i::text, nullif(left(i::text, -1), ''), 'Account ' || i from generate_series(1, 300) i where i % 10 > 0 or i < 10 or true;
create table ledger_entries (
    tenant_id integer not null,
    entry_id bigserial,
    account_no character varying(10) not null references ledger_accounts,
    booked_on date not null default current_date,
    amount numeric not null,
    text text compression pglz,
    hidden boolean default false,
    primary key (tenant_id, entry_id)
) with (parallel_workers = 2);
create index ledger_entries_text on ledger_entries using btree (text text_pattern_ops, amount) where not hidden;
insert into ledger_entries (tenant_id, account_no, booked_on, amount, text)
select (i % 40) * 10 + 100, (i % 300 + 1)::text, date '2024-01-01' + i % 365, i / 3.0, repeat('booking ', i % 300)
from generate_series(1, 4000) i;
alter table ledger_entries enable row level security;
alter table ledger_entries force row level security;
create policy own_tenant on ledger_entries to billing_app, billing_clerk
    using (tenant_id = current_setting('billing.tenant', true)::integer)
    with check (tenant_id = current_setting('billing.tenant', true)::integer and amount <> 0);
create policy auditors on ledger_entries for select to billing_auditor using (true);
create policy not_hidden on ledger_entries as restrictive for select using (not hidden);
create policy known_account on ledger_entries as restrictive for insert to public
    with check (exists (select from ledger_accounts a where a.account_no = ledger_entries.account_no));
comment on policy own_tenant on ledger_entries is 'Each its own';
alter table customers enable row level security;
create policy readers on customers for select to billing_reader, current_user using (kind <> 'x');

create table audit_log (
    audit_id bigint generated always as identity,
    who name not null default current_user,
    what text not null,
    row_before jsonb,
    row_after jsonb,
    at timestamptz default clock_timestamp()
);
create rule no_delete as on delete to audit_log do instead nothing;
create rule note_update as on update to audit_log where old.what <> new.what
    do also insert into audit_log (what, row_before) values ('changed', to_jsonb(old.*));
alter table audit_log disable rule note_update;
comment on rule no_delete on audit_log is 'For ever';
insert into audit_log (what, at) select 'something ' || i, '2024-01-01'::timestamptz + i * interval '1 min' from generate_series(1, 500) i;

-- Inheritance, of documents that were sent
create table outbox (outbox_id integer primary key, body text not null, sent boolean default false check (sent is not null));
create table outbox_mail (recipient email_address, body text default 'Hello') inherits (outbox);
create table outbox_letter (recipient postal_address, primary key (outbox_id)) inherits (outbox);
insert into outbox_mail select i, 'mail ' || i, i % 2 = 0, 'm@example.com' from generate_series(1, 100) i;
insert into outbox_letter values (1, 'letter', true, row('a', 'b', 'c', 'DE'));
insert into outbox values (1000, 'neither');

-- --- Views

create view open_invoices with (security_barrier = true) as
    select i.*, c.name as customer from invoices i join customers c using (tenant_id, customer_id)
    where i.status in ('open', 'partly paid');
create view due_invoices (tenant, invoice, days) as
    select tenant_id, invoice_id, date '2024-12-31' - due_on from open_invoices where due_on < '2024-12-31';
create view big_invoices as select * from invoices where invoice_id > 10 with cascaded check option;
create view small_lines with (check_option = local) as select tenant_id, invoice_id, line, quantity from invoice_lines where quantity < 2;
\if :has_15
create view my_customers with (security_invoker = true) as select * from customers;
\endif
create recursive view account_tree (account_no, path) as
    select account_no, array[account_no::text] from ledger_accounts where parent is null
    union all
    select a.account_no, t.path || a.account_no::text from ledger_accounts a join account_tree t on t.account_no = a.parent;
-- Grouping by a primary key makes a view depend on the constraint.
create view tenant_sums as
    select t.*, count(c.*) as customers, (select count(*) from users u where u.tenant_id = t.tenant_id) as people
    from tenants t left join customers c using (tenant_id) group by t.tenant_id order by t.name;
-- Two views that refer to each other.
create view circle_a as select 1 as x, 'a'::text as y;
create view circle_b as select x, y from circle_a where x > 0;
create or replace view circle_a as select x, y from circle_b;
-- A view and a function that need each other.
create view tenant_names as select tenant_id, name from tenants;
create function tenant_name_of(id integer) returns setof tenant_names language sql stable rows 1 begin atomic
    select * from tenant_names n where n.tenant_id = id;
end;
create or replace view tenant_names as
    select tenant_id, name from tenants where tenant_id not in (select f.tenant_id from tenant_name_of(0) f);
create view editable_plans as select plan_id, code from plans;
create function edit_plan() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger edit_plan instead of insert or update on editable_plans for each row execute function edit_plan();
alter view editable_plans alter column code set default 'new-' || 1;
create rule "_INSERT" as on insert to due_invoices do instead select 1;
create view settings_of with (security_barrier) as
    select t.tenant_id, s.key, s.value, row_number() over w as n, sum(length(s.key)) filter (where s.key <> '') over (w rows between 1 preceding and current row)
    from tenants t, lateral jsonb_each(t.settings) with ordinality as s (key, value, o)
    window w as (partition by t.tenant_id order by s.o);
create materialized view revenue_by_month with (fillfactor = 95) as
    select date_trunc('month', issued_on) as month, status, count(*), sum((total).amount) as amount
    from invoices group by grouping sets ((1, 2), (1), ()) with data;
create unique index revenue_by_month_key on revenue_by_month (month, status);
create materialized view usage_by_meter as select meter, sum(quantity) from usage_events where quantity < 'infinity' group by meter with no data;
create index on usage_by_meter (meter);
create materialized view best_months as select month from revenue_by_month where amount > 100 with data;
comment on view due_invoices is 'Late';
comment on column due_invoices.days is 'How late';
comment on materialized view revenue_by_month is 'Refreshed at night';

-- --- Functions, procedures, aggregates

create function invoice_total(tenant integer, invoice bigint, extras numeric[] default '{}', out net numeric, out gross numeric)
    language sql stable security definer leakproof parallel restricted begin atomic
    select sum(amount), sum(amount * (1 + tax / 100)) + coalesce((select sum(e) from unnest(extras) e), 0)
    from invoice_lines l where l.tenant_id = tenant and l.invoice_id = invoice;
end;
create function invoices_of(tenant integer, variadic wanted invoice_status[] default array['open']::invoice_status[])
    returns table (id bigint, total numeric) language plpgsql stable rows 50 cost 200 as $body$
begin
    return query select invoice_id, (i.total).amount from billing.invoices i where tenant_id = tenant and status = any (wanted);
end
$body$;
create procedure close_month(month date, inout closed integer default 0) language plpgsql
    set lock_timeout = '5s' set search_path = '' as $$
begin
    -- 'Nothing' to "do" \ yet
    closed := closed + 1;
end
$$;
create function add_money(state money_amount, value money_amount) returns money_amount
    language sql immutable called on null input
    as 'select row(coalesce((state).amount, 0) + coalesce((value).amount, 0), coalesce((value).currency, (state).currency))';
create aggregate sum(money_amount) (sfunc = add_money, stype = money_amount, initcond = '(0,EUR)', parallel = safe);
create function concat_step(internal, text, text) returns internal language internal immutable as 'string_agg_transfn';
create aggregate list_of(text, text) (sfunc = concat_step, stype = internal, finalfunc = string_agg_finalfn);
create aggregate share_of(float8 order by anyelement) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra);
create function array_sum(anyarray) returns anyelement language sql immutable
    as 'select sum(x::text::numeric)::text::int from unnest($1) x';
create operator + (leftarg = money_amount, rightarg = money_amount, function = add_money, commutator = +);
comment on function invoice_total(integer, bigint, numeric[]) is 'Net and gross';
comment on aggregate sum(money_amount) is 'Of one currency';
comment on procedure close_month(date, integer) is 'At the end';
comment on operator + (money_amount, money_amount) is 'Adds';
create view money_in as select tenant_id, (sum(total)).amount from invoices group by tenant_id;

-- --- Who may what

alter table invoices owner to billing_owner;
alter sequence user_groups_group_id_seq owned by none;
alter sequence user_groups_group_id_seq owner to billing_app;
alter table payments_bank owner to billing_owner;
alter view money_in owner to billing_owner;
alter materialized view best_months owner to billing_owner;
alter function net(numeric, percentage) owner to billing_owner;
alter procedure close_month(date, integer) owner to billing_app;
alter aggregate sum(money_amount) owner to billing_owner;
alter type money_amount owner to billing_owner;
alter statistics customers_kinds owner to billing_owner;
alter operator + (money_amount, money_amount) owner to billing_app;
grant select, references on customers to billing_app with grant option;
grant select (tenant_id, name, email), update (tags), insert (tenant_id, customer_id, name) on customers to billing_reader;
grant references (tenant_id) on tenants to public;
grant all on tenants to billing_app;
revoke delete, truncate on tenants from billing_app;
grant usage on sequence invoice_numbers to billing_app;
revoke all on audit_log from current_user;
grant insert on audit_log to public;
grant execute on function invoice_total(integer, bigint, numeric[]) to billing_reader with grant option;
revoke execute on function edit_plan() from public;
revoke all on procedure close_month(date, integer) from public;
grant select on revenue_by_month to billing_auditor, billing_owner;
grant select (month) on best_months to billing_reader;
-- Granted on by others than the owner.
set role billing_app;
grant select on customers to billing_auditor;
create function app_version() returns text immutable language sql as $$select '1.0'::text$$;
create type app_state as enum ('on', 'off');
create table app_cache (key text primary key, value bytea);
grant create on schema billing to billing_clerk;
reset role;
set role billing_owner;
grant select on invoices to billing_app with grant option;
set role billing_app;
grant select on invoices to billing_clerk;
reset role;
grant billing_reader to billing_app;
select setval('invoice_numbers', 5000, false), setval(pg_get_serial_sequence('tenants', 'tenant_id'), 777) \g /dev/null
refresh materialized view revenue_by_month;
refresh materialized view best_months;
analyze;
