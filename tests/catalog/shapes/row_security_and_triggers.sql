create table t (a int);
alter table t enable row level security;
create policy p on t using (true);
create table u (a int);
alter table u enable row level security;
alter table u disable row level security;
