"""Nothing that is written in a file may end the linter, or be passed over in silence.

The statements are counted apart from the linter. Where PostgreSQL's scanner does not get through a
file, that file has no such count, and it must at least be named as not analyzed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lint.linters import Linter
from benchmarks.lint.markdown import table
from benchmarks.lint.statements import pieces
from senior_backend.errors import NotRunError


@dataclass(frozen=True)
class Survived:
    """One folder: what was in it, and what the linter said it did with it."""

    name: str
    files: int
    statements: int
    uncountable: int
    analyzed: int
    not_analyzed: int
    crash: str | None = None


def survive(name: str, tree: Path, folder: str, linter: Linter) -> Survived:
    """Lint a folder and count beside it."""
    files = sorted(path for path in (tree / folder).rglob("*.sql") if path.is_file())
    counted = [pieces(path.read_text(encoding="utf-8", errors="replace")) for path in files]
    statements = sum(len(one) for one in counted if one is not None)
    uncountable = sum(one is None for one in counted)
    try:
        linted = linter.lint([folder], tree)
    except NotRunError as error:
        return Survived(name, len(files), statements, uncountable, 0, 0, str(error))
    return Survived(
        name=name,
        files=len(files),
        statements=statements,
        uncountable=uncountable,
        analyzed=linted.summary["checked"],
        not_analyzed=len(linted.not_analyzed),
    )


def report(survived: Sequence[Survived]) -> str:
    """One line a folder. Counts differ where a piece is no statement, as a psql command."""
    rows = [
        (
            one.name,
            f"{one.files:,}",
            f"{one.statements:,}",
            one.uncountable,
            f"{one.analyzed:,}",
            f"{one.not_analyzed:,}",
            f"{one.analyzed + one.not_analyzed - one.statements:+,}",
            one.crash or "no",
        )
        for one in survived
    ]
    header = (
        "folder",
        "files",
        "statements",
        "files without a count",
        "analyzed",
        "not analyzed",
        "difference",
        "crash",
    )
    return table(header, rows)
