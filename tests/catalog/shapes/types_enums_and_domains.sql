create type mood as enum ('a', 'b');
alter type mood add value 'd';
alter type mood add value 'c' before 'd';
alter type mood add value if not exists 'a';
alter type mood add value 'bb' after 'b';
alter type mood rename value 'a' to 'z';
create domain pos as int check (value > 0);
create domain tight as text not null default 'x'
  constraint named check (value <> '') check (length(value) > 2);
alter domain pos add constraint lt check (value < 10) not valid;
alter domain pos add check (value <> 5);
alter domain tight drop constraint named;
alter domain pos set not null;
alter domain tight drop not null;
create table t (m mood default 'b', p pos, ms mood[]);
alter type mood rename to feeling;
alter domain pos rename to positive;
create schema s;
alter type feeling set schema s;
