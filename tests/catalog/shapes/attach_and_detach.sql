create table p (id int not null, k int not null, v text, primary key (id, k)) partition by range (k);
create index on p (v);
create table a (id int not null, k int not null, v text);
create index a_v on a (v);
create table b (id int not null, k int not null, v text, primary key (id, k));
create table c partition of p for values from (100) to (110);
alter table p attach partition a for values from (0) to (10);
alter table p attach partition b for values from (10) to (20);
alter table p detach partition c;
