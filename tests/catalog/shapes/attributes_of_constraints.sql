create table p (id int primary key);
create table t (a int references p deferrable initially deferred,
  b int references p deferrable, c int unique deferrable, d int);
alter table t add constraint f foreign key (d) references p not valid;
alter table t add constraint k check (d > 0) not valid;
alter table t add constraint k2 check (d > 1) not valid;
alter table t validate constraint k;
alter table t alter constraint t_a_fkey not deferrable;
alter table t alter constraint f deferrable initially deferred;
