create table p (id int, k int, j int) partition by list (k);
create index on p (id);
create table p1 partition of p for values in (1, 2) partition by hash (j);
create table p11 partition of p1 for values with (modulus 2, remainder 0);
create table p12 partition of p1 for values with (modulus 2, remainder 1);
create index on p (j);
alter table p add check (id > 0);
alter table p add constraint pk primary key (k, j);
drop table p12;
