create table pgsodium.key (id uuid primary key default gen_random_uuid(), name text, created timestamptz default now());
create function pgsodium.create_key(name text default null) returns pgsodium.key language sql as
  'insert into pgsodium.key (name) values ($1) returning *';
