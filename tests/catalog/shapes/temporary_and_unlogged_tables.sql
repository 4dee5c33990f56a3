create table t (a int);
create temp table t (b text, id serial);
alter table t add column c int;
create index on t (b);
create unlogged table u (a int);
alter table u set logged;
create table v (a int);
alter table v set unlogged;
