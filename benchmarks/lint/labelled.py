"""A labelled benchmark of somebody else: dangerous, safe and context-dependent migrations.

Strict: the right hazard is named at a statement that has it. Loose: anything that counts is found
in the file. A safe file with a finding that counts is a false alarm. What depends on context (a
table's size) may be flagged or not; it is shown and not judged.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.lint.linters import Found, Linter, Setting
from benchmarks.lint.manifest import Context, Manifest
from benchmarks.lint.markdown import share, table
from benchmarks.lint.statements import Piece, pieces
from senior_backend.errors import NotRunError


@dataclass(frozen=True)
class Labelled:
    """One file, what its authors say of it, and its statements."""

    path: Path
    verdict: str
    hazards: tuple[str, ...]
    statements: tuple[Piece, ...]


@dataclass(frozen=True)
class Judged:
    """What one tool made of one file."""

    linter: str
    file: Labelled
    findings: tuple[Found, ...]
    named: tuple[str, ...]
    """The hazards of the label that were named at the right statement."""

    @property
    def complete(self) -> bool:
        """Every hazard of the label was named where it is."""
        return set(self.named) == set(self.file.hazards)

    @property
    def strict(self) -> bool:
        """At least one hazard of the label was named where it is."""
        return bool(self.named)

    @property
    def loose(self) -> bool:
        """Something that counts was found."""
        return any(one.counted for one in self.findings)


def read(tree: Path) -> list[Labelled]:
    """The labelled files of a folder; raises ``NotRunError`` for a label in another form."""
    return [_read(path) for path in sorted(tree.rglob("*.sql"))]


def _read(path: Path) -> Labelled:
    text = path.read_text(encoding="utf-8")
    before, mark, rest = text.partition("/* ---\n")
    label, end, _ = rest.partition("\n--- */")
    if before or not mark or not end:
        raise NotRunError(f"{path} does not begin with a label")
    data = _label(label)
    return Labelled(path, data["verdict"], tuple(data["hazards"]), tuple(pieces(text) or ()))


def _label(text: str) -> dict[str, Any]:
    """The label's keys. Its description is prose, in which a colon means nothing."""
    lines = [line for line in text.splitlines() if not line.startswith("description:")]
    return dict(yaml.safe_load("\n".join(lines)))


def told(file: Labelled, linter: Linter, manifest: Manifest) -> tuple[str, ...]:
    """The rules that still count when the linter is told what the label says of the database."""
    context = manifest.context.get(file.path.stem, Context())
    with tempfile.TemporaryDirectory(prefix="migration-lint-") as directory:
        schema = Path(directory, "schema.sql")
        schema.write_text(context.schema, encoding="utf-8")
        setting = Setting(
            rows=tuple(context.rows.items()), schema=schema if context.schema else None
        )
        findings = linter.lint([file.path.name], file.path.parent, setting).findings
    return tuple(sorted({one.rule for one in findings if one.counted}))


def judge(linter: Linter, file: Labelled, manifest: Manifest) -> Judged:
    """Lint the file alone and compare with its label."""
    directory = file.path.parent
    findings = linter.lint([file.path.name], directory).findings
    named = tuple(
        hazard
        for hazard in file.hazards
        if any(
            linter.vocabulary.name(hazard, one.rule)
            and _stands_at(one, file, manifest.statement[hazard])
            for one in findings
        )
    )
    return Judged(linter.name, file, findings, named)


def _stands_at(finding: Found, file: Labelled, pattern: str) -> bool:
    return any(
        piece.line <= finding.end_line and finding.line <= piece.end_line
        for piece in file.statements
        if piece.begins_with(pattern)
    )


def report(
    judged: Sequence[Judged],
    linters: Sequence[Linter],
    ours_told: Mapping[Path, tuple[str, ...]] | None = None,
) -> str:
    """The scores, and the files that make the difference.

    ``ours_told`` are the rules of the first linter that count in the files that depend on context
    when it is told the context.
    """
    rows = []
    ours_told = ours_told or {}
    for linter in linters:
        mine = [one for one in judged if one.linter == linter.name]
        dangerous = [one for one in mine if one.file.verdict == "dangerous"]
        safe = [one for one in mine if one.file.verdict == "safe"]
        context = [one for one in mine if one.file.verdict not in ("dangerous", "safe")]
        rows.append(
            (
                f"{linter.name} {linter.version()}",
                share(sum(one.strict for one in dangerous), len(dangerous)),
                share(sum(one.loose for one in dangerous), len(dangerous)),
                share(sum(one.loose for one in safe), len(safe)),
                share(sum(one.loose for one in context), len(context)),
                share(sum(map(bool, ours_told.values())), len(ours_told))
                if linter is linters[0] and ours_told
                else "cannot be told",
            )
        )
    header = (
        "linter",
        "dangerous, strict",
        "dangerous, loose",
        "safe, flagged",
        "context, flagged",
        "with the context told",
    )
    return "\n\n".join([table(header, rows), _by_file(judged, linters, ours_told)])


def _by_file(
    judged: Sequence[Judged], linters: Sequence[Linter], ours_told: Mapping[Path, tuple[str, ...]]
) -> str:
    files = {one.file.path: one.file for one in judged}
    by_place = {(one.file.path, one.linter): one for one in judged}
    rows = []
    for path, file in files.items():
        cells = [_said(by_place[path, linter.name]) for linter in linters]
        if path in ours_told:
            cells[0] += f"; with the context told: {', '.join(ours_told[path]) or '-'}"
        rows.append((path.stem, ", ".join(file.hazards) or "-", *cells))
    return table(("file", "label", *(one.name for one in linters)), rows, numbers_from=9)


def _said(one: Judged) -> str:
    counted = sorted({finding.rule for finding in one.findings if finding.counted})
    rules = ", ".join(counted) or "-"
    if one.file.verdict == "dangerous":
        return (
            "found" if one.complete else "partly" if one.strict else "**missed**"
        ) + f": {rules}"
    if one.file.verdict == "safe":
        return f"**flagged**: {rules}" if counted else "passed"
    return rules
