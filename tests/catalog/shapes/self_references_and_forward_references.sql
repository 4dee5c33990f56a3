create table node (id int primary key, parent int references node, root int references node (id));
create table a (id int primary key, b int);
create table b (id int primary key, a int references a);
alter table a add foreign key (b) references b;
alter table a drop column id cascade;
