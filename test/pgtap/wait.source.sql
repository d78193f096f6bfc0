create role wait_reader login password 'wait canary' in role password_login;
create table confidential as select g as id from generate_series(1, 10) as g;
grant select on confidential to wait_reader;
