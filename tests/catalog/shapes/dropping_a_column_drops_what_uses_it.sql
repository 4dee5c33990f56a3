create table p (id int primary key, a int unique, b int);
create table t (id serial primary key, a int references p (a), b int, c int, d int check (d > 0),
  unique (a, b), check (b > c));
create index on t (c);
create index on t (b) include (c);
create index on t (b) where c > 0;
create index on t ((c + 1));
create index keep on t (b);
alter table t drop column c;
alter table t drop column a;
alter table t drop column d;
alter table t drop column id;
alter table p drop column a cascade;
