create table r (id int primary key);
create table p (id int not null, k int not null, v text check (v <> ''), r int references r,
  primary key (id, k)) partition by range (k);
create index on p (v);
create unique index pu on p (k, v);
create table p1 partition of p for values from (0) to (10);
create table p2 partition of p default;
create table p3 partition of p (v not null, constraint own check (r > 0)) for values from (10) to (20);
create index pv on p (id, v);
create index po on only p (r);
alter table p add constraint late check (id > 0);
alter table p add column c int default 4;
alter table p add constraint pf foreign key (c) references r;
alter table p alter v set not null;
alter table p add unique (k, c);
alter table p rename column v to w;
alter table p drop column c;
