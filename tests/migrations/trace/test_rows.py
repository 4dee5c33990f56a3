"""Tables are filled with rows that satisfy what the schema asks, or it is said why not."""

from collections.abc import Iterator

import pytest

from senior_backend.migrations.trace.sizes.rows import fill
from senior_backend.postgres import Databases, Session, start
from senior_backend.postgres.address import as_url
from tests.migrations.trace.schemas_to_fill import HARD, Hard

ROLE = "senior_backend_filler"

SLOW = ("partitions by list, of range, of hash",)


@pytest.fixture(scope="module")
def shared_url(postgres_server: Databases) -> Iterator[str]:
    """One database for all of them: making one takes longer than filling it."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def url(shared_url: str) -> Iterator[str]:
    """An empty database."""
    yield shared_url
    with Session(shared_url) as session:
        schemas = session.execute(
            "select quote_ident(nspname) from pg_namespace "
            "where nspname !~ '^pg_' and nspname <> 'information_schema'"
        )
        for (schema,) in schemas:
            session.execute(f"drop schema {schema} cascade")
        session.execute("create schema public; grant usage on schema public to public")


@pytest.mark.parametrize(
    "hard",
    [
        pytest.param(hard, marks=pytest.mark.verify if hard.name in SLOW else [], id=hard.name)
        for hard in HARD
    ],
)
def test_hard_schemas_are_filled_or_it_is_said_why_not(hard: Hard, url: str) -> None:
    with Session(url) as session:
        session.execute(hard.sql)
        filled = fill(url, {hard.table: hard.rows})
        ((there,),) = session.execute(f"select count(*) from {hard.table}")
    assert filled[hard.table] == there
    reason = filled.unfilled.get(hard.table, "")
    if hard.says or hard.least:
        assert there >= hard.least
        assert hard.says in reason
        assert (there < hard.rows) == bool(reason)
    else:
        assert (there, reason) == (hard.rows, "")


def test_foreign_keys_hold_although_the_server_was_told_not_to_look(url: str) -> None:
    with Session(url) as session:
        for hard in HARD:
            if (
                "reference" not in hard.name
                and "tree" not in hard.name
                and "cycle" not in hard.name
            ):
                continue
            session.execute("drop schema public cascade; create schema public")
            session.execute("drop schema if exists other cascade")
            session.execute(hard.sql)
            fill(url, {hard.table: 50})
            # Each is made anew as NOT VALID, and validated: that reads every row.
            for name, table, definition in session.execute(
                "select conname::text, conrelid::regclass::text, pg_get_constraintdef(oid) "
                "from pg_constraint where contype = 'f' and conparentid = 0"
            ):
                session.execute(
                    f"alter table {table} drop constraint {name}; "
                    f"alter table {table} add constraint {name} {definition}"
                )


def test_the_rows_are_the_same_every_time(url: str) -> None:
    dumps = []
    for _ in range(2):
        with Session(url) as session:
            session.execute("drop schema public cascade; create schema public")
            session.execute(
                "create table p (id uuid primary key, at timestamptz);"
                "create table t (id int primary key, p uuid not null references p, n numeric, "
                "s text)"
            )
            fill(url, {"t": 500})
            dumps.append(session.execute("select * from t join p on p.id = t.p order by t.id"))
    assert dumps[0] == dumps[1]
    assert len(dumps[0]) == 500


def test_nullable_columns_have_some_nulls_and_several_values(url: str) -> None:
    with Session(url) as session:
        session.execute("create table p (id int primary key)")
        session.execute(
            "create table t (id int primary key, n int, s varchar(20), p int references p)"
        )
        fill(url, {"t": 1000})
        ((*shares,),) = session.execute(
            "select count(n), count(s), count(p), count(distinct n), count(distinct s), "
            "count(distinct p) from t"
        )
    assert all(800 < n < 1000 for n in shares[:3])
    assert all(n >= 80 for n in shares[3:])


def test_filling_again_adds_what_is_missing_and_sequences_go_on(url: str) -> None:
    with Session(url) as session:
        session.execute(
            "create table t (id bigint generated always as identity primary key, s text unique)"
        )
        assert fill(url, {"t": 30})["t"] == 30
        assert fill(url, {"t": 30})["t"] == 30
        assert fill(url, {"t": 45})["t"] == 45
        ((new,),) = session.execute("insert into t (s) values ('mine') returning id")
    assert new > 45


def test_parents_get_rows_of_their_own_number_if_it_was_given(url: str) -> None:
    with Session(url) as session:
        session.execute(
            "create table p (id int primary key);"
            "create table t (id int primary key, p int not null references p)"
        )
    assert dict(fill(url, {"t": 1000, "p": 7})) == {"t": 1000, "p": 7}


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("nothing", "no such table"),
        ("v", "a view"),
        ("mv", "a materialized view"),
        ("a b c", "no such table"),
        ("'; drop table t; --", "no such table"),
        ("twice", "several schemas"),
        ("", ""),
    ],
)
def test_what_is_no_table_is_said(table: str, reason: str, url: str) -> None:
    with Session(url) as session:
        session.execute(
            "create table t (id int); create view v as select * from t;"
            "create materialized view mv as select * from t;"
            "create schema a; create schema b; create table a.twice (); create table b.twice ()"
        )
    filled = fill(url, {table: 10})
    assert dict(filled) == {}
    assert reason in filled.unfilled[table]


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
def test_the_oldest_major_is_filled_as_well() -> None:
    with start(pg=14) as server:
        address = server.create_database()
        for hard in HARD:
            with Session(address) as session:
                session.execute('drop schema if exists public, other, "My App" cascade')
                session.execute("create schema public")
                if "nulls not distinct" in hard.sql:
                    continue
                session.execute(hard.sql)
            filled = fill(address, {hard.table: hard.rows})
            expected = hard.least if hard.says or hard.least else hard.rows
            assert filled[hard.table] >= expected, (hard.name, filled.unfilled)


AFTER = [
    ("alter table t alter column s set not null", "s is null"),
    ("create unique index on t (n)", "n in (select n from t group by n having count(*) > 1)"),
    ("alter table t add check (n < 50)", "n >= 50"),
    ("alter table t alter column s type uuid using s::uuid", "length(s) not in (32, 36)"),
    ("alter table t alter column s type varchar(8)", "length(s) > 8"),
    ("alter table t add foreign key (n) references p", "n not in (select id from p)"),
    ("alter table t drop column s; alter table t add column x int not null default 1", "false"),
]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        pytest.param(*case, marks=[] if number < 2 else pytest.mark.verify, id=case[0])
        for number, case in enumerate(AFTER)
    ],
)
def test_rows_suit_the_migration_that_is_to_run_on_them(
    change: str, wrong: str, url: str, postgres_server: Databases
) -> None:
    schema = (
        "create table p (id int primary key); insert into p values (3), (5);"
        "create table t (id int primary key, n int, s text)"
    )
    later = postgres_server.create_database()
    try:
        with Session(later) as session:
            session.execute(schema)
            session.execute(change)
        with Session(url) as session:
            session.execute(schema)
            filled = fill(url, {"t": 200}, after=later)
            ((bad,),) = session.execute(f"select count(*) from t where {wrong}")
            session.execute(change)
    finally:
        postgres_server.drop_database(later)
    assert (filled["t"], bad) == (200, 0)


NO_SUPERUSER = """
create table tenants (id int primary key, name text not null unique);
create table log (at timestamptz, what text);
create function audit() returns trigger language plpgsql as
    'begin insert into log values (now(), ''x''); return new; end';
create table t (
    id int primary key, tenant int not null references tenants, parent int references t);
create trigger audit after insert on t for each row execute function audit();
create trigger off after insert on t for each row execute function audit();
alter table t disable trigger off
"""


def test_a_role_with_few_rights_fills_its_tables_and_leaves_its_triggers_as_they_were(
    url: str,
) -> None:
    with Session(url) as session:
        session.execute(f"drop role if exists {ROLE}; create role {ROLE} login password 'x'")
        session.execute(f"grant create, usage on schema public to {ROLE}; set role {ROLE}")
        session.execute(NO_SUPERUSER)
        session.execute("reset role")
        try:
            address = as_url(url)
            theirs = address.replace(address.split("//")[1].split("@")[0], f"{ROLE}:x", 1)
            filled = fill(theirs, {"t": 100})
            ((logged,),) = session.execute("select count(*) from log")
            triggers = dict(
                session.execute(
                    "select tgname::text, tgenabled::text from pg_trigger where not tgisinternal"
                )
            )
        finally:
            session.execute(f"drop owned by {ROLE}; drop role {ROLE}")
    assert (filled["t"], dict(filled.unfilled)) == (100, {})
    assert logged == 0
    assert triggers == {"audit": "O", "off": "D"}
