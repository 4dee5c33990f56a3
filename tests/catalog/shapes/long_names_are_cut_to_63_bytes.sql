create table tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt (id int primary key, cccccccccccccccccccccccccccccccccccccccccccccccccc int unique check (cccccccccccccccccccccccccccccccccccccccccccccccccc > 0));
create index on tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt (cccccccccccccccccccccccccccccccccccccccccccccccccc, id);
create table s (id serial, ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd int unique, e int);
create index on s (ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd, e);
create table "üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü" (id int primary key, "ääääääääääääääääääää" int unique);
