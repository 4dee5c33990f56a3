"""Which observed statements keep traffic waiting while they work through a table."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from senior_backend.migrations.sizes import plain
from senior_backend.migrations.step import SMALL
from senior_backend.migrations.trace.observed import (
    MigrationTrace,
    ObservedStatement,
    Trace,
    Traffic,
)

FailOn = Literal["failed", "blocking"]
IsExcused = Callable[[str, int], bool]
"""Whether the linter's finding on the statement at a path and line is accepted."""

_ORDER: Final[tuple[Traffic, ...]] = ("reads", "writes")


@dataclass(frozen=True, slots=True)
class Blocking:
    """Traffic was seen to wait on ``relation`` while the statement did ``work``.

    ``since`` is the line of an earlier statement of the transaction that took the lock, or None
    where the statement took it itself.
    """

    path: str
    line: int
    relation: str
    blocks: tuple[Traffic, ...]
    work: str
    since: int | None = None

    def __str__(self) -> str:
        held = f", locked since line {self.since}," if self.since is not None else ""
        return f"{waiting(self.blocks)} on {self.relation}{held} while it {self.work}"


def told(found: Sequence[Blocking]) -> list[tuple[str, int, str]]:
    """Path, line and a sentence for each statement: the worst, and what else waits."""
    statements: dict[tuple[str, int], list[Blocking]] = {}
    for one in found:
        statements.setdefault((one.path, one.line), []).append(one)
    sentences = []
    for (path, line), several in statements.items():
        worst = max(several, key=lambda one: (len(one.blocks), one.relation in one.work))
        others = dict.fromkeys(one.relation for one in several if one.relation != worst.relation)
        also = f"; others wait on {listed(others)} too" if others else ""
        sentences.append((path, line, f"{worst}{also}"))
    return sentences


def nobody(_path: str, _line: int) -> bool:
    """No statement is excused."""
    return False


def failed(trace: Trace) -> list[ObservedStatement]:
    """Traced statements that the server refused."""
    return [one for m in trace.migrations for one in m.statements if one.error is not None]


def blocking(
    trace: Trace, rows: Mapping[str, int] | None = None, is_excused: IsExcused = nobody
) -> list[Blocking]:
    """Each relation of each statement that was seen blocked in proportion to a table's size.

    ``rows`` are the sizes of tables: small ones do not count.
    """
    return [
        found
        for migration in trace.migrations
        for found in of_migration(migration, rows or {})
        if not is_excused(found.path, found.line)
    ]


def of_migration(migration: MigrationTrace, rows: Mapping[str, int]) -> Iterator[Blocking]:
    """The same of one migration, whatever is excused."""
    open_: dict[int, dict[str, tuple[int, set[Traffic]]]] = {}
    for statement in migration.statements:
        if statement.error is not None or statement.not_run is not None:
            continue
        worked = [table for table in statement.works_through if not is_small(table, rows)]
        own: dict[str, set[Traffic]] = {}
        for lock in statement.locks:
            if lock.blocks:
                own.setdefault(lock.relation, set()).update(lock.blocks)
        held = (
            open_.setdefault(statement.transaction, {}) if statement.transaction is not None else {}
        )
        if worked:
            for relation, traffic in own.items():
                if not is_small(relation, rows):
                    yield _blocking(statement, relation, traffic, worked, None)
            for relation, (line, traffic) in held.items():
                if relation not in own and not is_small(relation, rows):
                    yield _blocking(statement, relation, traffic, worked, line)
        for relation, traffic in own.items():
            line, before = held.get(relation, (statement.line, set[Traffic]()))
            held[relation] = (
                line if traffic <= before else statement.line,
                traffic | before,
            )


def _blocking(
    statement: ObservedStatement,
    relation: str,
    traffic: set[Traffic],
    worked: Collection[str],
    since: int | None,
) -> Blocking:
    blocks = tuple(kind for kind in _ORDER if kind in traffic)
    return Blocking(
        statement.path, statement.line, relation, blocks, work(statement, worked), since
    )


def is_small(relation: str, rows: Mapping[str, int]) -> bool:
    """Whether a table is known to have so few rows that nobody notices."""
    name = plain(relation)
    bare = name.rpartition(".")[2]
    told = (rows.get(one) for one in (relation, name, f"public.{name}", bare))
    count = next((one for one in told if one is not None), None)
    return count is not None and count <= SMALL


def work(statement: ObservedStatement, among: Collection[str] | None = None) -> str:
    """What it did in proportion to tables' sizes, as verbs: ``rewrites orders``."""

    def counts(table: str) -> bool:
        return among is None or table in among

    rewritten = [table for table in statement.rewrites if counts(table)]
    built: dict[str, int] = {}
    for build in statement.index_builds:
        if counts(build.table):
            built[build.table] = built.get(build.table, 0) + 1
    read = [
        table
        for table in statement.scans
        if counts(table) and table not in rewritten and table not in built
    ]
    parts = []
    if rewritten:
        parts.append(f"rewrites {listed(rewritten)}")
    if built:
        parts.append(
            "builds " + listed([f"{indexes(count)} on {table}" for table, count in built.items()])
        )
    if read:
        parts.append(f"reads all of {listed(read)}")
    return ", ".join(parts)


def indexes(count: int) -> str:
    """``an index``, ``3 indexes``."""
    return "an index" if count == 1 else f"{count} indexes"


def waiting(blocks: Collection[Traffic]) -> str:
    """``reads and writes wait``; empty where nothing does."""
    return f"{' and '.join(blocks)} wait" if blocks else ""


_MOST_NAMED: Final = 4


def listed(names: Collection[str]) -> str:
    """Names in a sentence; the first few of many."""
    shown = list(names)
    if len(shown) > _MOST_NAMED:
        shown = [*shown[:_MOST_NAMED], f"{len(shown) - _MOST_NAMED} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
