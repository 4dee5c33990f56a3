create table s (id serial primary key, a int unique check (a > 0), b text default 'x' not null,
  c int generated always as identity, d int generated always as (a + 1) stored);
create index on s (b);
create index named on s (a, b) include (id);
create table plain (like s);
create table everything (like s including all);
create table a_few (like s including constraints including indexes, extra int);
create table without (like s including all excluding indexes excluding constraints);
