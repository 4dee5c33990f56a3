"""What follows from a trace: who is kept waiting by what, and how it is shown."""

import click
import pytest

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace import verdict
from senior_backend.migrations.trace.formats import markdown, terminal, view
from senior_backend.migrations.trace.observed import (
    Held,
    IndexBuild,
    MigrationTrace,
    ObservedLock,
    ObservedStatement,
    Trace,
    Traffic,
)

READS_TOO: tuple[Traffic, ...] = ("reads", "writes")
WRITES: tuple[Traffic, ...] = ("writes",)


def lock(relation: str, mode: Lock, *blocks: Traffic, kind: str = "table") -> ObservedLock:
    return ObservedLock(relation, kind, mode, tuple(blocks))  # type: ignore[arg-type]


def statement(line: int, *locks: ObservedLock, transaction: int | None = 1, **facts: object):
    sql = f"statement {line}"
    return ObservedStatement("1.sql", line, sql, transaction, tuple(locks), **facts)  # type: ignore[arg-type]


def trace(*statements: ObservedStatement, postgres: str = "18.1", queue: tuple[Held, ...] = ()):
    return Trace(postgres, (MigrationTrace("1.sql", "up", statements, queue),))


EXCLUSIVE = lock("orders", Lock.ACCESS_EXCLUSIVE, *READS_TOO)
SHARE = lock("orders", Lock.SHARE, *WRITES)
QUIET = lock("orders", Lock.SHARE_UPDATE_EXCLUSIVE)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([statement(1, EXCLUSIVE)], []),
        ([statement(1, QUIET, scans=("orders",))], []),
        (
            [statement(1, EXCLUSIVE, rewrites=("orders",))],
            ["1: reads and writes wait on orders while it rewrites orders"],
        ),
        (
            [statement(1, SHARE, index_builds=(IndexBuild("orders", "i"),), scans=("orders",))],
            ["1: writes wait on orders while it builds an index on orders"],
        ),
        (
            [statement(1, EXCLUSIVE), statement(2, QUIET, scans=("orders",))],
            [
                (
                    "2: reads and writes wait on orders, locked since line 1, "
                    "while it reads all of orders"
                )
            ],
        ),
        (
            [statement(1, SHARE), statement(2, EXCLUSIVE), statement(3, scans=("items",))],
            [
                (
                    "3: reads and writes wait on orders, locked since line 2, "
                    "while it reads all of items"
                )
            ],
        ),
        ([statement(1, EXCLUSIVE), statement(2, scans=("orders",), transaction=2)], []),
        (
            [
                statement(1, EXCLUSIVE, transaction=None),
                statement(2, scans=("orders",), transaction=None),
            ],
            [],
        ),
        ([statement(1, EXCLUSIVE, rewrites=("orders",), error="no")], []),
        (
            [statement(1, EXCLUSIVE, lock("a", Lock.SHARE, "writes"), scans=("orders",))],
            [
                (
                    "1: reads and writes wait on orders while it reads all of orders; "
                    "others wait on a too"
                )
            ],
        ),
    ],
    ids=[
        "a lock for an instant",
        "work that blocks nobody",
        "rewrite",
        "index build",
        "work under an earlier lock",
        "a lock that was made stronger",
        "another transaction",
        "outside of transactions",
        "what failed",
        "two tables",
    ],
)
def test_others_wait_while_a_table_is_worked_through(
    statements: list[ObservedStatement], said: list[str]
) -> None:
    found = verdict.blocking(trace(*statements))
    assert [f"{line}: {text}" for _, line, text in verdict.told(found)] == said


@pytest.mark.parametrize(
    ("rows", "count"),
    [({}, 1), ({"orders": 10_000}, 0), ({"orders": 10_001}, 1), ({"items": 1}, 1)],
)
def test_small_tables_and_excused_statements_do_not_count(rows: dict[str, int], count: int) -> None:
    seen = trace(statement(1, EXCLUSIVE, rewrites=("orders",)))
    assert len(verdict.blocking(seen, rows)) == count
    assert verdict.blocking(seen, rows, lambda path, line: (path, line) == ("1.sql", 1)) == []


def test_majors_that_agree_are_one_variant() -> None:
    same = statement(1, SHARE, duration_ms=2.0)
    traces = [
        trace(same, postgres="18.1"),
        trace(statement(1, EXCLUSIVE, duration_ms=4.0), postgres="17.2"),
        trace(statement(1, SHARE, duration_ms=30.0), postgres="16.3"),
    ]
    ((one,),) = (migration.statements for migration in view.views(traces))
    assert [(v.majors, v.fastest_ms, v.slowest_ms) for v in one.variants] == [
        ((16, 18), 2.0, 30.0),
        ((17,), 4.0, 4.0),
    ]
    text = terminal.render(traces)
    assert "PostgreSQL 16, 18:" in text
    assert "PostgreSQL 17:" in text
    assert "2.0-30 ms" in text
    assert "(PostgreSQL 17)" in markdown.render(traces)


def test_indexes_are_folded_unless_only_they_keep_others_waiting() -> None:
    pkey = lock("orders_pkey", Lock.ACCESS_EXCLUSIVE, *READS_TOO, kind="index")
    groups, folded = view.lock_groups(statement(1, EXCLUSIVE, pkey))
    assert ([group.relations for group in groups], folded) == ([("orders",)], 1)
    groups, folded = view.lock_groups(statement(1, SHARE, pkey))
    assert ([group.relations for group in groups], folded) == (
        [("index orders_pkey",), ("orders",)],
        0,
    )


def test_the_lock_queue_is_a_sentence() -> None:
    queue = (
        Held("1.sql", 4, "orders", Lock.ACCESS_EXCLUSIVE, READS_TOO, 1, 3, 41.2),
        Held("1.sql", 4, "items", Lock.ACCESS_EXCLUSIVE, READS_TOO, 1, 3, 41.0),
        Held("1.sql", 5, "a", Lock.ACCESS_EXCLUSIVE, READS_TOO, 1, 0, 1.0),
    )
    ((found,),) = (one.queue for one in view.views([trace(statement(4, EXCLUSIVE), queue=queue)]))
    assert view.queue_sentence(found, several=False) == (
        "orders and items: reads and writes wait from line 4 until COMMIT: 3 more statements, "
        "41 ms here"
    )


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (0.04, "0.0 ms"),
        (0.84, "0.8 ms"),
        (12.3, "12 ms"),
        (1234, "1.2 s"),
        (123_456, "2 min"),
        (12e6, "3.3 h"),
    ],
)
def test_times_for_people(ms: float, shown: str) -> None:
    assert view.milliseconds(ms) == shown


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("alter table t\n  add a int, -- why\n  add b int", "alter table t add a int, add b int"),
        ("select '--'\n  ;", "select '--' ;"),
        ("\x1b[31mselect", "\N{REPLACEMENT CHARACTER}[31mselect"),
    ],
)
def test_a_statement_is_shown_on_one_harmless_line(sql: str, shown: str) -> None:
    seen = trace(ObservedStatement("1.sql", 1, sql, 1))
    assert shown in terminal.render([seen]).splitlines()[3]


def test_what_a_file_is_called_cannot_break_the_output() -> None:
    name = "a\n|b`<i>.sql"
    seen = Trace(
        "18.1", (MigrationTrace(name, "up", (ObservedStatement(name, 1, "s", 1, (SHARE,)),)),)
    )
    assert "a\\n|b`<i>.sql" in terminal.render([seen])
    rows = [line for line in markdown.render([seen]).splitlines() if line.startswith("| 🟡")]
    assert rows
    assert all(line.count("`` a \\|b`<i>.sql:1 ``") or "| 1 |" in line for line in rows)


def test_a_long_name_is_shown_whole() -> None:
    name = "oauth2_device_code_session_of_the_clients_of_all_tenants"
    seen = trace(statement(1, lock(name, Lock.ACCESS_EXCLUSIVE, *READS_TOO)))
    shown = click.unstyle(terminal.render([seen]))
    assert f"ACCESS EXCLUSIVE  {name}  reads and writes wait: seen" in shown
