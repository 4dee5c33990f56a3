"""Volatility of functions: what the server says of its own, and of those that migrations make."""

from importlib import resources

import psycopg
import pytest

from senior_backend.catalog.functions import volatility
from senior_backend.catalog.model import Catalog
from senior_backend.operations.names import Name
from senior_backend.postgres import Databases
from tests.catalog.truth import replayed

# The table in ``pg_catalog_functions.txt`` is the answer to this query on PostgreSQL 18: of a name
# with several functions the most volatile counts; what SQL cannot call is left out.
QUERY = """
select (array['immutable', 'stable', 'volatile'])[max(strpos('isv', provolatile::text))],
       proname::text
from pg_proc
where pronamespace = 'pg_catalog'::regnamespace and prokind in ('f', 'w')
  and 2281 <> all (proargtypes) and prorettype not in (
    select oid from pg_type where typname ~ '(internal|handler|trigger)$')
group by proname order by 1, 2
"""


def test_the_table_is_that_of_the_server(postgres_server: Databases) -> None:
    url = postgres_server.create_database()
    with psycopg.connect(url) as connection:
        rows = connection.execute(QUERY).fetchall()  # type: ignore[call-overload]
        major = connection.info.server_version // 10_000
    postgres_server.drop_database(url)
    table = resources.files("senior_backend.catalog") / "pg_catalog_functions.txt"
    written = [line.split() for line in table.read_text("utf-8").splitlines() if line[:1] != "#"]
    known = {(words[0], name) for words in written if words for name in words[1:]}
    server = {(kind, name) for kind, name in rows}
    if major == 18:
        assert known == server
    else:  # a volatile function of an older server must not pass for a steady one
        steady = {name for kind, name in known if kind != "volatile"}
        assert not steady & {name for kind, name in server if kind == "volatile"}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("now", "stable"),
        ("current_timestamp", "stable"),
        ("statement_timestamp", "stable"),
        ("clock_timestamp", "volatile"),
        ("random", "volatile"),
        ("gen_random_uuid", "volatile"),
        ("uuidv7", "volatile"),
        ("nextval", "volatile"),
        ("lower", "immutable"),
        ("uuid_generate_v4", "volatile"),
        ("extensions.uuid_generate_v4", "volatile"),
        ("gen_random_bytes", "volatile"),
        ("uuid_generate_v5", "immutable"),
        ("auth.uid", "stable"),
        ("made_up", None),
        ("app.now", None),
    ],
)
def test_volatility_of_functions_nobody_created(function: str, expected: str | None) -> None:
    schema, _, name = function.rpartition(".")
    assert volatility(Catalog(), Name(schema or None, name)) == expected


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("language plpgsql as 'begin return 1; end'", "volatile"),
        ("language plpgsql stable as 'begin return 1; end'", "stable"),
        ("language sql immutable as 'select 1'", "immutable"),
        # Its body may be inlined: then it is as volatile as what that calls.
        ("language sql as 'select 1'", None),
    ],
)
def test_volatility_of_functions_that_migrations_create(
    definition: str, expected: str | None
) -> None:
    catalog = replayed(f"create function f() returns int {definition}")
    assert volatility(catalog, Name(None, "f")) == expected
    assert volatility(catalog, Name("public", "f")) == expected
