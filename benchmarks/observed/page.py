"""The page that publishes how far the lock model and PostgreSQL agree."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from benchmarks.lint.markdown import table
from benchmarks.observed.projects import Project
from senior_backend.migrations.trace.agreement import Verdict

EXPLAINED = {
    "25_alter_ids_to_bigint.up.sql:26": (
        "not the model: two tables of this migration have a foreign key of the same name, and the "
        "server names only that in what it says of its work"
    ),
}
"""Why a comparison is wrong, by the end of its place."""

_SHOWN = 40
"""Lines of a list, before it is cut."""

ABOUT = """\
The migration folders of public projects, each at a fixed commit, are built from the first migration
to the last on a throw-away PostgreSQL {major}. Every statement is run as the project's own tool
runs it and traced: the locks that it takes on relations that were there before, what a second
session then waits for, rewritten, scanned and indexed tables. The linter looks at the same
statement with only the files before it, and its word is compared relation by relation: the
strongest lock, what waits (reads, writes), rewrite, scan, index build.

- *Equal*: the linter says what was seen. A relation that neither speaks of is not counted.
- *Harmless*: another lock than was said, and neither keeps reads or writes waiting, such as
  `ROW SHARE` on a table whose foreign key no row made the server look up.
- *Unknown*: the linter says that it does not know, and on what it depends; or something that no
  file shows did it (a trigger, dynamic SQL, partitions that a function makes). *Plans* are those of
  them in which the planner decides whether a query reads the whole table: no folder of migrations
  tells, and nobody waits for it.
- *Wrong*: the linter says one thing and PostgreSQL did another.

A migration that the server refuses ends there: what follows it in its file is not compared. Tables
are as full as the migrations make them: empty, but for the rows that they insert.
"""


def page(projects: Sequence[Project], major: int) -> str:
    """The whole page in Markdown."""
    parts = [
        "# What the linter says beside what PostgreSQL does",
        (
            "Written by `python benchmarks/static_observed.py --write "
            f"docs/benchmarks/static_observed.md` on {datetime.now(UTC).date()}. "
            "The repositories are public and fetched by whoever runs it."
        ),
        ABOUT.format(major=major).rstrip(),
        _overview(projects),
        "## Wrong",
        _list(line for one in projects for line in _lines(one, "wrong")) or "Nothing.",
        "## Unknown, by reason",
        _reasons(projects, "unknown"),
        "## Harmless, by lock",
        _harmless(projects),
        "## Not run",
        _list(f"{one.repository.name} {line}" for one in projects for line in one.failed)
        or "Every migration ran.",
        "## What was read",
        table(
            ("repository", "commit", "tool", "stood in for"),
            [
                (
                    one.repository.name,
                    f"`{one.repository.commit[:12]}`",
                    one.repository.tool,
                    ", ".join(sorted(one.stubbed)) or "-",
                )
                for one in projects
            ],
            9,
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _overview(projects: Sequence[Project]) -> str:
    header = (
        "project", "tool", "migrations", "refused", "statements", "compared", "equal", "harmless",
        "unknown", "of them plans", "wrong", "unknown but plans, share", "wrong, share",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    whole: Counter[Verdict] = Counter()
    sums = [0, 0, 0]
    all_planned = 0
    for one in projects:
        whole += one.counts
        numbers = [one.migrations, len(one.failed), len(one.agreements)]
        sums = [sum(pair) for pair in zip(sums, numbers, strict=True)]
        planned = plans(one)
        all_planned += planned
        counted = _counts(one.counts, planned)
        rows.append((one.repository.name, one.repository.tool, *numbers, *counted))
    rows.append(("**all**", "", *sums, *_counts(whole, all_planned)))
    return table(header, rows, 2)


def plans(project: Project) -> int:
    """Comparisons in which the planner decides."""
    return sum(
        one.why.startswith("the plan of")
        for agreed in project.agreements
        for one in agreed.of("unknown")
    )


def _counts(counts: Counter[Verdict], planned: int) -> tuple[object, ...]:
    compared = sum(counts.values())
    shares = [
        f"{number / (compared or 1):.2%}"
        for number in (counts["unknown"] - planned, counts["wrong"])
    ]
    return (
        compared, counts["equal"], counts["harmless"], counts["unknown"], planned,
        counts["wrong"], *shares,
    )  # fmt: skip


def _lines(project: Project, verdict: Verdict) -> list[str]:
    return [f"{project.repository.name} {line}{_because(line)}" for line in project.of(verdict)]


def _because(line: str) -> str:
    for place, reason in EXPLAINED.items():
        if f"{place}: " in line:
            return f" ({reason})"
    return ""


def _reasons(projects: Sequence[Project], verdict: Verdict) -> str:
    found = Counter(
        (one.aspect, one.why)
        for project in projects
        for agreed in project.agreements
        for one in agreed.of(verdict)
    )
    rows = [(aspect, why, count) for (aspect, why), count in found.most_common()]
    return table(("aspect", "depends on", "times"), rows, 2) if rows else "Nothing."


def _harmless(projects: Sequence[Project]) -> str:
    found = Counter(
        (one.said, one.seen)
        for project in projects
        for agreed in project.agreements
        for one in agreed.of("harmless")
    )
    rows = [(said, seen, count) for (said, seen), count in found.most_common()]
    return table(("said", "seen", "times"), rows, 2) if rows else "Nothing."


def _list(lines: Iterable[str]) -> str:
    every = [f"- `{line.replace('`', '')}`" for line in lines]
    rest = len(every) - _SHOWN
    return "\n".join(every[:_SHOWN] + ([f"- and {rest} more"] if rest > 0 else []))
