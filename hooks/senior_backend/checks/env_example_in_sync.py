"""``.env.example`` and the code name the same environment variables.

Each ``.env.example`` covers its own folder; what an outer one lists, the inner folders may use.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from senior_backend.checks.check import Tree, matches
from senior_backend.checks.environment import Read, platform, reader
from senior_backend.checks.environment.example import Entry, parse
from senior_backend.findings import Finding, NotAnalyzed

ID = "env-example-in-sync"
SUMMARY = "Compare the environment variables that the code reads with .env.example."

EXAMPLE = ".env.example"
SEARCHED_BYTES = 1_000_000
"""A larger file is data: it is not searched for the name of a variable."""

Place = tuple[Path, Read]


def check(tree: Tree) -> Iterable[Finding | NotAnalyzed]:
    """Variables that are missing or stale, and lines in error, in the folders of ``selected``."""
    examples = {p.parent: p for p in (*tree.tracked, *tree.selected) if p.name == EXAMPLE}
    folders = {_folder(path, examples) for path in tree.selected}
    files = dict.fromkeys((*tree.tracked, *tree.selected))
    reads, unread = _reads(tree, [p for p in files if _folder(p, examples) in folders])
    yield from unread

    documented: dict[Path, list[Entry]] = {}
    for covered, path in examples.items():
        entries, malformed = parse(tree.text(path) or "")
        documented[covered] = entries
        if covered in folders:
            for bad in malformed:
                yield _finding(path, bad.line, f"{bad.reason}; write NAME=value or # a comment")
            yield from _repeated(path, entries)

    by_folder: dict[Path | None, list[Place]] = {}
    for place in reads:
        by_folder.setdefault(_folder(place[0], examples), []).append(place)
    for folder, places in by_folder.items():
        if folder is None:
            yield from _uncovered(places, has_examples=bool(examples))
        else:
            known = {
                e.name for f, found in documented.items() if folder.is_relative_to(f) for e in found
            }
            yield from _missing(examples[folder], places, known)

    for folder in folders:
        if folder is not None:
            yield from _stale(tree, examples[folder], documented[folder], reads)


def _folder(path: Path, examples: Iterable[Path]) -> Path | None:
    """The nearest folder above ``path`` that has an example."""
    return next((folder for folder in path.parents if folder in examples), None)


def _reads(tree: Tree, paths: Iterable[Path]) -> tuple[list[Place], list[NotAnalyzed]]:
    reads: list[Place] = []
    unread: list[NotAnalyzed] = []
    for path in paths:
        read = reader(path.as_posix())
        text = tree.text(path) if read else None
        if read is None or text is None:
            continue
        try:
            reads += [(path, found) for found in read(text) if not _is_ignored(tree, found)]
        except (SyntaxError, ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None) or 1
            reason = getattr(error, "msg", error)
            remedy = "mend it, or name it under `exclude` in senior-backend.toml"
            unread.append(
                NotAnalyzed(
                    path.as_posix(), line, f"cannot be parsed ({reason}): {remedy}", whole=True
                )
            )
    return reads, unread


def _is_ignored(tree: Tree, read: Read) -> bool:
    return any(
        platform.is_set_by_platform(name) or matches(name, tree.settings.ignore_variables)
        for name in read.names
    )


def _missing(example: Path, places: list[Place], known: set[str]) -> Iterator[Finding]:
    wanted: dict[str, list[Place]] = {}
    for path, read in places:
        if read.name and not any(read.accepts(entry) for entry in known):
            wanted.setdefault(read.name, []).append((path, read))
    for name, found in wanted.items():
        path, read = found[0]
        yield _finding(
            path,
            read.line,
            f"{name} is read here, but {example.as_posix()} does not list it; "
            "add a line with a safe example value, commented out if it is optional",
            variable=name,
            reads=[f"{p.as_posix()}:{r.line}" for p, r in found],
        )


def _uncovered(places: list[Place], *, has_examples: bool) -> Iterator[Finding | NotAnalyzed]:
    """Reads outside the folder of every example: a gap only when there is no example at all."""
    first: dict[Path, Read] = {}
    for path, read in places:
        if read.name:
            first.setdefault(path, read)
    if has_examples:
        for path, read in first.items():
            yield NotAnalyzed(
                path.as_posix(), read.line, f"no {EXAMPLE} in its folder or in one above"
            )
    elif first:
        names = sorted({read.name for _, read in places if read.name})
        path, read = next(iter(first.items()))
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        yield _finding(
            path,
            read.line,
            f"the code reads {len(names)} environment variable{'s'[: len(names) > 1]} ({shown}), "
            f"but there is no {EXAMPLE}; write one that lists them",
            variables=names,
        )


def _repeated(example: Path, entries: list[Entry]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for entry in entries:
        if entry.active and first.setdefault(entry.name, entry.line) != entry.line:
            yield _finding(
                example,
                entry.line,
                f"{entry.name} stands in line {first[entry.name]} already; keep one",
                variable=entry.name,
            )


def _stale(
    tree: Tree, example: Path, entries: list[Entry], reads: list[Place]
) -> Iterator[Finding]:
    suspects = {
        e.name: e
        for e in reversed(entries)
        if not platform.is_read_by_library(e.name)
        and not matches(e.name, tree.settings.ignore_variables)
        and not any(read.accepts(e.name) for _, read in reads)
    }
    named = _mentioned(tree, set(suspects)) if suspects else set()
    for name, entry in suspects.items():
        if name not in named:
            yield _finding(
                example,
                entry.line,
                f"{name} is named nowhere else in the repository; delete the line, "
                "or list it under ignore_variables in senior-backend.toml",
                variable=name,
            )


def _mentioned(tree: Tree, names: set[str]) -> set[str]:
    """Those of ``names`` that some other file spells: DATABASE_URL, databaseUrl, database-url."""
    plain = {_plain(name): name for name in names}
    spelling = "|".join(
        r"[._-]?".join(re.escape(part) for part in name.split("_") if part) for name in names
    )
    pattern = re.compile(rf"(?<![A-Za-z0-9_])(?:{spelling})(?![A-Za-z0-9_])", re.IGNORECASE)
    found: set[str] = set()
    for path in tree.tracked:
        if _is_environment_file(path) or (tree.root / path).stat().st_size > SEARCHED_BYTES:
            continue
        found |= {plain[_plain(match)] for match in pattern.findall(tree.text(path) or "")}
        if len(found) == len(names):
            break
    return found


def _plain(name: str) -> str:
    return re.sub(r"[._-]", "", name).lower()


def _is_environment_file(path: PurePath) -> bool:
    """``.env.example``, ``.env.test`` and their like list variables, they do not use them."""
    return path.name == ".env" or path.name.startswith(".env.")


def _finding(path: Path, line: int, message: str, **details: object) -> Finding:
    return Finding(rule=ID, path=path.as_posix(), line=line, message=message, details=details)
