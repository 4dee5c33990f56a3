"""Where a remedy goes: into its statement's place, or into migrations of its own after it.

What a statement's transaction does not allow (CREATE INDEX CONCURRENTLY, a VALIDATE that must not
share the transaction of its NOT VALID) becomes a new migration of the same tool. Nothing is moved
past a later statement or migration, which may need it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from senior_backend import sql
from senior_backend.migrations.applied import Why
from senior_backend.migrations.fixes.remedy import Edit, Phase, Remedy
from senior_backend.migrations.lint import Problem
from senior_backend.operations import reader, recipes
from senior_backend.operations.columns import (
    AddColumn,
    AlterColumnType,
    DropColumn,
    DropNotNull,
)
from senior_backend.operations.constraints import DropConstraint
from senior_backend.operations.indexes import CreateIndex, DropIndex
from senior_backend.operations.objects import AlterDomain, Drop, DropFromTable, Rename
from senior_backend.operations.operation import Operation
from senior_backend.operations.session import SetVariable
from senior_backend.operations.tables import AttachPartition, CreateTable, DetachPartition
from senior_backend.sources import drizzle, flyway, registry, writing
from senior_backend.sources.migration import Folder, Insertion, NewMigration, Segment
from senior_backend.sql.script import Statement
from senior_backend.sql.text import SqlText, Verbatim


@dataclass(frozen=True, slots=True)
class FileEdit:
    """Replace bytes ``start`` to ``end`` of the file ``path`` by ``content``."""

    path: str
    start: int
    end: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """All that applying a remedy does: edits of files that exist, and migrations after them.

    ``automatic`` is False where a person has to look first; ``reason`` says why.
    """

    edits: tuple[FileEdit, ...] = ()
    new: tuple[NewMigration, ...] = ()
    automatic: bool = False
    reason: str = ""
    remarks: tuple[str, ...] = ()
    """What else must be set for the edits, as sentences."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A problem's statement among the others of its segment."""

    segment: Segment
    statements: tuple[Statement, ...]
    index: int

    @property
    def statement(self) -> Statement:
        return self.statements[self.index]

    @property
    def others(self) -> list[Statement]:
        return [s for n, s in enumerate(self.statements) if n != self.index]


def change(problem: Problem, folder: Folder, may_have_run: Why) -> Change | None:
    """What to do to the files for a problem with a remedy; None when it has none.

    The edits of a plan take its statement out of the migration that exists. Without any edit there
    is only something to know or to do by hand, which ``reason`` says. No edit of a migration that
    may have run is automatic, whatever it is.
    """
    found = _change(problem, folder)
    if found is None or not found.edits:
        return found
    if problem.remedy is not None and problem.remedy.by_search_path and _leaves(found):
        return Change(reason=_PATH)
    found = replace(found, edits=(*found.edits, *_new_down(problem, folder, found)))
    reason = may_have_run(folder, problem.migration)
    if not reason:
        return found
    if found.reason not in ("", PAST):
        reason = f"{found.reason}; {reason}"
    return replace(found, automatic=False, reason=reason)


_PATH: Final = (
    "the migration sets search_path, which its steps would be without: name the schema in the "
    "statement, then fix again"
)


def _leaves(change: Change) -> bool:
    """Whether a part of the remedy runs where the settings of its migration are not."""
    downs = any(b"DROP INDEX CONCURRENTLY" in edit.content for edit in change.edits)
    return bool(change.new) or downs


def _change(problem: Problem, folder: Folder) -> Change | None:
    remedy = problem.remedy
    if remedy is None:
        return None
    if not remedy.edits and not remedy.phases:
        return Change(reason=remedy.reason)
    if folder.source == drizzle.ID and not all(phase.transactional for phase in remedy.phases):
        return Change(reason=_ALL_IN_ONE)
    if not isinstance(problem.text.place, Verbatim):
        return _beside(problem, remedy, "the statement is not SQL in a file: change it by hand")
    if problem.text.path.endswith(".py") and not _fits_a_literal(remedy):
        return _beside(problem, remedy, "the statement is a string in Python: change it by hand")
    if remedy.edits:
        edits = tuple(_edit(problem.text, edit) for edit in remedy.edits)
        return Change(edits, _new(remedy.phases), remedy.safe, remedy.reason)
    place = _place(problem)
    if place is None:
        return _beside(problem, remedy, "it is not a statement of its own")
    return _phases(problem, place, remedy, folder)


def _phases(problem: Problem, place: _Place, remedy: Remedy, folder: Folder) -> Change:
    if place.segment.transaction == "run" and problem.transaction != "explicit":
        remedy = _in_two_runs(remedy)
    phases = remedy.phases
    on_their_own = place.segment.transaction == "statement"
    if problem.direction == "down" and len(phases) > 1 and not on_their_own:
        return Change(reason="it is a down migration, which cannot be split")
    if phases[0].deploy_before:
        if len(phases) == 1 and all(map(_is_setting, place.others)):
            return Change(reason=f"first deploy {phases[0].deploy_before}")
        return _moved(problem, place, phases, automatic=False, reason=remedy.reason)
    deploys = any(phase.deploy_before for phase in phases)
    if deploys and problem.transaction != "explicit":
        edits = _kept(problem, place, phases)
        return Change(edits, _new(phases[1:], place), automatic=False, reason=remedy.reason)
    if problem.transaction is None and on_their_own:
        statements = [text for phase in phases for text in phase.up]
        only = not phases[0].transactional and all(map(_is_setting, place.others))
        gone = _without_settings(place, local_only=True) if only else []
        edits = (*gone, _replace(problem, place.statement, statements))
        mixed = any(phase.transactional for phase in phases)
        insertion = _still_outside(problem, place, folder) if mixed else None
        if insertion is None:
            return Change(edits, (), remedy.safe, remedy.reason)
        edits = (*edits, _inserted(place, insertion))
        return Change(edits, (), remedy.safe, remedy.reason, insertion.remarks)
    if problem.transaction == "explicit":
        return _beside(problem, remedy, "the script opens the transaction itself: split it by hand")
    later = bool(folder.migrations) and folder.migrations[-1].path != problem.migration.path
    alone = place.segment.transaction == "implicit" and all(map(_is_setting, place.others))
    if alone and len(phases[0].up) == 1 and (problem.direction == "up" or len(phases) == 1):
        # Without the settings the statement is the only one of its message: no transaction block.
        gone = _without_settings(place) if not phases[0].transactional else []
        reason = PAST if later and len(phases) > 1 else ""
        kept = _kept(problem, place, phases)
        return Change(
            (*gone, *kept),
            _new(phases[1:], place),
            remedy.safe and not reason,
            reason or remedy.reason,
        )
    outside = _outside(problem, place, remedy, folder)
    if outside is not None:
        return outside
    if problem.direction == "down":
        return Change(reason="it is a down migration, which cannot be split")
    if _every_file_in_a_transaction(folder, place) and not all(p.transactional for p in phases):
        return Change(reason=_NO_PLACE)
    automatic, reason = remedy.safe, remedy.reason
    if later:
        automatic, reason = False, PAST
    elif (named := _named_later(place, phases)) is not None:
        reason = f"a later statement of the migration {named}: split it by hand"
        return _beside(problem, remedy, reason)
    if phases[0].transactional and not remedy.apart:
        edits = _kept(problem, place, phases)
        return Change(edits, _new(phases[1:], place), automatic, reason)
    return _moved(problem, place, phases, automatic=automatic, reason=reason)


def _in_two_runs(remedy: Remedy) -> Remedy:
    """Where one transaction is around all that is due, its parts have to be deployed apart.

    Else VALIDATE scans under the lock of the NOT VALID before it.
    """
    together = remedy.apart
    phases: list[Phase] = []
    for phase in remedy.phases:
        waits = together and phase.transactional and not phase.deploy_before
        scans = any(" VALIDATE CONSTRAINT " in text for text in phase.up)
        if waits and (scans or not phases):
            phase = replace(phase, deploy_before=_RUN)
        phases.append(phase)
        together = phase.transactional
    if phases == list(remedy.phases):
        return remedy
    reason = f"{remedy.reason}; {_ONE_RUN}" if remedy.reason else _ONE_RUN
    return replace(remedy, phases=tuple(phases), safe=False, reason=reason)


_RUN: Final = "the migration before it, in a run of its own"
_ONE_RUN: Final = (
    "all migrations of a run share one transaction, which keeps its locks: deploy the steps one "
    "after the other"
)


def _outside(problem: Problem, place: _Place, remedy: Remedy, folder: Folder) -> Change | None:
    """The statement in its place, where it is all of the way and the tool can run it on its own."""
    phases, told = remedy.phases, registry.OUTSIDE_TRANSACTION.get(folder.source)
    if told is None or len(phases) > 1 or phases[0].transactional:
        return None
    if not all(map(_is_setting, place.others)):
        return None
    way = problem.migration.up if problem.direction == "up" else problem.migration.down
    insertion = told(folder, problem.migration, way or ())
    if insertion is None:
        return None
    if insertion.alone and len(phases[0].up) > 1:
        return None
    cleanup = () if insertion.alone else phases[0].cleanup
    edits = [
        *_without_settings(place),
        _replace(problem, place.statement, (*cleanup, *phases[0].up)),
        _inserted(place, insertion),
    ]
    return Change(tuple(edits), (), remedy.safe, remedy.reason, insertion.remarks)


def _inserted(place: _Place, insertion: Insertion) -> FileEdit:
    at = insertion.offset
    return FileEdit(insertion.path, at, at, _content(place.segment.text, insertion.text))


def _still_outside(problem: Problem, place: _Place, folder: Folder) -> Insertion | None:
    """What Flyway has to be told: by itself it runs only what all refuses a transaction without."""
    if folder.source != flyway.ID or folder.settings.get("executeInTransaction") == "false":
        return None
    return flyway.outside_transaction(folder, problem.migration, (place.segment,))


def _without_settings(place: _Place, *, local_only: bool = False) -> list[FileEdit]:
    """The settings around a statement go; those that the file begins with leave no blank line."""
    data = place.segment.text.data
    gone = [s for s in place.others if not local_only or _is_local(s)]
    at, first = 0, []
    for setting in gone:
        if data[at : setting.start].strip():
            break
        first.append(setting)
        semicolon = data.find(b";", setting.end)
        alone = semicolon >= 0 and not data[setting.end : semicolon].strip()
        at = semicolon + 1 if alone else setting.end
    edits = [_remove(setting) for setting in gone if setting not in first]
    if first:
        at += len(data[at:]) - len(data[at:].lstrip())
        edits.insert(0, _edit(place.segment.text, Edit(0, at, "")))
    return edits


PAST: Final = "the migrations after it may need what would move behind them: split it by hand"
_ALL_IN_ONE: Final = (
    "Drizzle runs all migrations in one transaction, which the safe form refuses: run it by hand"
)
_NO_PLACE: Final = (
    "every file of this folder runs in a transaction, by its settings: the safe form needs a file "
    "that does not"
)


def _fits_a_literal(remedy: Remedy) -> bool:
    """Whether it may be written into a string of a program: a word or two, on the same line."""
    return bool(remedy.edits) and not any(
        set(edit.sql) & set("\n\r;'\"\\{}%") for edit in remedy.edits
    )


def _every_file_in_a_transaction(folder: Folder, place: _Place) -> bool:
    """Plain SQL has no way to say that a file is to be run otherwise than the others."""
    return folder.source == "plain_sql" and place.segment.transaction == "file"


def _named_later(place: _Place, phases: tuple[Phase, ...]) -> str | None:
    """What a later statement has to do with what moves out from before it; None for nothing.

    An index, a check or a foreign key is needed by those only that name it.
    """
    following = [s for s in place.statements[place.index + 1 :] if not _is_setting(s)]
    if not following:
        return None
    names = {key[2] for phase in phases for text in (*phase.up, *phase.down) for key in _keys(text)}
    if not names or any("USING INDEX" in text.upper() for phase in phases for text in phase.up):
        return "may need it"
    for statement in following:
        text = statement.sql.lower()
        named = sorted(name for name in names if name.lower() in text)
        if named:
            return f"names {named[0]}"
    return None


def _moved(
    problem: Problem, place: _Place, phases: tuple[Phase, ...], *, automatic: bool, reason: str
) -> Change:
    """The statement leaves its migration, and what takes it back leaves the down."""
    edits = (_remove(place.statement), *_adapted_down(problem, (), phases))
    return Change(edits, _new(phases, place), automatic, reason)


def _kept(problem: Problem, place: _Place, phases: tuple[Phase, ...]) -> tuple[FileEdit, ...]:
    """The first phase takes the statement's place; the others move out."""
    edit = _replace(problem, place.statement, phases[0].up)
    if problem.direction == "down":
        return (edit,)
    return (edit, *_adapted_down(problem, phases[:1], phases[1:]))


def _adapted_down(
    problem: Problem, kept: tuple[Phase, ...], moved: tuple[Phase, ...]
) -> tuple[FileEdit, ...]:
    """The migration's down is to take back what stays in it, and no more."""
    statements = _down_statements(problem)
    elsewhere = {key for phase in moved for text in phase.down for key in _keys(text)}
    here = {key for phase in kept for text in phase.down for key in _keys(text)}
    gone = [s for s in statements if (keys := _keys(s.sql)) and keys <= elsewhere - here]
    present = {key for statement in statements for key in _keys(statement.sql)}
    missing = [
        text
        for phase in kept
        for text in phase.down
        if (keys := _keys(text)) and not keys <= present
    ]
    edits = [_remove(statement) for statement in gone]
    first = next((s for s in statements if not _is_setting(s)), None)
    if missing and first is not None:
        if first in gone:
            edits = [_remove(s) for s in gone if s is not first]
            edits.append(_replace(problem, first, missing))
        else:
            content = "".join(f"{text};\n" for text in missing)
            edits.append(_edit(first.text, Edit(first.start, first.start, content)))
    elif missing and (text := _last_text(problem)) is not None:
        content = "".join(f"{statement};\n" for statement in missing)
        end = len(text.data)
        line = "" if text.data[:end].endswith(b"\n") or not end else "\n"
        edits.append(_edit(text, Edit(end, end, f"{line}{content}")))
    return tuple(edits)


_DOWN_BESIDE: Final = {
    "/migration.sql": "/down.sql",
    "/up.sql": "/down.sql",
    ".up.sql": ".down.sql",
}
"""How the file that leads up ends, and the one that takes it back."""


def _new_down(problem: Problem, folder: Folder, found: Change) -> tuple[FileEdit, ...]:
    """A down for what is all of its migration, mended where it is, if others have downs.

    As it would get one in a migration of its own.
    """
    phases = problem.remedy.phases if problem.remedy else ()
    if problem.migration.down is not None or len(phases) != 1 or phases[0].transactional:
        return ()
    place = _place(problem)
    path = problem.text.path
    ending = next((ending for ending in _DOWN_BESIDE if path.endswith(ending)), None)
    if found.new or not phases[0].down or place is None or ending is None:
        return ()
    if not writing.has_downs(folder) or not all(map(_is_setting, place.others)):
        return ()
    down = path.removesuffix(ending) + _DOWN_BESIDE[ending]
    return (FileEdit(down, 0, 0, _content(problem.text, writing.script(phases[0].down))),)


def _last_text(problem: Problem) -> SqlText | None:
    """The last text of a down that does nothing yet."""
    texts = [s.text for s in problem.migration.down or () if isinstance(s.text.place, Verbatim)]
    return texts[-1] if texts else None


def _down_statements(problem: Problem) -> list[Statement]:
    """The statements of the migration's down that stand in a file as they are."""
    return [
        statement
        for segment in problem.migration.down or ()
        if isinstance(segment.text.place, Verbatim)
        for statement in _statements(segment.text)
    ]


@lru_cache(maxsize=16)
def _statements(text: SqlText) -> tuple[Statement, ...]:
    """Of a text that every finding in it asks for."""
    return sql.read(text).statements


def _beside(problem: Problem, remedy: Remedy, reason: str) -> Change:
    """Only shown: nothing is edited. A down has no migrations after it that could take its part."""
    new = _new(remedy.phases) if problem.direction == "up" else ()
    return Change((), new, automatic=False, reason=reason)


def _new(phases: tuple[Phase, ...], place: _Place | None = None) -> tuple[NewMigration, ...]:
    """The phases as migrations. Where each statement commits by itself, SET LOCAL has no effect."""
    return tuple(_migration(phase, place) for phase in phases)


def _migration(phase: Phase, place: _Place | None) -> NewMigration:
    """A phase as a migration of its own, with the lock_timeout that becomes it."""
    notes = [f"Deploy first: {phase.deploy_before}"] if phase.deploy_before else []
    notes += [phase.note] if phase.note else []
    up, down = (tuple(s.replace("\r\n", "\n") for s in part) for part in (phase.up, phase.down))
    if phase.transactional:
        alone = place is not None and place.segment.transaction == "statement"
        timeout = recipes.LOCK_TIMEOUT.replace("LOCAL ", "") if alone else recipes.LOCK_TIMEOUT
        up, down = ((timeout, *part) if part else () for part in (up, down))
    elif phase.cleanup and place is not None and place.segment.transaction == "implicit":
        notes.append(f"If it failed before, run first: {'; '.join(phase.cleanup)};")
    else:
        up = (*phase.cleanup, *up)
    return NewMigration(phase.name, up, down, phase.transactional, "\n".join(notes))


def _place(problem: Problem) -> _Place | None:
    segments = (problem.migration.up if problem.direction == "up" else problem.migration.down) or ()
    for segment in segments:
        if segment.text is problem.text:
            statements = _statements(segment.text)
            for index, statement in enumerate(statements):
                if (statement.start, statement.end) == problem.statement:
                    return _Place(segment, statements, index)
    return None


def _is_setting(statement: Statement) -> bool:
    return all(isinstance(operation, SetVariable) for operation in reader.read(statement))


def _is_local(setting: Statement) -> bool:
    """Whether it has no effect outside a transaction: SET LOCAL."""
    operations = reader.read(setting)
    return all(isinstance(one, SetVariable) and one.local for one in operations)


@lru_cache(maxsize=4096)
def _keys(text: str) -> set[tuple[str, str, str]]:
    """What a statement makes or takes away, as far as remedies do: empty when it does more."""
    statements = sql.read(SqlText("", text.encode())).statements
    keys = {_key(operation) for statement in statements for operation in reader.read(statement)}
    return set() if None in keys else {key for key in keys if key is not None}


def _key(operation: Operation) -> tuple[str, str, str] | None:
    match operation:
        case DropIndex(index=index):
            return "drop index", "", index.name
        case CreateIndex(name=str(name)):
            return "create index", "", name
        case DropConstraint(table=table, name=name):
            return "drop constraint", table.name, name
        case DropNotNull(table=table, column=column):
            return "drop not null", table.name, column
        case DropColumn(table=table, column=column):
            return "drop column", table.name, column
        case AddColumn(table=table, column=column):
            return "add column", table.name, column
        case AlterColumnType(table=table, column=column):
            return "type", table.name, column
        case AttachPartition(partition=partition):
            return "attach", "", partition.name
        case DetachPartition(partition=partition):
            return "detach", "", partition.name
        case CreateTable(table=table):
            return "create table", "", table.name
        case Drop(kind=kind, name=dropped):
            return f"drop {kind}", "", dropped.name
        case AlterDomain(domain=domain, action="drop constraint", name=str(name)):
            return "drop domain constraint", domain.name, name
        case AlterDomain(domain=domain, action="drop not null"):
            return "drop domain not null", "", domain.name
        case DropFromTable(kind=kind, name=str(name), table=table):
            return f"drop {kind}", table.name, name
        case Rename(kind=kind, of=of, old=old, new=new):
            return f"rename {kind} {of.name}", old, new
    return None


def _edit(text: SqlText, edit: Edit) -> FileEdit:
    return FileEdit(
        text.path, _offset(text, edit.start), _offset(text, edit.end), _content(text, edit.sql)
    )


def _replace(
    problem: Problem, statement: Statement, statements: tuple[str, ...] | list[str]
) -> FileEdit:
    text, source = statement.text, problem.migration.source
    start, end, content = registry.replaced(
        source, text.data, statement.start, statement.end, statements
    )
    return _edit(text, Edit(start, end, content))


def _remove(statement: Statement) -> FileEdit:
    """Without its semicolon, and without the line break that it leaves."""
    data, end = statement.text.data, statement.end
    semicolon = data.find(b";", end)
    if semicolon >= 0 and not data[end:semicolon].strip():
        end = semicolon + 1
    line = data.rfind(b"\n", 0, statement.start) + 1
    start = line if not data[line : statement.start].strip() else statement.start
    rest = data[end : data.find(b"\n", end) + 1 or len(data)]
    if start == line and not rest.strip():
        end += len(rest)
    return _edit(statement.text, Edit(start, end, ""))


def _offset(text: SqlText, offset: int) -> int:
    found = text.file_offset(offset)
    if found is None:
        raise ValueError(f"{text.path}: not verbatim")
    return found


def _content(text: SqlText, written: str) -> bytes:
    """In the file's own kind of line end."""
    content = written.replace("\r\n", "\n").encode()
    if b"\r" not in text.data:
        return content
    if b"\n" not in text.data:
        return content.replace(b"\n", b"\r")
    return content.replace(b"\n", b"\r\n") if b"\r\n" in text.data else content
