"""What a trace says of statements, each against the PostgreSQL that the tests run on."""

from collections.abc import Iterable

import pytest

from senior_backend.migrations.trace.observed import ObservedStatement
from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.sources.migration import Transaction
from tests.migrations.trace.traced import lines, migration, prepare

SCHEMA = """
create domain positive as int check (value > 0);
create table customers (id int primary key, name varchar(20) not null);
create table orders (id int primary key, customer_id int, note text, amount positive);
create index orders_note on orders (note);
create table events (id int, day date not null) partition by range (day);
create table events_2020 partition of events for values from ('2020-01-01') to ('2021-01-01');
create table events_rest partition of events default;
create table events_2021 (id int, day date not null);
create view names as select name from customers;
create materialized view notes as select note from orders;
create unique index notes_note on notes (note);
create sequence numbers;
create function touch() returns void language plpgsql as
  $$ begin alter table orders alter note set statistics 10; end $$;
"""
RW = "blocks reads and writes"
W = "blocks writes"
ALL_OF_ORDERS = [
    f"orders ACCESS EXCLUSIVE {RW}",
    f"orders_note ACCESS EXCLUSIVE {RW}",
    f"orders_pkey ACCESS EXCLUSIVE {RW}",
]
BUILT_ANEW = ["build orders_note on orders", "build orders_pkey on orders"]

CASES = [
    ("alter table orders add column x int", [f"orders ACCESS EXCLUSIVE {RW}"]),
    ("alter table orders alter note set statistics 9", ["orders SHARE UPDATE EXCLUSIVE"]),
    (
        "alter table orders add check (id > 0)",
        [f"orders ACCESS EXCLUSIVE {RW}", "scan orders"],
    ),
    (
        "alter table orders add constraint c check (id > 0) not valid",
        [f"orders ACCESS EXCLUSIVE {RW}"],
    ),
    (
        "alter table orders alter id type bigint",
        [*ALL_OF_ORDERS, "rewrite orders", "scan orders", *BUILT_ANEW],
    ),
    (
        "alter table orders add foreign key (customer_id) references customers",
        [
            f"customers SHARE ROW EXCLUSIVE {W}",
            f"orders SHARE ROW EXCLUSIVE {W}",
            "scan customers",
            "scan orders",
        ],
    ),
    (
        "alter table orders add foreign key (customer_id) references customers not valid",
        [f"customers SHARE ROW EXCLUSIVE {W}", f"orders SHARE ROW EXCLUSIVE {W}"],
    ),
    (
        "create table invoices (id int primary key, customer_id int references customers)",
        [f"customers SHARE ROW EXCLUSIVE {W}"],
    ),
    (
        "create index on orders (customer_id)",
        [f"orders SHARE {W}", "scan orders", "build orders_customer_id_idx on orders"],
    ),
    (
        "create index on events (id)",
        [
            f"events SHARE {W}",
            f"events_2020 SHARE {W}",
            f"events_rest SHARE {W}",
            "scan events_2020",
            "scan events_rest",
            "build events_2020_id_idx on events_2020",
            "build events_rest_id_idx on events_rest",
        ],
    ),
    (
        "drop index orders_note",
        [f"orders ACCESS EXCLUSIVE {RW}", f"orders_note ACCESS EXCLUSIVE {RW}"],
    ),
    # Its own lock on the table blocks only writes: readers wait for the index.
    (
        "reindex index orders_note",
        [
            f"orders_note ACCESS EXCLUSIVE {RW}",
            f"orders SHARE {W}",
            "scan orders",
            "build orders_note on orders",
        ],
    ),
    # PostgreSQL says nothing of this scan at debug1.
    ("alter domain positive add check (value < 99)", [f"orders SHARE {W}", "scan orders"]),
    # Nobody can read the parent while its DEFAULT partition is locked.
    (
        (
            "alter table events attach partition events_2021"
            " for values from ('2021-01-01') to ('2022-01-01')"
        ),
        [
            f"events_2021 ACCESS EXCLUSIVE {RW}",
            f"events_rest ACCESS EXCLUSIVE {RW}",
            f"events SHARE UPDATE EXCLUSIVE {RW}",
            "scan events_2021",
            "scan events_rest",
        ],
    ),
    ("truncate events_2020", [f"events_2020 ACCESS EXCLUSIVE {RW}"]),
    ("truncate orders", ALL_OF_ORDERS),
    ("do $$ begin truncate orders; end $$", ALL_OF_ORDERS),
    (
        "drop table events_2020",
        [
            f"events ACCESS EXCLUSIVE {RW}",
            f"events_2020 ACCESS EXCLUSIVE {RW}",
            f"events_rest ACCESS EXCLUSIVE {RW}",
        ],
    ),
    ("drop view names", [f"names ACCESS EXCLUSIVE {RW}"]),
    ("alter sequence numbers restart", [f"numbers SHARE ROW EXCLUSIVE {W}"]),
    (
        "refresh materialized view notes",
        [
            "notes ACCESS EXCLUSIVE blocks reads",
            "notes_note ACCESS EXCLUSIVE blocks reads",
            "orders ACCESS SHARE",
            "rewrite notes",
            "scan notes",
            "scan orders",
            "build notes_note on notes",
        ],
    ),
    (
        "refresh materialized view notes with no data",
        ["notes ACCESS EXCLUSIVE blocks reads", "notes_note ACCESS EXCLUSIVE blocks reads"],
    ),
    (
        "refresh materialized view concurrently notes",
        [
            "notes EXCLUSIVE",
            "notes_note ROW EXCLUSIVE",
            "orders ACCESS SHARE",
            "scan notes",
            "scan orders",
        ],
    ),
    ("lock table orders in share mode", [f"orders SHARE {W}"]),
    ("select touch()", ["orders SHARE UPDATE EXCLUSIVE"]),
    (
        "do $$ begin execute 'alter table orders drop column amount'; end $$",
        [f"orders ACCESS EXCLUSIVE {RW}"],
    ),
    (
        (
            "create trigger t after insert on orders for each row"
            " execute function suppress_redundant_updates_trigger()"
        ),
        [f"orders SHARE ROW EXCLUSIVE {W}"],
    ),
    # An index serves it, on production as well.
    (
        "update orders set note = 'x' where id = 1",
        ["orders ROW EXCLUSIVE", "orders_note ROW EXCLUSIVE", "orders_pkey ROW EXCLUSIVE"],
    ),
    (
        "update orders set note = 'x'",
        [
            "orders ROW EXCLUSIVE",
            "orders_note ROW EXCLUSIVE",
            "orders_pkey ROW EXCLUSIVE",
            "scan orders",
        ],
    ),
    (
        "cluster orders using orders_note",
        [
            *ALL_OF_ORDERS,
            "rewrite orders",
            "scan orders",
            "build orders_pkey on orders",
            "build orders_note on orders",
        ],
    ),
    ("create temp table t as select 1 as a", []),
    ("create table new (id int primary key); alter table new add column x int", []),
    (
        "alter table orders add column id int",
        ['error column "id" of relation "orders" already exists'],
    ),
]


def told(seen: Iterable[ObservedStatement]) -> list[str]:
    """Without the locks of the planner on indexes that a reader takes."""
    passing = (
        "orders_note ACCESS SHARE",
        "orders_pkey ACCESS SHARE",
        "customers_pkey ACCESS SHARE",
    )
    return [line for one in seen for line in lines(one) if line not in passing]


@pytest.mark.parametrize(("sql", "expected"), CASES)
def test_a_statement_is_told_as_postgresql_does_it(tracer: Tracer, sql, expected):
    prepare(tracer, SCHEMA)
    assert told(tracer.trace(migration(sql)).statements) == expected


READS = [
    # Nothing but all rows of a table serves these, whatever index would give them in order.
    # The server looks at the other side of a join only where one has rows.
    ("update orders o set note = c.name from customers c where c.id = o.id", {"customers"}),
    ("create table counted as select id, count(*) from orders group by id", {"orders"}),
    ("create table ordered as select * from orders order by id", {"orders"}),
    ("select distinct note from orders", {"orders"}),
    ("select row_number() over (order by note) from orders", {"orders"}),
    (
        """do $$ declare r record; begin
for r in select id from orders order by id loop null; end loop; end $$""",
        {"orders"},
    ),
    ("delete from orders where customer_id = 3", {"orders"}),
    # An index serves these.
    ("select * from orders where id = 5", set()),
    ("select max(id) from orders", set()),
    ("select * from orders where note = 'x' order by id", set()),
    ("update orders set amount = 1 where id > 7", set()),
    ("delete from orders where id in (1, 2, 3)", set()),
    ("update orders set amount = 1 where id in (select id from orders where note = 'x')", set()),
    ("insert into orders (id) values (1) on conflict (id) do update set note = 'x'", set()),
    ("delete from orders where customer_id = 3 and id = 1", set()),
    ("update seeded set b = 2 where a = 3", set()),
    ("delete from seeded where b < 100", set()),
]
SEEDED = """
create table seeded (a int, b int); insert into seeded values (1, 1), (2, 2), (3, 3);
alter table seeded add primary key (a); create index on seeded (b);
"""
"""A few rows that the server has counted, as building an index does."""


def reads(tracer: Tracer) -> list[tuple[str, set[str]]]:
    """What was read as a whole by each of them."""
    prepare(tracer, SCHEMA + SEEDED)
    parts: list[str | tuple[str, Transaction]] = [(sql, "statement") for sql, _ in READS]
    return [(one.sql, set(one.scans)) for one in tracer.trace(migration(*parts)).statements]


def test_what_no_index_serves_reads_all_of_a_table(tracer: Tracer):
    assert reads(tracer) == READS


NOTES = [
    ("truncate orders", "orders got a new, empty file"),
    ("truncate events_2020", "reads and writes of events wait for the lock on events_2020"),
    (
        (
            "alter table events attach partition events_2021"
            " for values from ('2021-01-01') to ('2022-01-01')"
        ),
        "reads and writes of events wait for the lock on events_rest",
    ),
    (
        "refresh materialized view notes with no data",
        "notes got a new, empty file: it cannot be read until it is refreshed",
    ),
    ("do $$ begin truncate orders; end $$", "orders got a new file: by TRUNCATE, or by CLUSTER"),
]


@pytest.mark.parametrize(("sql", "note"), NOTES)
def test_what_is_unlike_the_usual_is_said(tracer: Tracer, sql, note):
    prepare(tracer, SCHEMA)
    (seen,) = tracer.trace(migration(sql)).statements
    assert note in seen.notes


def test_work_is_measured(tracer: Tracer):
    prepare(tracer, f"{SCHEMA} insert into orders (id) select generate_series(1, 1000);")
    small, large, read = tracer.trace(
        migration(
            "update orders set note = 'x' where id = 1; update orders set note = 'y';"
            "select id from orders where id < 11"
        )
    ).statements
    assert (small.rows, large.rows, read.rows) == (1, 1000, 10)
    assert 0 < (small.wal_bytes or 0) < (large.wal_bytes or 0)
    assert small.duration_ms is not None and small.duration_ms > 0


def test_without_probing_nothing_is_said_to_wait_that_the_lock_does_not_block(database_url):
    with Tracer(database_url, Settings(probe=False)) as tracer:
        prepare(tracer, SCHEMA)
        (seen,) = tracer.trace(migration("alter table orders add column x int")).statements
    assert lines(seen) == [f"orders ACCESS EXCLUSIVE {RW}"]


HARD_TO_TRY = [
    ("alter table told add column x int", [f"told ACCESS EXCLUSIVE {RW}"]),
    (
        "create or replace view both_of as select t.id from told t, other o where t.id = o.id",
        [f"both_of ACCESS EXCLUSIVE {RW}", "other ACCESS SHARE", "told ACCESS SHARE"],
    ),
    ("alter view sums rename to totals", [f"sums ACCESS EXCLUSIVE {RW}"]),
    ("drop sequence numbers", [f"numbers ACCESS EXCLUSIVE {RW}"]),
    ("lock table guarded in share mode", [f"guarded SHARE {W}"]),
]


@pytest.mark.parametrize(("sql", "expected"), HARD_TO_TRY)
def test_what_cannot_be_written_for_another_reason_is_tried_all_the_same(
    tracer: Tracer, sql, expected
):
    prepare(
        tracer,
        """create table told (id int); create table other (id int); create table guarded (id int);
create publication published for table told;
create view both_of as select t.id from told t join other o on o.id = t.id;
create view sums as select count(*) from told; create sequence numbers;
create rule no as on delete to guarded where old.id > 1 do instead nothing;""",
    )
    (seen,) = tracer.trace(migration(sql)).statements
    assert lines(seen) == expected
    assert seen.notes == ()
    assert tracer.apply(migration("drop publication published")) is None


def test_trying_a_sequence_takes_no_number(tracer: Tracer):
    prepare(tracer, "create sequence numbers;")
    text = "alter sequence numbers cache 5; select 1 / (nextval('numbers') = 1)::int"
    assert tracer.trace(migration(text, transaction="statement")).failed is None


def test_only_what_was_there_before_the_migration_counts(tracer: Tracer):
    prepare(tracer, "create table old (id int);")
    made = migration("create table new (id int); alter table new add column x int")
    assert [lines(one) for one in tracer.trace(made).statements] == [[], []]
    changed = migration("alter table new add column y int")
    (seen,) = tracer.trace(changed).statements
    assert lines(seen) == [f"new ACCESS EXCLUSIVE {RW}"]


def test_of_migrations_that_ship_together_what_the_first_made_is_nobodys_yet(database_url):
    with Tracer(database_url, Settings(together=True)) as tracer:
        prepare(tracer, "create table old (id int);")
        tracer.trace(migration("create table new (id int)"))
        seen = tracer.trace(
            migration("alter table new add column x int; alter table old add column x int")
        ).statements
    assert [lines(one) for one in seen] == [[], [f"old ACCESS EXCLUSIVE {RW}"]]


def test_a_renamed_table_has_the_name_that_the_statement_knows(tracer: Tracer):
    prepare(tracer, "create table a (id int);")
    sql = "alter table a rename to b; alter table b alter id set statistics 1; drop table b"
    labels = [
        [lock.relation for lock in one.locks]
        for one in tracer.trace(migration(sql, transaction="statement")).statements
    ]
    assert labels == [["a"], ["b"], ["b"]]


HOSTILE = [
    "Orders",
    "a b",
    'say "hi"',
    "it's; drop table x; --",
    "schema.table",
    "größe_表",
    "select",
    "%s {0} $1",
    "back\\slash",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_taken(tracer: Tracer, name: str):
    quoted = '"' + name.replace('"', '""') + '"'
    index_name = f'{quoted[:-1]} i"'
    other = f'{quoted}."{"x" * 63}"'
    prepare(
        tracer,
        f"drop schema if exists {quoted} cascade; create schema {quoted}; "
        f"create table {quoted} (id int primary key, {quoted} int); create table {other} (id int);",
    )
    sql = (
        f"create index {index_name} on {quoted} ({quoted});"
        f"alter table {other} add constraint {quoted} check (id > 0);"
        f"alter table {quoted} add constraint {quoted} foreign key ({quoted}) references {quoted}"
    )
    index, check, key = tracer.trace(migration(sql)).statements
    assert index.error is None
    assert (index.locks[0].relation, index.locks[0].blocks) == (quoted, ("writes",))
    assert [build.index for build in index.index_builds] == [index_name]
    assert check.locks[0].relation == f"{quoted}.{'x' * 63}"
    assert check.scans == (f"{quoted}.{'x' * 63}",)
    assert key.scans == (quoted,)
    tracer.apply(migration(f"drop schema {quoted} cascade"))
