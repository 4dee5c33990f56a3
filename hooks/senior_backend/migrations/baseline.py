"""The baseline: findings that were there when the linter was adopted, in a file to commit.

A finding is known by its rule, its path and its statement's text, white space aside, so that it
stays known when lines move. An entry that nothing matches any more is left out when the file is
written anew and its migration was linted.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from senior_backend.errors import InputError
from senior_backend.findings import Suppression
from senior_backend.migrations.lint import Problem

VERSION: Final = 1


def identity(problem: Problem) -> str:
    """What makes a finding the same one."""
    start, end = problem.statement
    sql = b" ".join(problem.text.data[start:end].split())
    name = f"{problem.finding.rule}\0{problem.finding.path}\0".encode("utf-8", "surrogateescape")
    return hashlib.sha256(name + sql).hexdigest()[:16]


def read(path: Path) -> Counter[str]:
    """How many findings of each identity are known.

    Raises:
        InputError: the file is not a baseline.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        if document["version"] != VERSION:
            raise InputError(
                f"{path}:1: a baseline of version {document['version']}, not {VERSION}"
            )
        return Counter({str(e["id"]): int(e["count"]) for e in document["findings"]})
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; make it with --write-baseline {path}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}:1: no baseline ({error}); make it anew with --write-baseline {path}"
        ) from None


def write(path: Path, problems: Iterable[Problem], linted: Collection[str], root: Path) -> int:
    """Write the unsuppressed problems; returns how many.

    What an earlier baseline at ``path`` knows of files that were not ``linted`` this time stays, as
    long as there are such files below ``root``.

    Raises:
        InputError: there is another file at ``path``, or it cannot be written.
    """
    counts: Counter[tuple[str, str, str]] = Counter(
        (p.finding.path, p.finding.rule, identity(p))
        for p in problems
        if p.finding.suppressed is None
    )
    entries = [
        {"path": place, "rule": rule, "id": key, "count": count}
        for (place, rule, key), count in counts.items()
    ]
    entries += [
        entry
        for entry in _earlier(path)
        if entry["path"] not in linted and (root / entry["path"]).exists()
    ]
    entries.sort(key=lambda entry: (entry["path"], entry["rule"], entry["id"]))
    text = json.dumps({"version": VERSION, "findings": entries}, indent=1, ensure_ascii=False)
    try:
        path.write_text(text + "\n", encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    return sum(counts.values())


def _earlier(path: Path) -> list[dict[str, Any]]:
    """The entries of a baseline that is to be written anew; no other file is overwritten."""
    if not path.is_file() or not path.stat().st_size:
        return []
    try:
        read(path)
    except InputError:
        raise InputError(
            f"{path}: is there and is no baseline, so it is not overwritten; "
            "name another file, or delete it"
        ) from None
    entries: list[dict[str, Any]] = json.loads(path.read_bytes().decode(errors="surrogateescape"))[
        "findings"
    ]
    return [entry for entry in entries if entry.keys() >= {"path", "rule"}]


def apply(problems: list[Problem], known: Counter[str]) -> None:
    """Mark the problems that the baseline knows as suppressed."""
    left = Counter(known)
    for index, problem in enumerate(problems):
        if problem.finding.suppressed is not None:
            continue
        key = identity(problem)
        if left[key] > 0:
            left[key] -= 1
            mark = Suppression("in the baseline", in_source=False)
            problems[index] = replace(
                problem, finding=replace(problem.finding, suppressed=mark), remedy=None
            )
