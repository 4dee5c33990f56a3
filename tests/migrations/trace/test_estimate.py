"""From measured times to estimates: the arithmetic alone, then on a server."""

import json
from collections.abc import Callable
from itertools import pairwise
from math import log2
from pathlib import Path

import jsonschema
import pytest

from senior_backend.migrations.sizes import plain
from senior_backend.migrations.trace import flow
from senior_backend.migrations.trace.observed import Estimate, ObservedStatement, Trace
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.migrations.trace.sizes.estimate import estimate
from senior_backend.migrations.trace.sizes.growth import Growth, Point, Span, projected
from senior_backend.migrations.trace.sizes.statistics import Size
from senior_backend.postgres import Databases, ExistingServer, Server
from tests.migrations.apply import folder
from tests.migrations.conftest import Files, Repository

N: Growth = "n"
NLOGN: Growth = "n·log n"
SIZES = (20_000, 50_000, 100_000)


def timed(law: "object", rounds: tuple[float, ...] = (1.0,)) -> list[Point]:
    """What a statement takes that follows a law, each round so many times longer."""
    assert callable(law)
    return [Point(n, law(n) * r) for n in SIZES for r in rounds]


@pytest.mark.parametrize(
    ("law", "growth"),
    [
        (lambda n: n * 1e-6, N),
        (lambda n: 0.005 + n * 1e-6, N),
        (lambda n: n * log2(n) * 1e-8, NLOGN),
        (lambda n: 0.02 + n * log2(n) * 1e-8, NLOGN),
    ],
)
@pytest.mark.parametrize("rows", [100_001, 1_000_000, 50_000_000, 2_000_000_000])
def test_what_follows_the_law_is_carried_on_exactly(
    law: "object", growth: Growth, rows: int
) -> None:
    assert callable(law)
    span = projected(timed(law, (1.0, 1.2)), rows, growth)
    assert span.seconds == pytest.approx(law(rows))
    assert span.low <= span.seconds <= span.high


@pytest.mark.parametrize("growth", [N, NLOGN])
@pytest.mark.parametrize(
    "points",
    [
        timed(lambda n: n * 1e-6),
        timed(lambda n: 0.01 - n * 1e-8),
        timed(lambda n: 0.0),
        timed(lambda n: n * 1e-6, (1.0, 5.0)),
        [Point(20_000, 0.3), Point(50_000, 0.1), Point(100_000, 0.2)],
        [Point(100_000, 0.1)],
        [Point(0, 0.001)],
        [Point(20_000, 0.01), Point(30_000, 0.02)],
    ],
)
def test_more_rows_never_take_less_and_nothing_is_negative(
    points: list[Point], growth: Growth
) -> None:
    spans = [projected(points, n, growth) for n in (1, 10_000, 60_000, 200_000, 10**7, 10**9)]
    for less, more in pairwise(spans):
        assert 0 <= less.low <= less.seconds <= less.high
        assert (less.seconds, less.high) <= (more.seconds, more.high)


def test_the_spread_of_repetitions_widens_only_the_slow_end() -> None:
    calm = projected(timed(lambda n: n * 1e-6), 10**7, N)
    noisy = projected(timed(lambda n: n * 1e-6, (1.0, 3.0)), 10**7, N)
    assert calm == pytest.approx(Span(10.0, 10.0, 10.0)) or calm.seconds == pytest.approx(10.0)
    assert noisy.seconds == pytest.approx(calm.seconds)
    assert noisy.high == pytest.approx(3 * calm.high, rel=0.01)


@pytest.mark.parametrize(
    ("high", "expected"),
    [(0.4, "info"), (0.99, "info"), (1, "warning"), (9, "warning"), (10, "error")],
)
def test_the_slow_end_decides_how_bad_it_is(high: float, expected: str) -> None:
    assert Estimate("t", 1, 0.1, 0.01, high, "").severity == expected


SCHEMA = """
create table customers (id bigint primary key, email text);
create table "Big" (id bigint primary key);
create table orders (id bigint primary key, customer_id bigint, total numeric(12,2), note text);
create table events (id bigint, at date) partition by range (at);
create table events_1 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_2 partition of events for values from ('2025-01-01') to ('2026-01-01');
"""
CHANGE = """
alter table orders add column shipped date;
create unique index on orders (note);
alter table orders alter column total type numeric(14,4);
alter table orders alter column note set not null;
alter table orders add foreign key (customer_id) references customers;
create index on events (at);
create index on events_1 (id);
alter table "Big" add check (id > 0);
alter table customers add column n int;
"""


@pytest.fixture
def scratch(postgres_server: Databases) -> Scratch:
    assert isinstance(postgres_server, Server | ExistingServer)
    return Scratch(postgres_server)


def traced(scratch: Scratch, root: Path, change: str, sizes: dict[str, Size]) -> Trace:
    for name, sql in (("V1__a.sql", SCHEMA), ("V2__b.sql", change)):
        (root / name).write_text(sql)
    migrations = folder(root)
    seen = flow.trace(migrations, [migrations.migrations[1].path], scratch, Settings())
    return estimate(seen, migrations, scratch, sizes, Settings(), steps=(2_000, 6_000))


def by_sql(trace: Trace) -> dict[str, ObservedStatement]:
    return {one.sql.strip().rstrip(";"): one for one in trace.migrations[0].statements}


@pytest.mark.verify
def test_statements_that_block_are_estimated_until_their_transaction_ends(
    scratch: Scratch, tmp_path: Path
) -> None:
    sizes = {
        "orders": Size(50_000_000, 8_000_000_000),
        "events": Size(4_000_000),
        "Big": Size(70_000),
    }
    trace = traced(scratch, tmp_path, CHANGE, sizes)
    assert not any(one.error for one in trace.migrations[0].statements)
    found = by_sql(trace)
    first = found["alter table orders add column shipped date"].estimates
    assert [(one.relation, one.rows) for one in first] == [("orders", 50_000_000)]
    # It does nothing to the rows itself, but holds its lock while all the others work.
    later = found["alter table orders add foreign key (customer_id) references customers"]
    assert first[0].seconds > max(one.seconds for one in later.estimates) > 0
    assert "until COMMIT, with lines 3, 4, 5, 6 and 3 more;" in first[0].basis
    assert "from 2k and 6k rows here" in first[0].basis
    assert "rows of 160 bytes there" in first[0].basis
    assert {one.relation for one in later.estimates} == {"customers"} | {
        one.relation for one in later.estimates
    }
    parts = found["create index on events (at)"].estimates
    assert [(one.relation, one.rows) for one in parts] == [("events", 4_000_000)]
    big = found['alter table "Big" add check (id > 0)'].estimates
    assert [(one.relation, one.rows) for one in big] == [('"Big"', 70_000)]
    assert found["alter table customers add column n int"].estimates == ()
    assert all(
        0 < one.low <= one.seconds <= one.high
        for statement in trace.migrations[0].statements
        for one in statement.estimates
    )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("orders", "orders"),
        ("public.orders", "orders"),
        ("app.orders", "app.orders"),
        ('"Post"', "Post"),
        ('app."Order Items"', "app.Order Items"),
        ('"a.b"."c""d"', 'a.b.c"d'),
        ("public", "public"),
    ],
)
def test_names_are_compared_as_they_are_and_not_as_they_are_quoted(written: str, name: str) -> None:
    assert plain(written) == name


def test_a_size_of_a_table_that_is_nowhere_is_said(
    repository: Callable[[Files], Repository], postgres_server: Databases
) -> None:
    made = repository(
        {
            "db/V1__a.sql": "create table a (id int); create table going (id int);",
            "db/V2__b.sql": "drop table going; create schema app; create table app.new (id int);",
        }
    )
    names = ("a", "public.a", '"a"', "going", "new", "app.new", "A", "app.a", "nope")
    rows = [f"--rows={name}=5M" for name in names]
    run = made.run("trace", "db/V2__b.sql", "--server", postgres_server.url(), *rows)
    said = [line for line in run.out.splitlines() if "--rows" in line]
    assert said == [f"Note: --rows: there is no table {name}" for name in ("A", "app.a", "nope")]


@pytest.mark.verify
def test_the_command_takes_sizes_from_a_file_and_options_over_it(
    repository: Callable[[Files], Repository],
) -> None:
    made = repository(
        {
            "db/V1__a.sql": SCHEMA,
            "db/V2__b.sql": "alter table orders alter column note set not null;",
            "sizes.json": json.dumps(
                {
                    "version": 1,
                    "tables": {"orders": {"rows": 5, "bytes": 8192}},
                    "never_analyzed": [],
                }
            ),
        }
    )
    arguments = ("trace", "db/V2__b.sql", "--from", "sizes.json", "--rows", "orders=50M")
    run = made.run(*arguments, "--format", "json")
    (statement,) = run.document["migrations"][0]["statements"]
    (estimate,) = statement["estimates"]
    assert (estimate["relation"], estimate["rows"]) == ("orders", 50_000_000)
    assert estimate["severity"] == "error"
    assert 0 < estimate["low"] <= estimate["seconds"] <= estimate["high"]
    schema = json.loads(Path("hooks/senior_backend/schemas/trace.json").read_text())
    jsonschema.validate(run.document, schema)


@pytest.mark.verify
@pytest.mark.parametrize(
    ("change", "sizes"),
    [
        ("create index on orders (note);", {}),
        ("create index on orders (note);", {"customers": Size(10**8)}),
        ("create index on orders (note);", {"orders": Size(9_000)}),
        ("alter table orders add column n int;", {"orders": Size(10**8)}),
        ("create table new (id int); create index on new (id);", {"new": Size(10**8)}),
        ("select count(*) from orders;", {"orders": Size(10**8)}),
    ],
)
def test_where_nobody_waits_for_long_nothing_is_estimated(
    change: str, sizes: dict[str, Size], scratch: Scratch, tmp_path: Path
) -> None:
    trace = traced(scratch, tmp_path, change, sizes)
    assert not any(one.estimates for one in trace.migrations[0].statements)


def test_a_table_smaller_than_what_is_measured_is_measured_as_it_is(
    scratch: Scratch, tmp_path: Path
) -> None:
    trace = traced(scratch, tmp_path, "create index on orders (note);", {"orders": Size(10_500)})
    ((one,),) = (s.estimates for s in trace.migrations[0].statements)
    assert one.rows == 10_500
    assert 0 < one.low <= one.seconds <= one.high
