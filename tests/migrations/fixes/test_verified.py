"""Every fix is proved on a real PostgreSQL: of each rule's bad example and of every case it runs,
comes to the same end, blocks nobody while it works, lints clean, and can be taken back.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from _pytest.mark.structures import ParameterSet

from senior_backend.migrations.fixes import registry as fixes
from senior_backend.migrations.rollback.comparing.snapshot import take_in
from senior_backend.migrations.rules import registry as rules
from senior_backend.migrations.trace.observed import MigrationTrace
from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.postgres import start
from senior_backend.postgres.session import Session
from senior_backend.sources.migration import Folder
from tests.migrations import apply
from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.bench import QUIET, Bench, unsaid
from tests.migrations.fixes.cases import FIXED, FOUND, PLANNED, SETUP, TABLES, Case
from tests.migrations.fixes.examples import UNPROVED
from tests.migrations.fixes.forms import FORMS
from tests.migrations.fixes.proofs import as_written, examples, lines, rewrite
from tests.migrations.fixes.test_applied import EVERYWHERE, TOOLS

Make = Callable[[Files], Repository]

IN_ONE_MESSAGE = {
    "volatile default",
    "serial",
    "collation of an indexed column",
    "column dropped",
    "backfill that must not run twice",
}
"""Cases also run by a tool that sends a file as one message."""


def _all() -> Iterator[tuple[str, Case]]:
    yield from examples()
    for case in FIXED:
        for tool in TOOLS:
            if tool in ("goose", "prisma") or case.name in EVERYWHERE:
                yield tool, replace(case, setup=SETUP + case.setup)
    for case in PLANNED:
        yield "goose", replace(case, setup=TABLES, how="plan")
        if case.name in IN_ONE_MESSAGE:
            yield "prisma", replace(case, setup=TABLES, how="plan")
    for case in FOUND:
        yield "goose", case


def _first_of_each() -> set[str]:
    """The example of one rule of each fixer: the quick tests have no time for more."""
    by_module = {fixes.by_rule()[case.name].__module__: case.name for _, case in examples()}
    return set(by_module.values())


def _parameter(tool: str, case: Case, quick: set[str]) -> ParameterSet:
    marks = () if case.name in quick else (pytest.mark.verify,)
    return pytest.param(tool, case, marks=marks, id=f"{case.name}-{tool}")


CASES = [_parameter(tool, case, _first_of_each()) for tool, case in _all()]


@pytest.mark.parametrize(("tool", "case"), CASES)
def test_a_fix_comes_to_the_same_end_without_blocking_and_can_be_taken_back(
    repository: Make, bench: Bench, tool: str, case: Case
) -> None:
    before, after = rewritten(repository, tool, case)
    if not case.declined:
        prove(bench, before, after, tool, case)


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
@pytest.mark.parametrize("major", [14, 15, 16, 17])
def test_a_third_of_the_examples_is_proved_on_each_older_major(tmp_path: Path, major: int) -> None:
    """Together all of them: what is written to be safe on 14 is the same SQL for each."""
    wrong = []
    with start(pg=major) as server:
        url = server.create_database()
        with Session(url) as session:
            bench = Bench(url, session)
            for number, (tool, case) in enumerate(examples()):
                if number % 3 != major % 3 or rules.rule(case.name).bad.since > major:
                    continue
                made = Repository(tmp_path / str(number))
                made.root.mkdir()
                before, after = rewritten(_writer(made), tool, case)
                try:
                    prove(bench, before, after, tool, case)
                except AssertionError as error:
                    wrong.append(f"{case.name}: {error}")
    assert wrong == []


def _writer(made: Repository) -> Make:
    def write(files: Files) -> Repository:
        made.git("init", "-q", "-b", "main")
        made.write(files)
        return made

    return write


def rewritten(repository: Make, tool: str, case: Case) -> tuple[Folder, Folder]:
    """The folder as it was and as it is then; what is offered and what is left is as said."""
    made = repository(FORMS[tool](case.up, case.down, case.setup, "SELECT 1;\n"))
    before = apply.folder(made.root)
    left = rewrite(made, case)
    after = apply.folder(made.root)
    if case.declined:
        offered = lines(after) - lines(before)
        assert {line for line in offered if b"lock_timeout" not in line} == set()
    else:
        assert lines(after) != lines(before), "nothing is offered"
        assert sorted(left) == sorted(case.left)
    return before, after


def prove(bench: Bench, before: Folder, after: Folder, tool: str, case: Case) -> None:
    """All that is promised of the rewritten form of a case."""
    end, rows = (None, None) if case.fails else as_written(bench, before, case)
    first = bench.begin(before.migrations[0])
    url = bench.url
    kept = apply.rows(url, case.kept)
    with Tracer(url, Settings(own_server=True)) as tracer:
        traces = []
        for number, migration in enumerate(after.migrations[1:]):
            traces.append(tracer.trace(migration))
            if case.between and not number:
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute(case.between.encode())
        tracer.finish()
    assert [str(trace.failed) for trace in traces if trace.failed] == []
    assert sorted(_blocked_while_working(traces)) == sorted(case.blocks)
    assert set(case.free) & _blocked(traces) == set()
    if case.rows and not case.fails:
        assert apply.rows(url, case.rows) == rows
    if case.right:
        assert apply.rows(url, case.right) == [(True,)]
    if end is not None:
        assert unsaid(end, take_in(bench.session), case.staged) == []
    if case.back is None or not case.down or tool in ("flyway", "psql"):
        return
    with Tracer(url, QUIET) as tracer:
        for migration in reversed(after.migrations[1:]):
            assert tracer.apply(migration, "down") is None
    assert unsaid(first, take_in(bench.session), case.back) == []
    assert apply.rows(url, case.kept) == kept


def _blocked(traces: list[MigrationTrace]) -> set[str]:
    """All that was seen to keep others waiting."""
    return {
        lock.relation
        for trace in traces
        for statement in trace.statements
        for lock in statement.locks
        if lock.blocks
    }


def _blocked_while_working(traces: list[MigrationTrace]) -> Iterator[str]:
    """What waits for a statement whose work grows with a table, as people may read it."""
    for trace in traces:
        for statement in trace.statements:
            if not statement.works_through:
                continue
            for lock in statement.locks:
                if lock.blocks:
                    yield f"{lock.relation} {lock.mode}: {statement.sql.split(maxsplit=3)[:3]}"
        for held in trace.lock_queue:
            working = [
                one.sql
                for one in trace.statements
                if one.transaction == held.transaction and one.line > held.line
                if one.works_through
            ]
            if held.blocks and working:
                yield f"{held.relation} {held.mode} kept: {working[0].split(maxsplit=3)[:3]}"


def test_every_fixer_has_a_proof() -> None:
    modules = {fixes.by_rule()[rule].__module__ for rule in fixes.written()}
    proved = {fixes.by_rule()[rule].__module__ for rule in fixes.written() - UNPROVED.keys()}
    assert proved == modules
