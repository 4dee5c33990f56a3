"""Downs for migrations that have none: made from the catalogs, proved, and only then written."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from senior_backend import sql
from senior_backend.migrations import applied
from senior_backend.migrations.fixes import files
from senior_backend.migrations.rollback import proof
from senior_backend.migrations.rollback.downs import down_files, inventory
from senior_backend.migrations.rollback.downs.inventory import Inventory
from senior_backend.migrations.rollback.downs.reverse import Reversal, renames, reverse
from senior_backend.migrations.rollback.verdict import WORDS, Proof
from senior_backend.migrations.run import Request
from senior_backend.migrations.trace import flow
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch.prepare import Built, Progress, build, silent
from senior_backend.migrations.trace.scratch.server import Scratch, Where, open_scratch
from senior_backend.migrations.trace.selection import Part, rendered
from senior_backend.operations import reader
from senior_backend.operations.data import ChangeRows
from senior_backend.operations.tables import Truncate
from senior_backend.postgres.session import Session, StatementError
from senior_backend.sources.migration import Folder, Migration, Segment
from senior_backend.sql.text import SqlText

_PROVED: Final = frozenset({"identical", "physical residue"})


@dataclass(slots=True)
class Written:
    """Files before and after by path; what was refused and why, and what to do instead."""

    files: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    proved: dict[str, str] = field(default_factory=dict)
    """What the proof says of each migration that got a down, by its path."""
    refused: list[str] = field(default_factory=list)
    recipes: list[str] = field(default_factory=list)


def lacks(migration: Migration) -> bool:
    """Whether it has no down, or one without a statement."""
    if migration.repeatable or not migration.up:
        return False
    texts = (segment.text for segment in migration.down or ())
    return not any(script.statements or script.unparsed for script in map(sql.read, texts))


def generate(
    folder: Folder,
    wanted: Sequence[Migration],
    scratch: Scratch,
    settings: Settings,
    *,
    root: Path,
    may_have_run: applied.Why,
    schema: Path | None = None,
    progress: Progress = silent,
) -> Written:
    """Downs for ``wanted``, each proved to restore what was there. Nothing is written to disk.

    Raises:
        InputError: the schema to begin with, or a file, cannot be read.
        NotRunError: the server stopped, or gives no database.
    """
    written = Written()
    ways = _ways(folder, wanted, scratch, settings, schema, progress, written)
    downs: dict[str, down_files.Down] = {}
    for migration, statements in ways:
        down = down_files.of(folder, migration, statements, root, may_have_run)
        if down.refused:
            written.refused.append(f"{migration.path}: {down.refused}")
            shown = "".join(f"\n    {text};" for text in statements)
            written.recipes.append(f"{migration.path}: what takes it back:{shown}")
        else:
            downs[migration.path] = down
    kept = {m.path: texts for m, texts in ways if m.path in downs}
    if not kept:
        return written
    progress("proving what was made")
    tried = replace(
        folder,
        has_downs=True,
        migrations=tuple(
            replace(m, down=_segments(m, kept[m.path])) if m.path in kept else m
            for m in folder.migrations
        ),
    )
    report = proof.prove(
        tried, kept.keys(), scratch, settings, proof.Options(schema=schema, root=root), progress
    )
    for found in report.proofs:
        if found.verdict in _PROVED and found.again is None:
            written.files.update(downs[found.path].files)
            written.proved[found.path] = WORDS[found.verdict]
        else:
            written.refused.append(f"{found.path}: {_doubt(found)}")
    return written


def for_all(
    parts: Sequence[Part],
    request: Request,
    where: Where,
    timeout_s: float,
    python: Sequence[str],
    progress: Progress = silent,
) -> Written:
    """The same for everything that is asked for, on the oldest PostgreSQL that is.

    Raises:
        InputError: what was asked for contradicts itself, or cannot be read.
        NotRunError: the server does not start or answer.
    """
    written = Written()
    asked = [
        (part, [m for m in part.folder.migrations if m.path in part.directions and lacks(m)])
        for part in parts
    ]
    if not any(wanted for _, wanted in asked):
        return written
    settings = flow.session_settings(where.production, timeout_s)
    schema = Path(request.settings.schema) if request.settings.schema else None
    progress("starting the server")
    with open_scratch(where, min(where.majors, default=None)) as scratch:
        for part, wanted in asked:
            if not wanted:
                continue
            folder, note = rendered(part.folder, python)
            if note:
                written.recipes.append(note)
            paths = {m.path for m in wanted}
            found = generate(
                folder,
                [m for m in folder.migrations if m.path in paths],
                scratch,
                settings,
                root=request.root,
                may_have_run=applied.why(request.root, request.since),
                schema=schema,
                progress=progress,
            )
            written.files.update(found.files)
            written.proved.update(found.proved)
            written.refused += found.refused
            written.recipes += found.recipes
    return written


def save(written: Written, root: Path) -> None:
    """Write the files.

    Raises:
        InputError: one cannot be written, or is not what it was.
    """
    files.save(root, written.files)


def _segments(migration: Migration, statements: Sequence[str]) -> tuple[Segment, ...]:
    text = ";\n".join(statements) + ";\n"
    transaction = migration.up[0].transaction
    return (Segment(SqlText(migration.path, text.encode()), transaction),)


def _doubt(found: Proof) -> str:
    lost = "; ".join(str(one) for one in found.comparison.lost[:3])
    differs = [str(one) for one in found.comparison.catalog if not one.physical]
    again = str(found.again) if found.again else ""
    why = found.reason or lost or "; ".join(differs[:3]) or again
    return f"what would take it back does not: {WORDS[found.verdict]}: {why}; write it by hand"


def _ways(
    folder: Folder,
    wanted: Sequence[Migration],
    scratch: Scratch,
    settings: Settings,
    schema: Path | None,
    progress: Progress,
    written: Written,
) -> list[tuple[Migration, tuple[str, ...]]]:
    """The statements that lead back, of those that have a way."""
    earlier, following = folder.around(wanted)
    url = scratch.database()
    ways = []
    try:
        built = build(
            url,
            earlier,
            scratch,
            settings,
            later=following,
            schema=schema,
            progress=progress,
        )
        for migration in following:
            if migration in wanted:
                progress(f"looking for the way back of {migration.path}")
                found = _way(url, migration, scratch, settings, built)
                if found.refused:
                    written.refused += [f"{migration.path}: {why}" for why in found.refused]
                    if found.recipe:
                        written.recipes.append(f"{migration.path}: {found.recipe}")
                elif found.statements:
                    ways.append((migration, _gently(migration, found)))
            _apply(url, migration, scratch, settings, built)
    finally:
        scratch.drop(url)
    return ways


def _apply(
    url: str, migration: Migration, scratch: Scratch, settings: Settings, built: Built
) -> str:
    with scratch.tracer(url, settings) as tracer:
        problem = tracer.apply(built.runnable(migration))
        tracer.finish()
    return str(problem) if problem is not None else ""


def _way(
    url: str, migration: Migration, scratch: Scratch, settings: Settings, built: Built
) -> Reversal:
    before = inventory.read(url)
    if rows := tuple(_row_changes(migration, before)):
        return Reversal((), rows)
    work = scratch.database(url)
    try:
        if problem := _apply(work, migration, scratch, settings, built):
            return Reversal((), (f"its up does not run here: {problem}",))
        named = renames(before, inventory.read(work))
        if named and (problem := _run(work, named)):
            return Reversal((), (f"its names cannot be given back one by one: {problem}",))
        there = inventory.read(work)
        found = reverse(before, there, replacing=True)
        if found.refused:
            return found
        if _run(work, ("BEGIN", *found.statements, "ROLLBACK")):
            found = reverse(before, there)
        statements = (*named, *found.statements)
        if not statements:
            return Reversal((), ("nothing was found that takes it back: write it by hand",))
        return replace(found, statements=statements)
    finally:
        scratch.drop(work)


def _run(url: str, statements: Sequence[str]) -> str:
    with Session(url) as session:
        try:
            for statement in statements:
                session.execute(statement)
        except StatementError as error:
            return str(error)
    return ""


def _row_changes(migration: Migration, before: Inventory) -> list[str]:
    """Changes of rows that were there: what they held is in no catalog."""
    tables = {t.name: t.key for t in before.values() if t.kind == "table"}
    columns = {(t.parent, t.name) for t in before.values() if t.kind == "column"}
    found = []
    for segment in migration.up:
        for statement in sql.read(segment.text).statements:
            place = f"line {statement.position.line}"
            for operation in reader.read(statement):
                if isinstance(operation, Truncate):
                    found.append(f"{place}: TRUNCATE: the rows are gone")
                if not isinstance(operation, ChangeRows) or operation.table.name not in tables:
                    continue
                key = tables[operation.table.name]
                kept = [c for c in operation.columns if (key, c) in columns]
                if operation.action == "update" and not kept:
                    continue  # of a column that goes again
                found.append(
                    f"{place}: {operation.action} of rows of {operation.table.name}: what was "
                    "there before is not known"
                )
    return found


def _gently(migration: Migration, found: Reversal) -> tuple[str, ...]:
    """Indexes CONCURRENTLY, where the down runs statement by statement, or is this alone."""
    statements = found.statements
    outside = migration.up[0].transaction == "statement"
    alone = migration.up[0].transaction == "implicit" and len(statements) == 1
    if not (outside or alone):
        return statements
    return tuple(one if one in found.plain else _concurrently(one) for one in statements)


def _concurrently(statement: str) -> str:
    for head in ("DROP INDEX ", "CREATE INDEX ", "CREATE UNIQUE INDEX "):
        if statement.startswith(head):
            return f"{head}CONCURRENTLY {statement.removeprefix(head)}"
    return statement
