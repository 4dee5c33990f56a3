"""Linting of a few lines of SQL, for tests of rules."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    """What is found in the examples, ups and downs, as consecutive migrations after the setup.

    With ``down`` it is the way back of the last one, and only what is found there.
    """
    if down is not None:
        examples = (*examples[:-1], replace(examples[-1], down=down))
    migrations = [_migration(Example(setup), "000_setup")]
    migrations += [_migration(e, f"{number:03}_example") for number, e in enumerate(examples, 1)]
    folder = Folder("sql", Path("migrations"), tuple(migrations))
    asked = Selection(lambda migration: migration.version != "000_setup")
    found = lint(folder, asked, Assumptions(major=major, rows=rows or {}))
    everything = [problem.finding for linted in found for problem in linted.problems]
    return [f for f in everything if down is None or f.details["direction"] == "down"]


def _migration(example: Example, version: str) -> Migration:
    up = Segment(SqlText(f"{version}.sql", example.sql.encode()), example.transaction)
    down = None
    if example.down is not None:
        text = SqlText(f"{version}.down.sql", example.down.encode())
        down = (Segment(text, example.transaction),)
    return Migration("sql", f"{version}.sql", version, version, (up,), down)


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
