create table "User" ("Id" serial primary key, "createdAt" timestamp(3) not null default current_timestamp,
  "select" int unique, "a b" text);
create index on "User" ("createdAt", "a b");
create index "User_x_idx" on "User" ("a b");
alter table "User" rename column "a b" to "c";
create table "Post" ("userId" int, constraint "Post_fk" foreign key ("userId") references "User" ("Id")
  on delete restrict on update cascade);
