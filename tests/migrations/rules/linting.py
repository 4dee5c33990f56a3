"""Linting of a few lines of SQL, for tests of rules."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from senior_backend.findings import Finding
from senior_backend.migrations.lint import Selection, lint
from senior_backend.migrations.rules.rule import Example, Rule
from senior_backend.migrations.step import Assumptions
from senior_backend.sources.migration import Folder, Migration, Segment
from senior_backend.sql.text import SqlText


def findings(
    *examples: Example,
    setup: str = "",
    down: str | None = None,
    major: int = 14,
    rows: Mapping[str, int] | None = None,
) -> list[Finding]:
    """What is found in the examples as consecutive migrations after the setup.

    With ``down`` it is the way back of the last one, and only what is found there.
    """
    migrations = [_migration(Example(setup), "000_setup")]
    for number, example in enumerate(examples, 1):
        back = down if number == len(examples) and down is not None else example.down
        migrations.append(_migration(example, f"{number:03}_example", back))
    folder = Folder("sql", Path("migrations"), tuple(migrations))
    asked = Selection(lambda migration: migration.version != "000_setup")
    found = lint(folder, asked, Assumptions(major=major, rows=rows or {}))
    everything = [problem.finding for linted in found for problem in linted.problems]
    if down is None:
        return everything
    return [f for f in everything if f.details.get("direction") == "down"]


def _migration(example: Example, version: str, down: str | None = None) -> Migration:
    path = f"{version}.sql"
    up = Segment(SqlText(path, example.sql.encode()), example.transaction)
    if down is None:
        return Migration("sql", path, version, version, (up,))
    back = Segment(SqlText(f"{version}.down.sql", down.encode()), example.transaction)
    return Migration("sql", path, version, version, (up,), (back,))


def runs(rule: Rule) -> list[tuple[str, Sequence[Example]]]:
    """The good form in one or several runs: the setup, and the migrations after it.

    An example with a setup of its own begins a new run; the first has that of ``bad`` by default.
    """
    found: list[tuple[str, list[Example]]] = []
    for example in rule.good:
        if not found or (example.setup and example.setup != found[-1][0]):
            found.append((example.setup or rule.bad.setup, []))
        found[-1][1].append(example)
    return list(found)
