create table p (id int) partition by range (id);
create index on p (id);
create table p1 partition of p for values from (0) to (10);
create table p2 partition of p for values from (10) to (20);
drop table p1;
create table q (id int) partition by range (id);
create table q1 partition of q default;
drop table q;
