create table t (id int primary key, k int not null, n int);
create table r (t int references t);
alter table r drop constraint r_t_fkey;
alter table t drop constraint t_pkey, add primary key (id, k), add constraint c check (n > 0);
alter table t add constraint e exclude using btree (n with =) where (n > 0);
