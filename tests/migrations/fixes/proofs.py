"""What the proofs of fixes have in common: the examples of rules, and how folders are rewritten."""

from collections.abc import Iterator
from dataclasses import replace

from senior_backend.migrations.fixes import registry as fixes
from senior_backend.migrations.rollback.comparing.snapshot import Snapshot, take_in
from senior_backend.migrations.rules import registry as rules
from senior_backend.migrations.trace.observing.tracer import Tracer
from senior_backend.sources.migration import Folder
from tests.migrations import apply
from tests.migrations.conftest import Repository
from tests.migrations.fixes.bench import QUIET, Bench
from tests.migrations.fixes.cases import Case
from tests.migrations.fixes.examples import EXAMPLES, UNPROVED

_OF_TRANSACTION = {"file": "goose", "implicit": "prisma", "statement": "psql"}


def examples() -> Iterator[tuple[str, Case]]:
    """The bad example of every rule whose safe form is written, by a tool that runs it so."""
    for rule_id in sorted(fixes.written()):
        bad = rules.rule(rule_id).bad
        tool = _OF_TRANSACTION[bad.transaction]
        said = EXAMPLES.get(rule_id, Case(rule_id, "", how="any"))
        if rule_id not in UNPROVED:
            up, down = said.up + bad.sql, bad.down or said.down
            yield tool, replace(said, name=rule_id, up=up, down=down, setup=said.setup or bad.setup)


def as_written(bench: Bench, folder: Folder, case: Case) -> tuple[Snapshot | None, object]:
    """What the migration itself leads to."""
    bench.begin(folder.migrations[0])
    with Tracer(bench.url, QUIET) as tracer:
        problem = tracer.apply(folder.migrations[1])
    if problem is not None:
        assert case.how == "any" or case.fails, problem
        return None, None
    return take_in(bench.session), apply.rows(bench.url, case.rows)


def rewrite(made: Repository, case: Case) -> set[str]:
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


def lines(folder: Folder) -> set[bytes]:
    """What the migrations after the first do."""
    return {
        line
        for migration in folder.migrations[1:]
        for segment in migration.up
        for line in segment.text.data.split(b"\n")
        if line.strip()
    }
