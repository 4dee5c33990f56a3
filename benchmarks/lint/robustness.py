"""Nothing that is written in a file may end the linter, or be passed over in silence.

The account is kept by migration, which is one file for most tools: what a plain count finds in its
files is analyzed, or reported with its place. A file that is no part of a migration is named with
the reason.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.lint.markdown import table
from benchmarks.lint.statements import pieces

CHECKOUT = Path(__file__).resolve().parents[2]
SHOWN = 10


@dataclass(frozen=True)
class Survived:
    """One folder: what is in it, and what the linter did with it."""

    name: str
    files: int = 0
    statements: int = 0
    """In the files that were read."""
    analyzed: int = 0
    reported: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """Files by the reason why they are no migrations."""
    not_read: Counter[str] = field(default_factory=Counter)
    """Files that were reported as a whole, by reason."""
    differences: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    """Files of which the linter said nothing at all."""
    crash: str | None = None


def survive(name: str, tree: Path, folder: str) -> Survived:
    """Lint a folder and count beside it."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "benchmarks.lint.accounting", folder]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        return Survived(name, crash=f"{done.returncode}: {lines[-1]}")
    return settle(name, tree, folder, json.loads(done.stdout))


def settle(name: str, tree: Path, folder: str, account: dict[str, Any]) -> Survived:
    """Hold the linter's account against what is there."""
    there = {
        path.relative_to(tree).as_posix()
        for path in (tree / folder).rglob("*.sql")
        if path.is_file()
    }
    missing = there.copy()
    statements = analyzed = reported = 0
    not_read: Counter[str] = Counter()
    differences = []
    for migration in account["migrations"]:
        whole = {one["path"]: one["reason"] for one in migration["not_read"]}
        not_read.update(whole[path] for path in whole if path in there)
        files = [path for path in migration["files"] if path in there]
        missing.difference_update(files)
        count = sum(_count(tree / path) for path in files if path not in whole)
        statements += count
        analyzed += migration["analyzed"]
        reported += migration["reported"]
        if migration["analyzed"] + migration["reported"] != count:
            differences.append(
                f"{', '.join(files)}: {count} counted, {migration['analyzed']} analyzed, "
                f"{migration['reported']} reported"
            )
    left_out: Counter[str] = Counter()
    for one in account["apart"]:
        below = {path for path in missing if f"{path}/".startswith(f"{one['path']}/")}
        missing -= below
        (left_out if one["left_out"] else not_read)[one["reason"]] += len(below)
    return Survived(
        name,
        len(there),
        statements,
        analyzed,
        reported,
        +left_out,
        +not_read,
        tuple(differences),
        tuple(sorted(missing)),
    )


def _count(path: Path) -> int:
    return len(pieces(path.read_text(encoding="utf-8-sig", errors="replace")) or ())


def report(survived: Sequence[Survived]) -> str:
    """One line a folder and their sum; then why files were left out, and what does not add up."""
    header = (
        "folder",
        "files",
        "left out",
        "not readable",
        "statements",
        "analyzed",
        "reported",
        "difference",
        "silent",
        "crash",
    )
    rows = [_row(one.name, [one]) for one in survived]
    parts = [table(header, [*rows, _row("**all**", survived)])]
    for title, reasons in (
        ("Left out", [one.left_out for one in survived]),
        ("Not readable", [one.not_read for one in survived]),
    ):
        total: Counter[str] = sum(reasons, Counter())
        listed = "; ".join(f"{count:,} {reason}" for reason, count in total.most_common(SHOWN))
        parts.append(f"{title}, files by reason: {listed or 'none'}.")
    apart = [line for one in survived for line in (*one.differences, *one.silent)]
    parts += [f"- {line}" for line in apart]
    return "\n\n".join(parts)


def _row(name: str, survived: Sequence[Survived]) -> tuple[object, ...]:
    read = sum(one.statements for one in survived)
    analyzed = sum(one.analyzed for one in survived)
    reported = sum(one.reported for one in survived)
    return (
        name,
        f"{sum(one.files for one in survived):,}",
        f"{sum(one.left_out.total() for one in survived):,}",
        f"{sum(one.not_read.total() for one in survived):,}",
        f"{read:,}",
        f"{analyzed:,}",
        f"{reported:,}",
        f"{analyzed + reported - read:+,}",
        sum(len(one.silent) for one in survived),
        next((one.crash for one in survived if one.crash), "no"),
    )
