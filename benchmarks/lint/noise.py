"""How often the linters speak on real histories, and a sample of ours to judge by hand.

Counted in what goes forward; statements by our own plain count. squawk gets the files that go
forward, and is told that each runs in a transaction, which keeps it silent on new tables, except
those that build something concurrently, which the projects run without one.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.lint.histories import History
from benchmarks.lint.linters import Found, Linter, Setting
from benchmarks.lint.markdown import table

CONTEXT_LINES = 12


@dataclass(frozen=True)
class Heard:
    """What both said of one project."""

    history: History
    statements: int
    ours: tuple[Found, ...]
    squawk: tuple[Found, ...]


def listen(history: History, ours: Linter, squawk: Linter) -> Heard:
    """Lint one project with both, as a user of each would."""
    forward = history.forward_files()
    said = ours.lint(history.repository.paths, history.tree).findings
    theirs: list[Found] = []
    for alone in (False, True):
        names = [one.name for one in forward if one.concurrent == alone]
        if names:
            setting = Setting(in_transaction=not alone)
            theirs += squawk.lint(names, history.tree, setting).findings
    return Heard(
        history=history,
        statements=sum(len(one.forward()) for one in forward),
        ours=tuple(one for one in history.forward(said) if one.counted),
        squawk=tuple(history.forward(theirs)),
    )


def report(heard: Sequence[Heard]) -> str:
    """Findings per thousand statements, by project and in all."""
    rows = [_row(one.history.repository.name, one.history.repository.tool, [one]) for one in heard]
    rows.append(_row("**all**", "", heard))
    header = (
        "project",
        "tool",
        "statements",
        "ours",
        "ours a 1,000",
        "squawk, hazards a 1,000",
        "squawk, all a 1,000",
    )
    return "\n\n".join([table(header, rows, numbers_from=2), _by_rule(heard)])


def _row(name: str, tool: str, heard: Sequence[Heard]) -> tuple[object, ...]:
    statements = sum(one.statements for one in heard)
    ours = sum(len(one.ours) for one in heard)
    hazards = sum(found.counted for one in heard for found in one.squawk)
    everything = sum(len(one.squawk) for one in heard)
    rates = [f"{count / statements * 1000:.0f}" for count in (ours, hazards, everything)]
    return (name, tool, f"{statements:,}", f"{ours:,}", *rates)


def _by_rule(heard: Sequence[Heard]) -> str:
    ours = Counter(found.rule for one in heard for found in one.ours)
    theirs = Counter(found.rule for one in heard for found in one.squawk if found.counted)
    lines = []
    for name, counts in (("ours", ours), ("squawk", theirs)):
        rules = ", ".join(f"{rule} {count}" for rule, count in counts.most_common())
        lines.append(f"Rules, {name}: {rules or 'none'}.")
    return "\n\n".join(lines)


def sample(heard: Sequence[Heard], count: int, seed: int) -> str:
    """Findings of ours drawn at random, with their statements, for a person to judge."""
    everything = [(one, found) for one in heard for found in one.ours]
    drawn = random.Random(seed).sample(everything, min(count, len(everything)))
    parts = []
    for number, (one, found) in enumerate(drawn, start=1):
        text = (one.history.tree / found.path).read_text(encoding="utf-8", errors="replace")
        first = max(found.line - 3, 1)
        lines = text.splitlines()[first - 1 : max(found.end_line, found.line) + 2][:CONTEXT_LINES]
        code = "\n".join(f"{first + at:>5}  {line}" for at, line in enumerate(lines))
        repository = one.history.repository
        link = f"https://github.com/{repository.name}/blob/{repository.commit}/{found.path}"
        parts.append(
            f"### {number}. {found.rule}\n\n<{link}#L{found.line}>\n\n{found.message}\n\n{code}"
        )
    return "\n\n".join(parts)
