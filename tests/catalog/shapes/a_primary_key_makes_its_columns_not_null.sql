create table t (a int, b int, primary key (a, b));
create table u (a int);
alter table u add primary key (a);
create table v (a int);
create unique index vi on v (a);
alter table v add constraint v_pk primary key using index vi;
create table w (a int);
create unique index wi on w (a);
alter table w add unique using index wi;
