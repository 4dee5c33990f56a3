"""Sizes of tables in the linter: what they change of a finding, and where they come from."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from senior_backend.migrations import durations
from senior_backend.postgres import Session
from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLES = """\
create table customers (id bigint primary key);
create table orders (id bigint primary key, customer_id bigint, note text, total numeric(12,2));
create index orders_note on orders (note);
create index orders_customer on orders (customer_id);
"""
TIMEOUT = "set lock_timeout = '2s';\n"
INDEX = "create index on orders (total);"
NOT_NULL = "alter table orders alter column note set not null;"
REWRITE = "alter table orders alter column total type numeric(14,4);"
REFERENCE = "alter table orders add foreign key (customer_id) references customers;"
DROP = "drop table orders;"


def finding(made: Repository, rule: str, *arguments: str) -> dict[str, object]:
    found = [f for f in made.lint("db", *arguments).document["findings"] if f["rule"] == rule]
    assert len(found) == 1, made.lint("db").document["findings"]
    one: dict[str, object] = found[0]
    return one


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        (INDEX, "index-not-concurrent"),
        (NOT_NULL, "set-not-null-scan"),
        (REWRITE, "column-type-rewrite"),
        (REFERENCE, "fk-without-not-valid"),
    ],
)
@pytest.mark.parametrize(
    ("rows", "class_", "severity", "says"),
    [
        # Nothing told: the worst is assumed. Few rows: nobody notices.
        (None, "gate", "error", False),
        ("0", "hygiene", "info", False),
        ("10k", "hygiene", "info", False),
        # Brief at its slow end: less severe, but it fails the run all the same.
        ("10001", "gate", "warning", True),
        ("20k", "gate", "warning", True),
        ("50M", "gate", "error", True),
        ("900000B", "gate", "error", True),
    ],
)
def test_the_size_of_a_table_decides_how_bad_a_blocking_lock_is(
    sql: str, rule: str, rows: str | None, class_: str, severity: str, says: bool, repository: Make
) -> None:
    made = repository({"db/1.sql": TABLES, "db/2.sql": TIMEOUT + sql})
    told = ("--rows", f"orders={rows}") if rows is not None else ()
    found = finding(made, rule, *told)
    assert (found["class"], found["severity"]) == (class_, severity)
    assert ("An estimated " in str(found["message"])) == says
    details = found["details"]
    assert isinstance(details, dict)
    assert ("estimates" in details) == says


def test_an_estimate_says_from_what_it_was_worked_out(repository: Make) -> None:
    made = repository({"db/1.sql": TABLES, "db/2.sql": TIMEOUT + REWRITE})
    found = finding(made, "column-type-rewrite", "--rows", "orders=50M")
    details = found["details"]
    assert isinstance(details, dict)
    (estimate,) = details["estimates"]
    assert (estimate["relation"], estimate["rows"]) == ("orders", 50_000_000)
    assert 0 < estimate["low"] < estimate["seconds"] < estimate["high"]
    # Its primary key and two indexes are built anew.
    assert "50 M rows, rewrite at " in str(found["message"])
    assert "3 index builds at " in str(found["message"])
    assert "docs/benchmarks/lock_durations.md" in str(found["message"])


@pytest.mark.parametrize("sql", [INDEX, NOT_NULL, REWRITE, REFERENCE])
def test_estimates_grow_with_the_table(sql: str, repository: Make) -> None:
    made = repository({"db/1.sql": TABLES, "db/2.sql": TIMEOUT + sql})
    before = 0.0
    for rows in ("11k", "1M", "2M", "3B"):
        estimates = [
            estimate["seconds"]
            for found in made.lint("db", "--rows", f"orders={rows}").document["findings"]
            for estimate in found["details"].get("estimates", ())
        ]
        assert min(estimates) > before
        before = max(estimates)


def test_what_does_not_block_in_proportion_is_not_estimated(repository: Make) -> None:
    made = repository({"db/1.sql": TABLES, "db/2.sql": DROP})
    run = made.lint("db", "--rows", "orders=50M")
    assert run.document["findings"]
    assert "An estimated" not in run.out


def test_the_rates_are_measured_ones_and_say_on_what() -> None:
    known = durations.rates()
    assert set(known) == {"scan", "rewrite", "index build", "foreign key check"}
    for rate in known.values():
        assert 0 < rate.least <= rate.seconds <= rate.most
    page = Path(durations.PAGE).read_text(encoding="utf-8")
    document = json.loads(Path("hooks/senior_backend/migrations/durations.json").read_text())
    assert f"PostgreSQL {document['postgres']}" in page
    assert document["date"] in page
    assert all(f"{rows:,}" in page for rows in document["rows"])


def test_sizes_come_from_a_server_or_a_file_and_options_win(
    repository: Make, database_url: str
) -> None:
    with Session(database_url) as session:
        session.execute(TABLES)
        session.execute("insert into orders select i from generate_series(1, 20000) i; analyze")
    made = repository(
        {
            "db/1.sql": TABLES,
            "db/2.sql": TIMEOUT + INDEX,
            "senior-backend.toml": "[migrations]\nrows = {orders = 5}\n",
            "sizes.json": json.dumps(
                {
                    "version": 1,
                    "tables": {"orders": {"rows": 10**9, "bytes": 10**12}},
                    "never_analyzed": [],
                }
            ),
        }
    )
    rule = "index-not-concurrent"

    def severity(*arguments: str) -> object:
        return finding(made, rule, *arguments)["severity"]

    assert severity() == "info"
    assert severity("--from", database_url) == "warning"
    assert severity("--from", database_url, "--rows", "orders=1B") == "error"
    assert severity("--from", "sizes.json") == "error"
    assert severity("--from", "sizes.json", "--rows", "orders=5") == "info"
    assert "1000 bytes each where" in str(finding(made, rule, "--from", "sizes.json")["message"])


def test_a_server_is_asked_again_each_time(repository: Make, database_url: str) -> None:
    made = repository({"db/1.sql": TABLES, "db/2.sql": TIMEOUT + INDEX})
    seen = []
    for rows in (100, 30_000):
        with Session(database_url) as session:
            session.execute(f"drop table if exists orders, customers cascade; {TABLES}")
            session.execute(f"insert into orders select i from generate_series(1, {rows}) i")
            session.execute("analyze")
        run = made.lint("db", f"--from={database_url}")
        seen += [f["severity"] for f in run.document["findings"] if f["rule"] == INDEX_RULE]
    assert seen == ["info", "warning"]


INDEX_RULE = "index-not-concurrent"


@pytest.mark.parametrize(
    ("source", "code", "says"),
    [
        ("nowhere.json", 2, "--from nowhere.json: cannot be read"),
        ("db/1.sql", 2, "--from db/1.sql: is not JSON"),
        ("postgresql://nobody@127.0.0.1:1/x", 3, "--from: cannot connect"),
        ("mysql://nobody@127.0.0.1:1/x", 2, "--from: "),
        ("", 2, "--from"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line(
    source: str, code: int, says: str, repository: Make
) -> None:
    made = repository({"db/1.sql": TABLES})
    run = made.run("lint", "db", "--from", source)
    assert run.code == code
    assert says in run.err
    assert len(run.err.strip().splitlines()) == 1
    assert "Traceback" not in run.err
