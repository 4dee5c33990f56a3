"""How long PostgreSQL holds a blocking lock, by what it does: rates, and how far estimates hold.

Fills one table on a throw-away server, runs each operation on it (rolled back, so that the next one
finds the same), at small sizes and at large ones. What ``migrations trace`` would have estimated
from the small ones stands beside what was measured at the large ones. The rates go into a file that
``migrations lint`` reads. Exit code 0 whatever the results are; 2: bad usage; 3: no server.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

# `python benchmarks/lock_durations.py` finds only its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import busy_seconds, processor_model
from senior_backend.errors import SeniorBackendError
from senior_backend.migrations.trace.scratch.server import Where, open_scratch
from senior_backend.migrations.trace.sizes.estimate import ROUNDS, SIZES
from senior_backend.migrations.trace.sizes.growth import (
    FASTER,
    SLOWER,
    Growth,
    Point,
    amount,
    projected,
)
from senior_backend.migrations.trace.sizes.rows import fill
from senior_backend.postgres import Session

LARGE: Final = (1_000_000, 5_000_000)
COMMAND: Final = "make bench-locks"
DATA: Final = Path("hooks/senior_backend/migrations/durations.json")

SCHEMA: Final = """
create table customers (id bigint primary key);
create table orders (
    id bigint primary key, customer_id bigint not null, total numeric(12,2) not null,
    note text not null, at timestamptz not null, status text not null,
    check (status in ('new', 'paid', 'void')))
"""
LINKED: Final = """
update orders set customer_id = 1 + (id * 7919) % (select count(*) from customers)
"""


@dataclass(frozen=True)
class Operation:
    """What is timed; ``kind`` is the rate that it gives. ``before`` is not timed."""

    kind: str
    sql: str
    growth: Growth = "n"
    before: str = ""


_INDEXES = "create index on orders (customer_id); create index on orders (note)"
_WITHOUT = "alter table orders drop constraint orders_pkey"
_REWRITE = "alter table orders alter column total type numeric(14,4)"

OPERATIONS: Final = (
    Operation("scan", "alter table orders add check (total >= 0)"),
    Operation(
        "scan", "alter table orders alter column note set not null",
        before="alter table orders alter column note drop not null",
    ),
    Operation("rewrite", _REWRITE, before=_WITHOUT),
    Operation("rewrite, 1 index", _REWRITE, "n·log n"),
    Operation("rewrite, 3 indexes", _REWRITE, "n·log n", before=_INDEXES),
    Operation("index build", "create index on orders (customer_id)", "n·log n"),
    Operation("index build", "create index on orders (note)", "n·log n"),
    Operation("index build", "create unique index on orders (at)", "n·log n"),
    Operation(
        "foreign key check",
        "alter table orders add foreign key (customer_id) references customers",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Timed:
    """An operation at the small sizes, and at the large ones."""

    operation: Operation
    small: tuple[Point, ...]
    large: tuple[Point, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the page, write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page")
    parser.add_argument("--data", type=Path, metavar="FILE", help=f"the rates ({DATA})")
    parser.add_argument("--rows", type=int, nargs="+", default=list(LARGE), help="large sizes")
    options = parser.parse_args(arguments)
    began, busy = time.monotonic(), busy_seconds()
    try:
        version, timed, row_bytes = measure(options.rows)
    except SeniorBackendError as error:
        print(f"lock_durations: {error}", file=sys.stderr)
        return error.exit_code
    spent = time.monotonic() - began
    others = max(0.0, busy_seconds() - busy - spent) / (spent * (os.cpu_count() or 1))
    text = page(version, timed, row_bytes, others)
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    if options.data:
        document = rates(version, timed, row_bytes)
        options.data.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(large: Sequence[int]) -> tuple[str, list[Timed], float]:
    """The server's version, all times, and the bytes of a row at the largest size."""
    points: dict[Operation, dict[int, list[Point]]] = {one: {} for one in OPERATIONS}
    row_bytes = 0.0
    with open_scratch(Where()) as scratch:
        for rows in (*SIZES, *large):
            rounds = ROUNDS if rows in SIZES else 1
            url = scratch.database()
            with Session(url) as session:
                session.execute(SCHEMA)
                fill(url, {"orders": rows, "customers": max(rows // 10, 1)})
                session.execute(LINKED)
                session.execute("vacuum full analyze orders")
                session.execute("vacuum analyze customers")
                session.execute("set statement_timeout = '20min'")
                session.execute("checkpoint")
                ((size,),) = session.execute("select pg_relation_size('orders')")
                row_bytes = size / rows
                for operation in OPERATIONS:
                    for _ in range(rounds):
                        taken = seconds(session, operation)
                        points[operation].setdefault(rows, []).append(Point(rows, taken))
                    print(f"{rows:>9,}  {operation.sql[:60]:60}  {taken:8.3f} s", file=sys.stderr)
            scratch.drop(url)
        version = scratch.version
    return version, [_split(one, points[one], large) for one in OPERATIONS], row_bytes


def _split(operation: Operation, at: dict[int, list[Point]], large: Sequence[int]) -> Timed:
    small = tuple(point for rows in SIZES for point in at[rows])
    return Timed(operation, small, tuple(point for rows in large for point in at[rows]))


def seconds(session: Session, operation: Operation) -> float:
    """What the statement takes; everything is rolled back."""
    session.execute("begin")
    try:
        if operation.before:
            session.execute(operation.before)
        began = time.perf_counter()
        session.execute(operation.sql)
        return time.perf_counter() - began
    finally:
        session.execute("rollback")


def rates(version: str, timed: Sequence[Timed], row_bytes: float) -> dict[str, Any]:
    """What the linter reads: for each kind its growth, and seconds by unit of work."""
    kinds: dict[str, list[float]] = {}
    growth: dict[str, Growth] = {}
    for one in timed:
        kind = one.operation.kind
        growth[kind] = one.operation.growth
        kinds.setdefault(kind, []).extend(
            point.seconds / amount(point.rows, one.operation.growth) for point in one.large
        )
    return {
        "postgres": version,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "rows": sorted({point.rows for one in timed for point in one.large}),
        "bytes_per_row": round(row_bytes, 1),
        "kinds": {
            kind: {
                "growth": growth[kind],
                "seconds_per_unit": statistics.median(values),
                "least": min(values),
                "most": max(values),
            }
            for kind, values in kinds.items()
            if "," not in kind
        },
    }


PAGE: Final = """\
# How long blocking locks are held

Written by `{command}` ({date}, PostgreSQL {version}, {processor}; a throw-away server: fsync off,
everything in memory, nobody else connected, other work on the machine: {others} of its time). One
table `orders` of 6 columns, {row_bytes:.0f} bytes a row, a primary key, values in no order.

## What an estimate is worth

`migrations trace --rows` runs a migration on {small} rows and carries the
times on: on a line where every row is read or written once, on n·log n where an index is built.
Here that prediction stands beside the same statement on large tables **of the same machine**. 1.00:
exact; 2.00: predicted twice as long as it took.

| statement | growth | rows | measured | predicted | predicted/measured | within its range |
|---|---|--:|--:|--:|--:|---|
{table}

Median ratio {median:.2f}, from {least:.2f} to {most:.2f}; {within} of {count} measured times lie
within the range.

Where a prediction falls short it is because of what a small table does not show: parallel plans,
sorts on disk, a table larger than the server's own cache. So `migrations trace` takes the rate of
the second table below where that gives more; the column above is without it.

The range is what the small measurements leave open, and of that 1/{faster:g} to {slower:g} times,
for a production whose disk, memory and load are not those of the machine that measures. Not tried
here: a table that does not fit into memory, a bloated one, wide TOAST values.

## Rates that the linter uses

`migrations lint --rows` has no server: it multiplies these. Its low end is 1/{faster:g} of the time
at the fastest, its high end {slower:g} times that at the slowest of the measured rates.

| operation | rows a second, median | fastest | slowest |
|---|--:|--:|--:|
{rates}

A rewrite with indexes is counted as a rewrite and an index build for each of them. An index build
grows with n·log n: the rates are those at {large} rows.
"""


def page(version: str, timed: Sequence[Timed], row_bytes: float, others: float) -> str:
    """The page of the documentation."""
    rows, ratios, within = [], [], 0
    kinds: dict[str, list[float]] = {}
    for one in timed:
        for point in one.large:
            span = projected(one.small, point.rows, one.operation.growth)
            low, high = span.low / FASTER, span.high * SLOWER
            ratio = span.seconds / point.seconds
            ratios.append(ratio)
            is_within = low <= point.seconds <= high
            within += is_within
            kinds.setdefault(one.operation.kind, []).append(point.rows / point.seconds)
            rows.append(
                f"| {one.operation.kind}: `{_shown(one.operation)}` | {one.operation.growth} "
                f"| {point.rows:,} | {point.seconds:.2f} s | {span.seconds:.2f} s | {ratio:.2f} "
                f"| {'yes' if is_within else '**no**'} ({low:.2f}-{high:.2f} s) |"
            )
    return PAGE.format(
        command=COMMAND,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        version=version,
        processor=processor_model(),
        others=f"{others:.0%}",
        row_bytes=row_bytes,
        small=_listed(SIZES),
        large=_listed(_sizes(timed)),
        table="\n".join(rows),
        median=statistics.median(ratios),
        least=min(ratios),
        most=max(ratios),
        within=within,
        count=len(ratios),
        faster=FASTER,
        slower=SLOWER,
        rates="\n".join(
            f"| {kind} | {_millions(statistics.median(values))} | {_millions(max(values))} "
            f"| {_millions(min(values))} |"
            for kind, values in kinds.items()
        ),
    )


def _sizes(timed: Iterable[Timed]) -> list[int]:
    return sorted({point.rows for one in timed for point in one.large})


def _shown(operation: Operation) -> str:
    return operation.sql.removeprefix("alter table orders ")


def _listed(sizes: Sequence[int]) -> str:
    named = [f"{rows:,}" for rows in sizes]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def _millions(rate: float) -> str:
    return f"{rate / 1e6:.2f} M"


if __name__ == "__main__":
    sys.exit(main())
