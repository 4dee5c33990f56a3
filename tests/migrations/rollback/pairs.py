"""What a migration may change and a down may leave behind: one pair of SQL texts each.

``LEFT`` are pairs after which something differs, with what must be said of it. ``UNDONE`` are pairs
after which nothing differs. They run on the schema of ``SETUP``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """Up and down; ``said`` is the beginning of one of the differences, empty for none."""

    name: str
    up: str
    down: str = ""
    said: str = ""
    since: int = 14
    until: int = 99
    physical: bool = False


SETUP = """
create schema shop;
create type status as enum ('new', 'paid', 'sent');
create type address as (street text, zip text);
create domain positive as int check (value > 0);
create collation bytewise (locale = 'C');
create table customers (
    id bigint generated always as identity primary key,
    email varchar(100) not null unique,
    name text,
    nick text default 'none',
    born date,
    vip boolean not null default false
);
create table orders (
    id bigserial primary key,
    customer_id bigint not null references customers,
    status status not null default 'new',
    total numeric(10, 2) not null default 0,
    note text,
    tags text[],
    data jsonb,
    ordered_at timestamptz not null default now(),
    weight positive,
    constraint orders_total_check check (total >= 0)
);
alter table orders add constraint orders_note_check check (note <> '') not valid;
create index orders_status_idx on orders (status);
create index orders_open_idx on orders (ordered_at desc nulls last) where status = 'new';
create index orders_note_idx on orders (lower(note) text_pattern_ops);
create table events (id bigint not null, at date not null, what text) partition by range (at);
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_rest partition of events default;
create index events_what_idx on events (what);
create table animals (name text not null, born date);
create table machines (made date);
create table dogs (barks boolean) inherits (animals);
create unlogged table cache (id int primary key, value text);
create table shop.stock (sku text primary key, amount int not null);
create view paid_orders as select id, total from orders where status = 'paid';
create materialized view totals as select customer_id, sum(total) from orders group by 1;
create unique index totals_idx on totals (customer_id);
create function touch() returns trigger language plpgsql as 'begin return new; end';
create function double(a int) returns int language sql immutable as 'select a * 2';
create procedure nothing(a int) language sql as 'select 1';
create trigger orders_touch before update on orders for each row execute function touch();
create sequence tickets;
create role shop_reader;
create role shop_writer;
create policy own_orders on orders using (total > 0);
create publication changes for table orders;
create statistics orders_stat (dependencies) on customer_id, status from orders;
create rule no_delete as on delete to cache do instead nothing;
insert into customers (email, name) values ('a@example.com', 'a'), ('b@example.com', 'b');
insert into orders (customer_id, total) values (1, 10), (1, 20), (2, 30);
"""

PROTOTYPES = (
    # The kinds of pairs on which the technique was tried first, 45 of them.
    Pair(
        "a column added and dropped",
        "alter table orders add column extra int",
        "alter table orders drop column extra",
        "table orders: slots of dropped columns: 0 → 1",
        physical=True,
    ),
    Pair("an index made and dropped", "create index tmp on orders (total)", "drop index tmp"),
    Pair(
        "a table renamed and back",
        "alter table orders rename to purchases",
        "alter table purchases rename to orders",
    ),
    Pair(
        "NOT NULL set and dropped",
        "alter table customers alter name set not null",
        "alter table customers alter name drop not null",
    ),
    Pair(
        "a table with a foreign key made and dropped",
        "create table items (id int primary key, of bigint references orders)",
        "drop table items",
    ),
    Pair(
        "a view made anew as it was",
        "drop view paid_orders",
        "create view paid_orders as select id, total from orders where status = 'paid'",
    ),
    Pair(
        "an index made anew as it was",
        "drop index orders_status_idx",
        "create index orders_status_idx on orders (status)",
    ),
    Pair(
        "a type changed and back",
        "alter table shop.stock alter amount type bigint",
        "alter table shop.stock alter amount type int",
    ),
    Pair(
        "a trigger made and dropped",
        "create trigger t before insert on cache for each row execute function touch()",
        "drop trigger t on cache",
    ),
    Pair(
        "a dropped column comes back last",
        "alter table customers drop column nick",
        "alter table customers add column nick text default 'none'",
        "table customers: order of columns",
        physical=True,
    ),
    Pair("an index forgotten", "create index tmp on orders (total)", "", "index tmp: extra"),
    Pair(
        "a value of an enum",
        "alter type status add value 'lost'",
        "",
        "type status: values: 'new', 'paid', 'sent' → 'new', 'paid', 'sent', 'lost'",
    ),
    Pair(
        "a trigger left disabled",
        "alter table orders disable trigger orders_touch",
        "",
        "trigger orders_touch on orders: fires: always → never: disabled",
    ),
    Pair(
        "fillfactor",
        "alter table orders set (fillfactor = 70)",
        "",
        "table orders: options: none → fillfactor=70",
    ),
    Pair(
        "a comment on a column",
        "comment on column orders.total is 'gross'",
        "",
        "column orders.total: comment: none → gross",
    ),
    Pair(
        "a privilege on a table",
        "grant select on orders to shop_reader",
        "",
        "table orders: privileges: default → ",
    ),
    Pair("an owner", "alter table orders owner to shop_reader", "", "table orders: owner: "),
    Pair(
        "replica identity full",
        "alter table orders replica identity full",
        "",
        "table orders: replica identity: primary key → full",
    ),
    Pair(
        "a constraint validated",
        "alter table orders validate constraint orders_note_check",
        "",
        "constraint orders_note_check on orders: validated: no → yes",
    ),
    Pair(
        "another default",
        "alter table orders alter total set default 1",
        "alter table orders alter total set default 2",
        "column orders.total: default: 0 → 2",
    ),
    Pair(
        "an index renamed",
        "alter index orders_status_idx rename to other",
        "",
        "index orders_status_idx: missing",
    ),
    Pair("an extension left", "create extension pg_trgm", "", "extension pg_trgm: extra"),
    Pair("a policy left", "create policy p on cache using (true)", "", "policy p on cache: extra"),
    Pair(
        "row security left on",
        "alter table cache enable row level security",
        "",
        "table cache: row security: no → yes",
    ),
    Pair(
        "a statistics target",
        "alter table orders alter total set statistics 500",
        "",
        "column orders.total: statistics target: ",
    ),
    Pair(
        "storage of a column",
        "alter table orders alter note set storage external",
        "",
        "column orders.note: storage: extended → external",
    ),
    Pair(
        "the kind of an identity",
        "alter table customers alter id set generated by default",
        "",
        "column customers.id: identity: always → by default",
    ),
    Pair(
        "the body of a function",
        "create or replace function double(a int) returns int language sql immutable "
        "as 'select a + a'",
        "",
        "function double(integer): body: ",
    ),
    Pair(
        "the volatility of a function",
        "alter function double volatile",
        "",
        "function double(integer): volatility: immutable → volatile",
    ),
    Pair(
        "the definition of a view",
        "create or replace view paid_orders as select id, total from orders where status <> 'new'",
        "",
        "view paid_orders: definition: ",
    ),
    Pair(
        "a table in a publication",
        "alter publication changes add table customers",
        "",
        "table customers in publication changes: extra",
    ),
    Pair(
        "extended statistics",
        "create statistics s on total, status from orders",
        "",
        "statistics object s: extra",
    ),
    Pair(
        "a mark for CLUSTER",
        "alter table orders cluster on orders_status_idx",
        "",
        "index orders_status_idx: marked for CLUSTER: no → yes",
    ),
    Pair(
        "a foreign key made deferrable",
        "alter table orders alter constraint orders_customer_id_fkey deferrable",
        "",
        "constraint orders_customer_id_fkey on orders: deferrable: no → yes",
    ),
    Pair(
        "a partition detached",
        "alter table events detach partition events_2024",
        "",
        "table events_2024: inherits: events → none",
    ),
    Pair(
        "a table left unlogged",
        "alter table animals set unlogged",
        "",
        "table animals: persistence: logged → unlogged",
    ),
    Pair(
        "a constraint of a domain",
        "alter domain positive add constraint small check (value < 1000)",
        "",
        "domain constraint small on positive: extra",
    ),
    Pair(
        "an expression of a generated column lost",
        "alter table cache add column twice int generated always as (id * 2) stored",
        "alter table cache alter twice drop expression",
        "column cache.twice: extra",
    ),
    Pair(
        "a setting of a role",
        "alter role shop_reader set work_mem = '1MB'",
        "",
        "settings of shop_reader: extra",
    ),
    Pair(
        "compression of a column",
        "alter table orders alter note set compression pglz",
        "",
        "column orders.note: compression: ",
    ),
    Pair(
        "n_distinct of a column",
        "alter table orders alter total set (n_distinct = 5)",
        "",
        "column orders.total: options: none → n_distinct=5",
    ),
    Pair(
        "a sequence started again, which is data",
        "alter sequence tickets restart with 500",
        "alter sequence tickets restart with 1",
    ),
    Pair(
        "the step of a sequence",
        "alter sequence tickets increment 2",
        "",
        "sequence tickets: increment: 1 → 2",
    ),
    Pair(
        "an option of a toast table",
        "alter table orders set (toast.autovacuum_enabled = false)",
        "",
        "table orders: toast options: none → autovacuum_enabled=false",
    ),
)  # the 45th, an invalid index, cannot be made in a transaction: see test_snapshot.py

LEFT = (
    Pair("a cast", "create cast (status as int) with inout", "", "cast (status AS integer): extra"),
    Pair(
        "a cast's context",
        "create function n(status) returns int language sql immutable as 'select 1'; "
        "create cast (status as int) with function n(status)",
        "drop cast (status as int); "
        "create cast (status as int) with function n(status) as assignment",
        "cast (status AS integer): extra",
    ),
    Pair(
        "an operator",
        "create operator === (leftarg = int, rightarg = int, function = int4eq)",
        "",
        "operator ===(integer,integer): extra",
    ),
    Pair(
        "an operator family",
        "create operator family f using btree",
        "",
        "operator family f USING btree: extra",
    ),
    Pair(
        "an operator class",
        "create operator class oc for type int using btree as operator 1 <, operator 2 <=, "
        "operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(int, int)",
        "",
        "operator family oc USING btree: extra",
    ),
    Pair(
        "a member of an operator family",
        "create operator family f using btree; alter operator family f using btree "
        "add operator 1 < (int, int)",
        "alter operator family f using btree drop operator 1 (int, int)",
        "operator family f USING btree: extra",
    ),
    Pair(
        "a collation",
        "create collation c (locale = 'POSIX')",
        "",
        "collation c: extra",
    ),
    Pair(
        "a collation of a column",
        "alter table customers alter name type text collate bytewise",
        "",
        'column customers.name: collation: "default" → bytewise',
    ),
    Pair(
        "a collation of an index",
        "drop index orders_note_idx",
        'create index orders_note_idx on orders (lower(note) collate "C" text_pattern_ops)',
        "index orders_note_idx",
    ),
    Pair(
        "a conversion",
        "create conversion cv for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1",
        "",
        "conversion cv: extra",
    ),
    Pair(
        "a text search configuration",
        "create text search configuration cfg (copy = english)",
        "",
        "text search configuration cfg: extra",
    ),
    Pair(
        "a mapping of a text search configuration",
        "create text search configuration cfg (copy = english); "
        "comment on text search configuration cfg is 'x'",
        "alter text search configuration cfg drop mapping for word",
        "text search configuration cfg: extra",
    ),
    Pair(
        "a mapping of a built-in text search configuration",
        "alter text search configuration english drop mapping for email",
        "",
        "text search configuration english: mappings: ",
    ),
    Pair(
        "a text search dictionary",
        "create text search dictionary d (template = simple, stopwords = english)",
        "",
        "text search dictionary d: extra",
    ),
    Pair(
        "an event trigger",
        "create function et() returns event_trigger language plpgsql as 'begin end'; "
        "create event trigger e on ddl_command_end execute function et()",
        "drop event trigger e",
        "function et(): extra",
    ),
    Pair(
        "an event trigger left",
        "create function et() returns event_trigger language plpgsql as 'begin end'; "
        "create event trigger e on ddl_command_end when tag in ('DROP TABLE') "
        "execute function et()",
        "",
        "event trigger e: extra",
    ),
    Pair(
        "a foreign-data wrapper",
        "create foreign data wrapper w",
        "",
        "foreign-data wrapper w: extra",
    ),
    Pair(
        "a server",
        "create foreign data wrapper w; create server s foreign data wrapper w",
        "",
        "server s: extra",
    ),
    Pair(
        "a user mapping",
        "create foreign data wrapper w; create server s foreign data wrapper w;"
        "create user mapping for shop_reader server s options (password 'secret')",
        "",
        "user mapping shop_reader on server s: extra",
    ),
    Pair(
        "a foreign table",
        "create foreign data wrapper w; create server s foreign data wrapper w;"
        "create foreign table ft (a int options (x 'y')) server s options (t 'orders')",
        "",
        "foreign table ft: extra",
    ),
    Pair("a publication", "create publication p2 for all tables", "", "publication p2: extra"),
    Pair(
        "a publication's row filter",
        "alter publication changes set table orders where (total > 5)",
        "",
        "table orders in publication changes: WHERE: none → (total > (5)::numeric)",
        since=15,
    ),
    Pair(
        "a publication's columns",
        "alter publication changes set table orders (id, total)",
        "",
        "table orders in publication changes: columns: none → id, total",
        since=15,
    ),
    Pair(
        "a publication's schema",
        "alter publication changes add tables in schema shop",
        "",
        "tables in schema shop in publication changes: extra",
        since=15,
    ),
    Pair(
        "what a publication sends",
        "alter publication changes set (publish = 'insert')",
        "",
        "publication changes: update: yes → no",
    ),
    Pair(
        "an expression of statistics",
        "create statistics es on (lower(note)) from orders",
        "",
        "statistics object es: extra",
    ),
    Pair(
        "a target of statistics",
        "alter statistics orders_stat set statistics 10",
        "",
        "statistics object orders_stat: statistics target: ",
    ),
    Pair(
        "a rule",
        "create rule r as on insert to cache do also notify x",
        "",
        "rule r on cache: extra",
    ),
    Pair(
        "a rule disabled",
        "alter table cache disable rule no_delete",
        "",
        "rule no_delete on cache: fires: always → never: disabled",
    ),
    Pair(
        "default privileges",
        "alter default privileges in schema shop grant select on tables to shop_reader",
        "",
        "default acl",
    ),
    Pair(
        "default privileges everywhere",
        "alter default privileges revoke execute on functions from public",
        "",
        "default acl",
    ),
    Pair(
        "a privilege on a column",
        "grant update (total) on orders to shop_writer",
        "",
        "column orders.total: privileges: default → shop_writer=w/",
    ),
    Pair(
        "a privilege on a schema",
        "grant usage on schema shop to shop_reader",
        "",
        "schema shop: privileges: ",
    ),
    Pair(
        "a privilege on the schema public",
        "revoke all on schema public from public",
        "",
        "schema public: privileges: ",
    ),
    Pair(
        "a privilege on a function",
        "revoke execute on function double(int) from public",
        "",
        "function double(integer): privileges: default → ",
    ),
    Pair(
        "a privilege on a built-in function",
        "revoke execute on function pg_sleep from public",
        "",
        "function pg_sleep(double precision): extra",
    ),
    Pair(
        "a privilege on a sequence",
        "grant usage on sequence tickets to shop_reader",
        "",
        "sequence tickets: privileges: default → ",
    ),
    Pair(
        "a privilege on a type",
        "revoke usage on type status from public",
        "",
        "type status: privileges: default → ",
    ),
    Pair(
        "the right to pass on a privilege",
        "grant select on cache to shop_reader with grant option",
        "",
        "table cache: privileges: ",
    ),
    Pair(
        "a comment on a table",
        "comment on table orders is 'x'",
        "",
        "table orders: comment: none → x",
    ),
    Pair(
        "a comment on an index",
        "comment on index orders_status_idx is 'x'",
        "",
        "index orders_status_idx: comment: none → x",
    ),
    Pair(
        "a comment on a constraint",
        "comment on constraint orders_total_check on orders is 'x'",
        "",
        "constraint orders_total_check on orders: comment: none → x",
    ),
    Pair(
        "a comment on a function",
        "comment on function double(int) is 'x'",
        "",
        "function double(integer): comment: none → x",
    ),
    Pair(
        "a comment on a trigger",
        "comment on trigger orders_touch on orders is 'x'",
        "",
        "trigger orders_touch on orders: comment: none → x",
    ),
    Pair(
        "a comment on a type", "comment on type status is 'x'", "", "type status: comment: none → x"
    ),
    Pair(
        "a comment on a domain's constraint",
        "comment on constraint positive_check on domain positive is 'x'",
        "",
        "domain constraint positive_check on positive: comment: none → x",
    ),
    Pair(
        "a comment on the schema public",
        "comment on schema public is 'x'",
        "",
        "schema public: comment: standard public schema → x",
    ),
    Pair(
        "a comment on a column of a view",
        "comment on column paid_orders.id is 'x'",
        "",
        "view column paid_orders.id: comment: none → x",
    ),
    Pair(
        "a generated column's expression",
        "alter table cache add twice int generated always as (id * 2) stored",
        "alter table cache drop column twice; "
        "alter table cache add twice int generated always as (id * 3) stored",
        "column cache.twice: extra",
    ),
    Pair(
        "options of an identity",
        "alter table customers alter id set start with 100",
        "",
        "sequence customers_id_seq: start: 1 → 100",
    ),
    Pair(
        "an identity dropped",
        "alter table customers alter id drop identity",
        "",
        "column customers.id: identity: always → none",
    ),
    Pair(
        "bounds of a partition",
        "alter table events detach partition events_2024",
        "alter table events attach partition events_2024 for values from ('2024-01-01') "
        "to ('2024-06-01')",
        "table events_2024: partition: ",
    ),
    Pair(
        "an order of parents",
        "create table robots () inherits (machines, dogs)",
        "alter table robots no inherit machines; alter table robots inherit machines",
        "table robots: extra",
    ),
    Pair(
        "a parent",
        "alter table dogs add made date; alter table dogs inherit machines",
        "",
        "table dogs: inherits: animals → animals, machines",
    ),
    Pair(
        "what a table has of its parent alone",
        "alter table dogs no inherit animals",
        "alter table dogs inherit animals",
        "column dogs.born: defined here, not only inherited: no → yes",
    ),
    Pair(
        "an exclusion constraint",
        "alter table events_2024 add constraint no_overlap exclude using gist "
        "(daterange(at, at) with &&)",
        "",
        "constraint no_overlap on events_2024: extra",
    ),
    Pair(
        "a domain's default",
        "alter domain positive set default 1",
        "",
        "type positive: default: none → 1",
    ),
    Pair(
        "a domain's NOT NULL",
        "update orders set weight = 1; alter domain positive set not null",
        "",
        "type positive: NOT NULL: no → yes",
    ),
    Pair("a range type", "create type span as range (subtype = time)", "", "type span: extra"),
    Pair(
        "a procedure's body",
        "create or replace procedure nothing(a int) language sql as 'select 2'",
        "",
        "procedure nothing(integer): body: select 1 → select 2",
    ),
    Pair(
        "a function's SQL body",
        "create function later(a int) returns int return a + 1",
        "create or replace function later(a int) returns int return a + 2",
        "function later(integer): extra",
    ),
    Pair(
        "a function's default of an argument",
        "create or replace function double(a int default 3) returns int language sql immutable "
        "as 'select a * 2'",
        "",
        "function double(integer): defaults of arguments: none → 3",
    ),
    Pair(
        "a function's settings",
        "alter function double(int) set search_path = shop",
        "",
        "function double(integer): settings: none → search_path=shop",
    ),
    Pair(
        "a function's rights",
        "alter function double(int) security definer",
        "",
        "function double(integer): SECURITY DEFINER: no → yes",
    ),
    Pair(
        "a function's price",
        "alter function double(int) cost 5",
        "",
        "function double(integer): cost: 100 → 5",
    ),
    Pair(
        "a function's parallel safety",
        "alter function double(int) parallel safe",
        "",
        "function double(integer): parallel: unsafe → safe",
    ),
    Pair(
        "an aggregate",
        "create aggregate total_of (int) (sfunc = int4pl, stype = int)",
        "",
        "aggregate total_of(integer): extra",
    ),
    Pair(
        "an aggregate's start",
        "create aggregate total_of (int) (sfunc = int4pl, stype = int, initcond = '0')",
        "create or replace aggregate total_of (int) (sfunc = int4pl, stype = int, initcond = '1')",
        "aggregate total_of(integer): extra",
    ),
    Pair(
        "a transform",
        "create function tr(internal) returns internal language internal immutable "
        "as 'textsend'; create transform for status language sql "
        "(from sql with function tr(internal))",
        "",
        "transform for status ",
    ),
    Pair(
        "a language",
        "create language mine handler plpgsql_call_handler",
        "",
        "language mine: extra",
    ),
    Pair(
        "an access method",
        "create access method mine type table handler heap_tableam_handler",
        "",
        "access method mine: extra",
    ),
    Pair(
        "the access method of a table",
        "create access method mine type table handler heap_tableam_handler; "
        "alter table cache set access method mine",
        "",
        "table cache: access method: heap → mine",
        since=15,
    ),
    Pair(
        "replica identity by an index",
        "alter table orders replica identity using index orders_pkey",
        "",
        "index orders_pkey: replica identity: no → yes",
    ),
    Pair(
        "options of a view: barrier",
        "alter view paid_orders set (security_barrier = true)",
        "",
        "view paid_orders: options: none → security_barrier=true",
    ),
    Pair(
        "options of a view: invoker",
        "alter view paid_orders set (security_invoker = true)",
        "",
        "view paid_orders: options: none → security_invoker=true",
        since=15,
    ),
    Pair(
        "a view's check option",
        "create or replace view paid_orders with (check_option = local) as "
        "select id, total from orders where status = 'paid'",
        "",
        "view paid_orders: options: none → check_option=local",
    ),
    Pair(
        "a default of a view's column",
        "alter view paid_orders alter total set default 3",
        "",
        "view column paid_orders.total: default: none → 3",
    ),
    Pair(
        "a materialized view emptied",
        "refresh materialized view totals with no data",
        "",
        "materialized view totals: populated: yes → no",
    ),
    Pair(
        "row security forced",
        "alter table orders force row level security",
        "",
        "table orders: row security forced on its owner: no → yes",
    ),
    Pair(
        "a policy's condition",
        "alter policy own_orders on orders using (total > 1)",
        "",
        "policy own_orders on orders: USING: ",
    ),
    Pair(
        "a policy's roles",
        "alter policy own_orders on orders to shop_reader",
        "",
        "policy own_orders on orders: roles: ",
    ),
    Pair(
        "a constraint's deferral",
        "alter table orders alter constraint orders_customer_id_fkey deferrable initially deferred",
        "alter table orders alter constraint orders_customer_id_fkey deferrable",
        "constraint orders_customer_id_fkey on orders: deferrable: no → yes",
    ),
    Pair(
        "NO INHERIT",
        "alter table animals add constraint c check (born is not null) no inherit",
        "",
        "constraint c on animals: extra",
    ),
    Pair(
        "a check that is inherited no more",
        "alter table animals drop constraint if exists c; "
        "alter table animals add constraint c check (born is not null)",
        "alter table animals drop constraint c; "
        "alter table only animals add constraint c check (born is not null) no inherit",
        "constraint c on animals: extra",
    ),
    Pair(
        "what deleting a parent does",
        "alter table orders drop constraint orders_customer_id_fkey",
        "alter table orders add constraint orders_customer_id_fkey foreign key (customer_id) "
        "references customers on delete cascade",
        "constraint orders_customer_id_fkey on orders: ON DELETE: no action → cascade",
    ),
    Pair(
        "which columns deleting a parent empties",
        "alter table orders drop constraint orders_customer_id_fkey",
        "alter table orders add constraint orders_customer_id_fkey foreign key (customer_id) "
        "references customers on delete set null (customer_id)",
        "constraint orders_customer_id_fkey on orders: ON DELETE: no action → set null",
        since=15,
    ),
    Pair(
        "a constraint not enforced",
        "alter table orders alter constraint orders_customer_id_fkey not enforced",
        "",
        "constraint orders_customer_id_fkey on orders: enforced: yes → no",
        since=18,
    ),
    Pair(
        "the name of a NOT NULL constraint",
        "alter table customers rename constraint customers_email_not_null to email_there",
        "",
        "constraint email_there on customers: extra",
        since=18,
    ),
    Pair(
        "a virtual column",
        "alter table cache add twice int generated always as (id * 2)",
        "",
        "column cache.twice: extra",
        since=18,
    ),
    Pair(
        "NULLS NOT DISTINCT",
        "alter table customers drop constraint customers_email_key",
        "alter table customers add constraint customers_email_key unique nulls not distinct "
        "(email)",
        "index customers_email_key: NULLS NOT DISTINCT: no → yes",
        since=15,
    ),
    Pair(
        "an option of an index",
        "alter index orders_status_idx set (fillfactor = 50)",
        "",
        "index orders_status_idx: options: none → fillfactor=50",
    ),
    Pair(
        "another predicate",
        "drop index orders_open_idx",
        "create index orders_open_idx on orders (ordered_at desc nulls last) where status = 'paid'",
        "index orders_open_idx: WHERE: ",
    ),
    Pair(
        "another direction",
        "drop index orders_open_idx",
        "create index orders_open_idx on orders (ordered_at) where status = 'new'",
        "index orders_open_idx: order",
    ),
    Pair(
        "another operator class",
        "drop index orders_note_idx",
        "create index orders_note_idx on orders (lower(note))",
        "index orders_note_idx: operator classes: ",
    ),
    Pair(
        "another method",
        "drop index orders_status_idx",
        "create index orders_status_idx on orders using hash (status)",
        "index orders_status_idx: access method: btree → hash",
    ),
    Pair(
        "another expression",
        "drop index orders_note_idx",
        "create index orders_note_idx on orders (upper(note) text_pattern_ops)",
        "index orders_note_idx: expressions: ",
    ),
    Pair(
        "an included column",
        "drop index orders_status_idx",
        "create index orders_status_idx on orders (status) include (total)",
        "index orders_status_idx: columns: status → status, total",
    ),
    Pair(
        "unique no more",
        "drop index totals_idx",
        "create index totals_idx on totals (customer_id)",
        "index totals_idx: isunique: yes → no",
    ),
    Pair(
        "parameters of an operator class",
        "create index tags_idx on orders using gin (tags); drop index tags_idx",
        "create index vec_idx on orders using gist "
        "(to_tsvector('english', note) tsvector_ops (siglen = 32))",
        "index vec_idx: extra",
    ),
    Pair(
        "a statistics target of an index's expression",
        "alter index orders_note_idx alter column 1 set statistics 7",
        "",
        "index orders_note_idx, column 1: statistics target: ",
    ),
    Pair(
        "a sequence's column",
        "alter sequence tickets owned by cache.id",
        "",
        "sequence tickets: belongs to: none → cache.id",
    ),
    Pair(
        "a serial's sequence cut off",
        "alter sequence orders_id_seq owned by none",
        "",
        "sequence orders_id_seq: belongs to: orders.id → none",
    ),
    Pair(
        "a sequence's type",
        "alter sequence tickets as smallint",
        "",
        "sequence tickets: typid: bigint → smallint",
    ),
    Pair(
        "a sequence's cache",
        "alter sequence tickets cache 20 cycle",
        "",
        "sequence tickets: cache: 1 → 20",
    ),
    Pair(
        "an object of an extension taken out",
        "create extension pg_trgm; alter extension pg_trgm drop function show_limit()",
        "",
        "function show_limit(): extra",
    ),
    Pair(
        "an index that hangs on an extension",
        "create extension pg_trgm",
        "alter index orders_status_idx depends on extension pg_trgm",
        "index orders_status_idx: belongs to: none → pg_trgm",
    ),
    Pair("another schema", "alter table cache set schema shop", "", "table cache: missing"),
    Pair("a schema", "create schema attic", "", "schema attic: extra"),
    Pair(
        "a column's type",
        "alter table orders alter note type varchar(20)",
        "alter table orders alter note type varchar(30)",
        "column orders.note: type: text → character varying(30)",
    ),
    Pair(
        "a composite type's attribute",
        "alter type address add attribute city text",
        "",
        "composite type column address.city: extra",
    ),
    Pair(
        "a type's values renamed",
        "alter type status rename value 'sent' to 'gone'",
        "",
        "type status: values: ",
    ),
    Pair(
        "a setting of the database",
        "do $$ begin execute format('alter database %I set work_mem = ''2MB''', "
        "current_database()); end $$",
        "",
        "settings of this database",
    ),
    Pair("a role", "create role auditor", "", "role auditor: extra"),
    Pair(
        "a role's attribute",
        "alter role shop_reader createdb",
        "",
        "role shop_reader: createdb: no → yes",
    ),
    Pair("a membership", "grant shop_reader to shop_writer", "", "membership of "),
    Pair(
        "a primary key's NOT NULL stays",
        "create table plain (id int); alter table plain add primary key (id)",
        "alter table plain drop constraint plain_pkey",
        "table plain: extra",
    ),
    Pair(
        "a trigger's condition",
        "drop trigger orders_touch on orders",
        "create trigger orders_touch before update on orders for each row "
        "when (old.* is distinct from new.*) execute function touch()",
        "trigger orders_touch on orders: WHEN: none → ",
    ),
    Pair(
        "a trigger's columns",
        "drop trigger orders_touch on orders",
        "create trigger orders_touch before update of total on orders for each row "
        "execute function touch()",
        "trigger orders_touch on orders: UPDATE OF: none → total",
    ),
    Pair(
        "a trigger's moment",
        "drop trigger orders_touch on orders",
        "create trigger orders_touch after update on orders for each row execute function touch()",
        "trigger orders_touch on orders: type: ",
    ),
    Pair(
        "every trigger disabled, those of foreign keys too",
        "alter table orders disable trigger all",
        "alter table orders enable trigger orders_touch",
        "constraint orders_customer_id_fkey on orders: trigger of ",
    ),
    Pair(
        "a partitioned index gone from one partition",
        "drop index events_what_idx",
        "create index events_what_idx on only events (what)",
        "index events_2024_what_idx: missing",
    ),
    Pair(
        "a temporary function of text search",
        "create text search parser psr "
        "(start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, "
        "lextypes = prsd_lextype)",
        "",
        "text search parser psr: extra",
    ),
)

UNDONE = (
    Pair(
        "a table made and dropped",
        "create table items (id serial primary key, a text unique, b bigint check (b > 0), "
        "s status default 'new', foreign key (b) references customers (id))",
        "drop table items",
    ),
    Pair(
        "a foreign key made anew",
        "alter table orders drop constraint orders_customer_id_fkey",
        "alter table orders add constraint orders_customer_id_fkey foreign key (customer_id) "
        "references customers",
    ),
    Pair(
        "a privilege given and taken",
        "grant select on orders to shop_reader",
        "revoke select on orders from shop_reader",
    ),
    Pair(
        "a privilege on a column given and taken",
        "grant update (total) on orders to shop_reader",
        "revoke update (total) on orders from shop_reader",
    ),
    Pair(
        "public's privileges taken and given",
        "revoke execute on function double(int) from public",
        "grant execute on function double(int) to public",
    ),
    Pair(
        "a built-in function's privileges taken and given",
        "revoke execute on function pg_sleep from public",
        "grant execute on function pg_sleep to public",
    ),
    Pair(
        "the schema public's privileges taken and given",
        "revoke usage on schema public from public",
        "grant usage on schema public to public",
    ),
    Pair(
        "default privileges given and taken",
        "alter default privileges in schema shop grant select on tables to shop_reader",
        "alter default privileges in schema shop revoke select on tables from shop_reader",
    ),
    Pair(
        "an owner changed and back",
        "alter table orders owner to shop_reader",
        "alter table orders owner to current_user",
    ),
    Pair(
        "a comment made and removed",
        "comment on table orders is 'x'",
        "comment on table orders is null",
    ),
    Pair(
        "a column renamed and back",
        "alter table orders rename total to sum",
        "alter table orders rename sum to total",
    ),
    Pair(
        "an index on a renamed column made anew",
        "alter table orders rename status to state; drop index orders_status_idx; "
        "create index orders_status_idx on orders (state)",
        "alter table orders rename state to status",
    ),
    Pair(
        "an enum value renamed and back",
        "alter type status rename value 'sent' to 'gone'",
        "alter type status rename value 'gone' to 'sent'",
    ),
    Pair(
        "an enum made anew",
        "create type status_2 as enum ('new', 'paid', 'sent', 'lost'); "
        "drop view paid_orders; drop index orders_open_idx; drop statistics orders_stat; "
        "alter table orders alter status drop default; "
        "alter table orders alter status type status_2 using status::text::status_2; "
        "drop type status; alter type status_2 rename to status; "
        "alter table orders alter status set default 'new'",
        "create type status_2 as enum ('new', 'paid', 'sent'); "
        "alter table orders alter status drop default; "
        "alter table orders alter status type status_2 using status::text::status_2; "
        "drop type status; alter type status_2 rename to status; "
        "alter table orders alter status set default 'new'; "
        "create view paid_orders as select id, total from orders where status = 'paid'; "
        "create index orders_open_idx on orders (ordered_at desc nulls last) "
        "where status = 'new'; "
        "create statistics orders_stat (dependencies) on customer_id, status from orders",
    ),
    Pair(
        "a value put between others, made anew in its order",
        "alter type status rename to old_status; "
        "create type status as enum ('new', 'paid', 'sent'); "
        "alter type status add value 'packed' before 'sent'",
        "drop type status; alter type old_status rename to status",
    ),
    Pair(
        "a partition detached and attached",
        "alter table events detach partition events_2024",
        "alter table events attach partition events_2024 for values from ('2024-01-01') "
        "to ('2025-01-01')",
    ),
    Pair(
        "a partition made and dropped",
        "create table events_2025 partition of events for values from ('2025-01-01') "
        "to ('2026-01-01')",
        "drop table events_2025",
    ),
    Pair(
        "a default changed and back",
        "alter table orders alter total set default 1",
        "alter table orders alter total set default 0",
    ),
    Pair(
        "storage changed and back",
        "alter table orders alter note set storage external",
        "alter table orders alter note set storage extended",
    ),
    Pair(
        "options set and reset",
        "alter table orders set (fillfactor = 70, toast.autovacuum_enabled = false)",
        "alter table orders reset (fillfactor, toast.autovacuum_enabled)",
    ),
    Pair(
        "options in another order",
        "alter table cache set (fillfactor = 70); alter table cache set (autovacuum_enabled = on)",
        "alter table cache reset (fillfactor); alter table cache reset (autovacuum_enabled)",
    ),
    Pair(
        "a statistics target set and reset",
        "alter table orders alter total set statistics 500",
        "alter table orders alter total set statistics -1",
    ),
    Pair(
        "a trigger disabled and enabled",
        "alter table orders disable trigger all",
        "alter table orders enable trigger all",
    ),
    Pair(
        "row security on and off",
        "alter table orders enable row level security; alter table orders force row level security",
        "alter table orders disable row level "
        "security; alter table orders no force row level security",
    ),
    Pair(
        "a policy made and dropped",
        "create policy p on cache using (true)",
        "drop policy p on cache",
    ),
    Pair(
        "a function replaced and back",
        "create or replace function double(a int) returns int language sql immutable "
        "as 'select a + a'",
        "create or replace function double(a int) returns int language sql immutable "
        "as 'select a * 2'",
    ),
    Pair(
        "a view replaced and back",
        "create or replace view paid_orders as select id, total from orders",
        "create or replace view paid_orders as select id, total from orders where status = 'paid'",
    ),
    Pair(
        "a materialized view made anew",
        "drop materialized view totals",
        "create materialized view totals as select customer_id, sum(total) from orders group by 1;"
        "create unique index totals_idx on totals (customer_id)",
    ),
    Pair("an extension made and dropped", "create extension pg_trgm", "drop extension pg_trgm"),
    Pair(
        "a publication's tables changed and back",
        "alter publication changes add table customers",
        "alter publication changes drop table customers",
    ),
    Pair(
        "a table unlogged and back",
        "alter table animals set unlogged",
        "alter table animals set logged",
    ),
    Pair(
        "a table's schema changed and back",
        "alter table cache set schema shop",
        "alter table shop.cache set schema public",
    ),
    Pair(
        "a sequence's options changed and back",
        "alter sequence tickets increment 2 cache 5",
        "alter sequence tickets increment 1 cache 1",
    ),
    Pair(
        "a sequence owned and free",
        "alter sequence tickets owned by cache.id",
        "alter sequence tickets owned by none",
    ),
    Pair(
        "an identity dropped and added",
        "alter table customers alter id drop identity",
        "alter table customers alter id add generated always as identity",
    ),
    Pair(
        "a mark for CLUSTER set and taken",
        "alter table orders cluster on orders_status_idx",
        "alter table orders set without cluster",
    ),
    Pair(
        "replica identity full and back",
        "alter table orders replica identity full",
        "alter table orders replica identity default",
    ),
    Pair(
        "a role made and dropped",
        "create role auditor; grant shop_reader to auditor",
        "drop role auditor",
    ),
    Pair(
        "a role's setting set and reset",
        "alter role shop_reader set work_mem = '1MB'",
        "alter role shop_reader reset work_mem",
    ),
    Pair(
        "a cast made and dropped",
        "create cast (status as int) with inout",
        "drop cast (status as int)",
    ),
    Pair(
        "an operator made and dropped",
        "create operator === (leftarg = int, rightarg = int, function = int4eq, commutator = ===)",
        "drop operator === (int, int)",
    ),
    Pair(
        "a text search configuration's mapping changed and back",
        "alter text search configuration english alter mapping for email with english_stem",
        "alter text search configuration english alter mapping for email with simple",
    ),
    Pair(
        "a domain's constraint made and dropped",
        "alter domain positive add constraint small check (value < 1000)",
        "alter domain positive drop constraint small",
    ),
    Pair(
        "a constraint made anew",
        "alter table orders drop constraint orders_total_check",
        "alter table orders add constraint orders_total_check check (total >= 0)",
    ),
    Pair(
        "a unique constraint made anew",
        "alter table customers drop constraint customers_email_key",
        "alter table customers add constraint customers_email_key unique (email)",
    ),
    Pair(
        "a primary key made anew",
        "alter table cache drop constraint cache_pkey",
        "alter table cache add primary key (id)",
    ),
    Pair(
        "a table locked and its rows rewritten",
        "alter table animals alter born type text; ",
        "alter table animals alter born type date using born::date",
    ),
    Pair("rows inserted and deleted", "insert into cache values (1, 'x')", "delete from cache"),
    Pair("a temporary table", "create temp table t (a text)", "drop table t"),
    Pair("a temporary table left to the session", "create temp table t (id serial, a text)", ""),
    Pair("analyzed", "analyze orders", "analyze orders"),
    Pair(
        "a composite type made and dropped", "create type pair as (a int, b text)", "drop type pair"
    ),
    Pair(
        "a range made and dropped", "create type span as range (subtype = time)", "drop type span"
    ),
    Pair(
        "a rule made and dropped",
        "create rule r as on insert to cache do also notify x",
        "drop rule r on cache",
    ),
    Pair(
        "an event trigger made and dropped",
        "create function et() returns event_trigger language plpgsql as 'begin end'; "
        "create event trigger e on ddl_command_end execute function et()",
        "drop event trigger e; drop function et()",
    ),
    Pair(
        "a foreign table made and dropped",
        "create foreign data wrapper w; create server s foreign data wrapper w; "
        "create foreign table ft (a int) server s",
        "drop foreign data wrapper w cascade",
    ),
    Pair(
        "NOT NULL dropped and set",
        "alter table customers alter email drop not null",
        "alter table customers alter email set not null",
    ),
)

FURTHER = (
    Pair(
        "a dictionary's options",
        "create text search dictionary d (template = simple); "
        "alter text search dictionary d (accept = false)",
        "",
        "text search dictionary d: extra",
    ),
    Pair(
        "a built-in dictionary's options",
        "alter text search dictionary english_stem (stopwords)",
        "",
        "text search dictionary english_stem: initoption: ",
    ),
    Pair(
        "the schema of an extension",
        "create extension pg_trgm schema shop",
        "",
        "extension pg_trgm: extra",
    ),
    Pair(
        "a table of a type",
        "create type t as (a int, b text); create table of_t of t",
        "alter table of_t not of",
        "table of_t: extra",
    ),
    Pair(
        "a table bound to a type",
        "create type t as (name text, born date); alter table only animals of t",
        "",
        "table animals: oftype: none → t",
    ),
    Pair(
        "a comment on the database",
        "do $$ begin execute format('comment on database %I is ''x''', current_database()); end $$",
        "",
        "this database: comment: ",
    ),
    Pair(
        "a comment on a role",
        "comment on role shop_reader is 'x'",
        "",
        "role shop_reader: comment: none → x",
    ),
    Pair(
        "how many may connect",
        "do $$ begin execute format('alter database %I connection limit "
        "5', current_database()); end $$",
        "",
        "this database: connlimit: -1 → 5",
    ),
    Pair(
        "a privilege on the database",
        "do $$ begin execute format('revoke connect on database "
        "%I from public', current_database()); end $$",
        "",
        "this database: privileges: ",
    ),
    Pair(
        "a privilege on a parameter",
        "grant set on parameter log_min_messages to shop_reader",
        "",
        "parameter",
        since=15,
    ),
    Pair(
        "a subscription",
        "create subscription sub connection 'dbname=nowhere password=secret' "
        "publication changes with (connect = false, slot_name = none)",
        "",
        "subscription sub: extra",
    ),
    Pair(
        "a foreign table's options",
        "create foreign data wrapper w; create server s foreign "
        "data wrapper w; create foreign table ft (a int) server s options (x '1')",
        "alter foreign table ft options (set x '2')",
        "foreign table ft: extra",
    ),
    Pair(
        "a role's password",
        "alter role shop_reader password 'secret'",
        "",
        "role shop_reader: password: none → a secret",
    ),
    Pair(
        "until when a role is valid",
        "alter role shop_reader valid until '2030-01-01'",
        "",
        "role shop_reader: validuntil: none → ",
    ),
    Pair(
        "a role's setting in this database",
        "do $$ begin execute format('alter role shop_reader "
        "in database %I set work_mem = ''2MB''', current_database()); end $$",
        "",
        "settings of ",
    ),
    Pair(
        "the right to grant a role",
        "grant shop_reader to shop_writer with admin option",
        "revoke admin option for shop_reader from shop_writer",
        "membership of role shop_writer in role shop_reader: extra",
    ),
    Pair(
        "replica identity nothing",
        "alter table orders replica identity nothing",
        "",
        "table orders: replica identity: primary key → nothing",
    ),
    Pair(
        "an operator's estimator",
        "create operator === (leftarg = int, rightarg = int, function = int4eq)",
        "alter operator === (int, int) set (restrict = eqsel)",
        "operator ===(integer,integer): extra",
    ),
    Pair(
        "an owner of a schema", "alter schema shop owner to shop_reader", "", "schema shop: owner: "
    ),
    Pair(
        "an owner of a function",
        "alter function double owner to shop_reader",
        "",
        "function double(integer): owner: ",
    ),
    Pair(
        "an owner of a type", "alter type status owner to shop_reader", "", "type status: owner: "
    ),
    Pair(
        "default privileges of a role",
        "alter default privileges for role shop_reader grant select on tables to shop_writer",
        "",
        "default acl",
    ),
    Pair(
        "another default of the same kind",
        "alter table orders alter id set default nextval('tickets')",
        "",
        "column orders.id: default: ",
    ),
    Pair(
        "kinds of statistics",
        "drop statistics orders_stat",
        "create statistics orders_stat (ndistinct) on customer_id, status from orders",
        "statistics object orders_stat: kind: ",
    ),
    Pair(
        "a hash partition",
        "create table h (id int) partition by hash (id); create table h0 "
        "partition of h for values with (modulus 2, remainder 0)",
        "drop table h0",
        "table h: extra",
    ),
    Pair(
        "a trigger that fires always",
        "alter table orders enable always trigger orders_touch",
        "",
        "trigger orders_touch on orders: fires: always → also as replica",
    ),
    Pair(
        "a key without overlaps",
        "create extension btree_gist; create table spans (id int, "
        "at daterange, primary key (id, at without overlaps))",
        "drop table spans",
        "extension btree_gist: extra",
        since=18,
    ),
    Pair(
        "NOT NULL not validated",
        "alter table customers add constraint named not null name not valid",
        "",
        "column customers.name: NOT NULL: no → yes",
        since=18,
    ),
    Pair(
        "NOT NULL not inherited",
        "alter table machines add constraint m not null made no inherit",
        "",
        "column machines.made: NOT NULL: no → yes",
        since=18,
    ),
    Pair(
        "generated columns in a publication",
        "alter publication changes set (publish_generated_columns = stored)",
        "",
        "publication changes: gencols: n → s",
        since=18,
    ),
    Pair(
        "a publication by its root",
        "alter publication changes set (publish_via_partition_root = true)",
        "",
        "publication changes: viaroot: no → yes",
    ),
    Pair(
        "an event trigger disabled",
        "create function et() returns event_trigger language plpgsql as 'begin end'; "
        "create event trigger e on ddl_command_end execute function et()",
        "alter event trigger e disable",
        "event trigger e: extra",
    ),
    Pair(
        "the name of a multirange",
        "create type span as range (subtype = time, multirange_type_name = spans)",
        "",
        "type span: extra",
    ),
    Pair(
        "a function's argument named otherwise",
        "drop function double",
        "create function double(b int) returns int language sql immutable as 'select $1 * 2'",
        "function double(integer): names of arguments: ",
    ),
    Pair(
        "a function's type of result",
        "drop function double",
        "create function double(a int) returns bigint language sql immutable as 'select a * 2'",
        "function double(integer): rettype: integer → bigint",
    ),
    Pair(
        "a function leakproof",
        "alter function double leakproof strict",
        "",
        "function double(integer): leakproof: no → yes",
    ),
    Pair(
        "inherited n_distinct",
        "alter table animals alter name set (n_distinct_inherited = 9)",
        "",
        "column animals.name: options: none → n_distinct_inherited=9",
    ),
    Pair(
        "a fillfactor of a materialized view",
        "alter materialized view totals set (fillfactor = 60)",
        "",
        "materialized view totals: options: none → fillfactor=60",
    ),
    Pair(
        "a storage of a materialized view's column",
        "alter materialized view totals alter sum set storage plain",
        "",
        "materialized view column totals.sum: storage: main → plain",
    ),
    Pair(
        "a rule's action",
        "create or replace rule no_delete as on delete to cache do instead notify x",
        "",
        "rule no_delete on cache: definition: ",
    ),
    Pair(
        "a permissive policy made restrictive",
        "drop policy own_orders on orders",
        "create policy own_orders on orders as restrictive using (total > 0)",
        "policy own_orders on orders: permissive: yes → no",
    ),
    Pair(
        "a domain's collation",
        "create domain d as text",
        "drop domain d; create domain d as text collate bytewise",
        "type d: extra",
    ),
    Pair(
        "a composite type's attribute's type",
        "alter type address alter attribute zip type varchar(5)",
        "",
        "composite type column address.zip: type: text → character varying(5)",
    ),
    Pair(
        "an index on a partition attached",
        "create index parent_i on only events (at); create index child_i on events_2024 (at); "
        "alter index parent_i attach partition child_i",
        "drop index parent_i; create index child_i on events_2024 (at)",
        "index child_i: extra",
    ),
    Pair(
        "a default partition's default",
        "alter table events_rest alter what set default 'x'",
        "",
        "column events_rest.what: default: none → 'x'",
    ),
    Pair(
        "a deferred unique constraint",
        "alter table customers drop constraint customers_email_key",
        "alter table customers add constraint customers_email_key "
        "unique (email) deferrable initially deferred",
        "constraint customers_email_key on customers: deferrable: no → yes",
    ),
    Pair(
        "a constraint on the same columns in another order",
        "alter table events add constraint k primary key (id, at)",
        "alter table events drop constraint k; alter table events add constraint k primary key "
        "(at, id)",
        "constraint k on events: extra",
    ),
    Pair(
        "a match of a foreign key",
        "alter table orders drop constraint orders_customer_id_fkey",
        "alter table orders add constraint orders_customer_id_fkey foreign key (customer_id) "
        "references customers match full",
        "constraint orders_customer_id_fkey on orders: MATCH: simple → full",
    ),
    Pair(
        "a view's owner",
        "alter view paid_orders owner to shop_reader",
        "",
        "view paid_orders: owner: ",
    ),
    Pair(
        "a column moved up to the parent",
        "alter table animals add barks boolean",
        "",
        "column animals.barks: extra",
    ),
    # Written without a look at those above.
    Pair(
        "a default that is nearly what it was",
        "alter table orders alter ordered_at drop default",
        "alter table orders alter ordered_at set default statement_timestamp()",
        "column orders.ordered_at: default: now() → statement_timestamp()",
    ),
    Pair(
        "a check that is not validated again",
        "alter table orders drop constraint orders_total_check",
        "alter table orders add constraint orders_total_check check (total >= 0) not valid",
        "constraint orders_total_check on orders: validated: yes → no",
    ),
    Pair(
        "a partial index that comes back whole",
        "drop index orders_open_idx",
        "create index orders_open_idx on orders (ordered_at desc nulls last)",
        "index orders_open_idx: WHERE: ",
    ),
    Pair(
        "a trigger that fires on replicas only",
        "alter table orders disable trigger orders_touch",
        "alter table orders enable replica trigger orders_touch",
        "trigger orders_touch on orders: fires: always → as replica",
    ),
    Pair(
        "options that are reset and were set",
        "alter table cache set (fillfactor = 60)",
        "alter table cache set (fillfactor = 80)",
        "table cache: options: none → fillfactor=80",
    ),
)
