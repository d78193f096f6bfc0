create table referenced (
    a integer, b integer, u integer unique, t text collate "C" unique, plain text unique, primary key (a, b)
);
insert into referenced select g, g, g, g, g from generate_series(1, 10) as g;
-- Of each column of `large` a foreign key, some with an index that has the referenced one's order.
create table large (
    id integer primary key, filler text,
    a1 integer, b1 integer, a2 integer, b2 integer, a3 integer, b3 integer, a4 integer, b4 integer,
    plain integer, wide bigint, key integer, included integer, partial integer, descending integer, hashed integer,
    second integer, no_index integer, t text collate "C", other_class text, other_collation text collate "C"
);
insert into large
select g, repeat('x', 600), m, m, m, m, m, m, m, m, m, m, case when g <= 10 then g end, m, m, m, m, m, m, m, m, m
from generate_series(1, 15000) as g cross join lateral (select g % 10 + 1 as m) as x;
create index on large (a1, b1, plain);
create index on large (a2, b2);
create index on large (b3, a3);
create index on large (a4);
create index on large (plain);
create index on large (wide);
alter table large add constraint large_key unique (key);
create index on large (included) include (filler);
create index on large (partial) where partial > 0;
create index on large (descending desc);
create index on large using hash (hashed);
create index on large (id, second);
create index on large (t);
create index on large (other_class text_pattern_ops);
create index on large (other_collation collate "POSIX");
alter table large
    add constraint yes_1 foreign key (a1, b1) references referenced,
    add constraint yes_2 foreign key (b2, a2) references referenced (b, a),
    add constraint no_3 foreign key (a3, b3) references referenced,
    add constraint no_4 foreign key (a4, b4) references referenced,
    add constraint yes_plain foreign key (plain) references referenced (u),
    add constraint yes_wide foreign key (wide) references referenced (u),
    add constraint yes_key foreign key (key) references referenced (u),
    add constraint yes_included foreign key (included) references referenced (u),
    add constraint no_partial foreign key (partial) references referenced (u),
    add constraint no_descending foreign key (descending) references referenced (u),
    add constraint no_hashed foreign key (hashed) references referenced (u),
    add constraint no_second foreign key (second) references referenced (u),
    add constraint no_index foreign key (no_index) references referenced (u),
    add constraint yes_t foreign key (t) references referenced (t),
    add constraint no_other_class foreign key (other_class) references referenced (plain),
    add constraint no_other_collation foreign key (other_collation) references referenced (t),
    add constraint yes_self foreign key (id) references large;
