"""Every fix is proved on a real PostgreSQL: of each rule's bad example and of every case it runs,
comes to the same end, blocks nobody while it works, lints clean, and can be taken back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest
from _pytest.mark.structures import ParameterSet

from senior_backend.migrations.fixes import registry as fixes
from senior_backend.migrations.rollback.compare import Difference, differences
from senior_backend.migrations.rollback.snapshot import Snapshot, take
from senior_backend.migrations.rules import registry as rules
from senior_backend.migrations.trace.observed import MigrationTrace
from senior_backend.migrations.trace.tracer import Settings, Tracer
from senior_backend.postgres import Databases, start
from senior_backend.sources.migration import Folder, Migration
from tests.migrations import apply
from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.cases import FIXED, FOUND, PLANNED, SETUP, TABLES, Case
from tests.migrations.fixes.examples import EXAMPLES, UNPROVED
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

_OF_TRANSACTION = {"file": "goose", "implicit": "prisma", "statement": "psql"}


def _psql(up: str, _down: str, setup: str, _gone: str) -> Files:
    return {"db/001_a.sql": setup, "db/002_b.sql": f"{up}\n"}


FORMS: dict[str, Callable[[str, str, str, str], Files]] = {**TOOLS, "psql": _psql}
_QUIET = Settings(probe=False, own_server=True)


def _examples() -> Iterator[tuple[str, Case]]:
    """The bad example of every rule whose safe form is written, by a tool that runs it so."""
    for rule_id in sorted(fixes.written()):
        bad = rules.rule(rule_id).bad
        tool = _OF_TRANSACTION[bad.transaction]
        said = EXAMPLES.get(rule_id, Case(rule_id, "", how="any"))
        if rule_id not in UNPROVED:
            up, down = said.up + bad.sql, bad.down or said.down
            yield tool, replace(said, name=rule_id, up=up, down=down, setup=bad.setup)


def _all() -> Iterator[tuple[str, Case]]:
    yield from _examples()
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


_QUICK = {case.name for case in FIXED} | fixes.written()


def _parameter(tool: str, case: Case) -> ParameterSet:
    quick = tool != "prisma" and case.name in _QUICK and tool in ("goose", "psql")
    marks = () if quick else (pytest.mark.verify,)
    return pytest.param(tool, case, marks=marks, id=f"{case.name}-{tool}")


CASES = [_parameter(tool, case) for tool, case in _all()]


@dataclass
class Templates:
    """Databases with the setups of cases, each made once and then copied."""

    server: Databases
    made: dict[str, tuple[str, Snapshot]] = field(default_factory=dict)

    def of(self, migration: Migration) -> tuple[str, Snapshot]:
        """A database in which ``migration`` has run, and its catalogs."""
        text = "\n".join(segment.text.data.decode() for segment in migration.up)
        if text not in self.made:
            url = self.server.create_database()
            with Tracer(url, _QUIET) as tracer:
                assert tracer.apply(migration) is None
            self.made[text] = url, take(url)
        return self.made[text]

    def copy(self, url: str) -> str:
        """A database like another one, to which nobody is connected."""
        name = url.partition("?")[0].rpartition("/")[2]
        return self.server.create_database(template=name)


@pytest.fixture(scope="module")
def templates(postgres_server: Databases) -> Iterator[Templates]:
    made = Templates(postgres_server)
    yield made
    for url, _ in made.made.values():
        postgres_server.drop_database(url)


@pytest.mark.parametrize(("tool", "case"), CASES)
def test_a_fix_comes_to_the_same_end_without_blocking_and_can_be_taken_back(
    repository: Make, templates: Templates, tool: str, case: Case
) -> None:
    before, after = rewritten(repository, tool, case)
    if not case.declined:
        prove(templates, before, after, tool, case)


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
def test_the_examples_are_proved_on_every_major(tmp_path: Path) -> None:
    """What is written to be safe on 14 is the same SQL for all of them."""
    written = []
    for number, (tool, case) in enumerate(_examples()):
        made = Repository(tmp_path / str(number))
        made.root.mkdir()
        made.git("init", "-q", "-b", "main")
        written.append((*rewritten(_writer(made), tool, case), tool, case))
    wrong = []
    for major in (14, 15, 16, 17):
        with start(pg=major) as server:
            templates = Templates(server)
            for before, after, tool, case in written:
                if rules.rule(case.name).bad.since > major:
                    continue
                try:
                    prove(templates, before, after, tool, case)
                except AssertionError as error:
                    wrong.append(f"{case.name} on {major}: {error}")
    assert wrong == []


def _writer(made: Repository) -> Make:
    def write(files: Files) -> Repository:
        made.write(files)
        return made

    return write


def rewritten(repository: Make, tool: str, case: Case) -> tuple[Folder, Folder]:
    """The folder as it was and as it is then; what is offered and what is left is as said."""
    made = repository(FORMS[tool](case.up, case.down, case.setup, "SELECT 1;\n"))
    before = apply.folder(made.root)
    left = _rewritten(made, case)
    after = apply.folder(made.root)
    if case.declined:
        offered = _lines(after) - _lines(before)
        assert {line for line in offered if b"lock_timeout" not in line} == set()
    else:
        assert _lines(after) != _lines(before), "nothing is offered"
        assert sorted(left) == sorted(case.left)
    return before, after


def prove(templates: Templates, before: Folder, after: Folder, tool: str, case: Case) -> None:
    """All that is promised of the rewritten form of a case."""
    start_url, first = templates.of(before.migrations[0])
    kept = apply.rows(start_url, case.kept)
    end, rows = (None, None) if case.fails else _as_written(templates, start_url, before, case)
    url = templates.copy(start_url)
    try:
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
        if case.rows and not case.fails:
            assert apply.rows(url, case.rows) == rows
        if case.right:
            assert apply.rows(url, case.right) == [(True,)]
        if end is not None:
            assert _unsaid(differences(end, take(url)), case.staged) == []
        if case.back is None or not case.down or tool in ("flyway", "psql"):
            return
        with Tracer(url, _QUIET) as tracer:
            for migration in reversed(after.migrations[1:]):
                assert tracer.apply(migration, "down") is None
        assert _unsaid(differences(first, take(url)), case.back) == []
        assert apply.rows(url, case.kept) == kept
    finally:
        templates.server.drop_database(url)


def _as_written(
    templates: Templates, start: str, folder: Folder, case: Case
) -> tuple[Snapshot | None, object]:
    """What the migration itself leads to."""
    url = templates.copy(start)
    try:
        with Tracer(url, _QUIET) as tracer:
            problem = tracer.apply(folder.migrations[1])
        if problem is not None:
            assert case.how == "any" or case.fails, problem
            return None, None
        return take(url), apply.rows(url, case.rows)
    finally:
        templates.server.drop_database(url)


def _rewritten(made: Repository, case: Case) -> set[str]:
    """Rewrite the folder; the rules of gate findings that are left or excused as planned."""
    major = str(case.major)
    if case.how != "plan":
        found = made.lint("--fix", "--pg", major)
        assert "does not parse" not in found.err
    if case.how == "plan" or (case.how == "any" and found.gate):
        made.run("plan", "--write", "--pg", major)
        found = made.lint("--pg", major)
    planned = {
        f["rule"]
        for f in found.document["findings"]
        if f["class"] == "gate"
        and f["suppressed"]
        and f["suppressed"]["reason"] == "a planned step"
    }
    return planned | {rule for rule, _, _ in found.gate}


def _lines(folder: Folder) -> set[bytes]:
    """What the migrations after the first do."""
    return {
        line
        for migration in folder.migrations[1:]
        for segment in migration.up
        for line in segment.text.data.split(b"\n")
        if line.strip()
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


def _unsaid(found: tuple[Difference, ...], said: tuple[str, ...]) -> list[str]:
    """The differences that are not said, and what is said and is none.

    The order of columns and the slots of dropped ones are physical: plans say so.
    """
    texts = [str(one) for one in found if not one.physical]
    unsaid = [text for text in texts if not any(part in text for part in said)]
    stale = [part for part in said if not any(part in text for text in texts)]
    return [*unsaid, *(f"no longer: {part}" for part in stale)]


def test_every_fixer_has_a_proof() -> None:
    modules = {fixes.by_rule()[rule].__module__ for rule in fixes.written()}
    proved = {fixes.by_rule()[rule].__module__ for rule in fixes.written() - UNPROVED.keys()}
    assert proved == modules
