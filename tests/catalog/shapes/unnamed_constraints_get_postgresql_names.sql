create table parent (id int primary key, a int unique, b int, c int, unique (b, c));
create table t (id int primary key, a int unique check (a > 0), b int references parent,
  c int references parent (a) on delete cascade, d int, e int,
  check (d > e), check (d > 0), check (1 = 1), check (e > 0 and e < 5), unique (d, e),
  foreign key (d, e) references parent (b, c), exclude using btree (d with =));
