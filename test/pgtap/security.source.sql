create table public.secrets (id integer primary key, name text);
insert into public.secrets values (1, 'one'), (2, 'two');
create role security_reader login password 'canary-4711' in role password_login;
create role security_trusted login password 'canary-4711';
grant select on public.secrets to security_reader, security_trusted;
