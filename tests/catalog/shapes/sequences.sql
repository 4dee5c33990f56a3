create sequence a;
create sequence b;
create table t (id int, c serial);
alter sequence b owned by t.id;
create sequence if not exists a;
create sequence d;
drop sequence d;
alter table t drop column id;
alter table t alter c drop default;
