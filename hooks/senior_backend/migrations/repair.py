"""Applying fixes: the edits and new migrations of a whole run, as files."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from senior_backend import sql
from senior_backend.errors import InputError
from senior_backend.migrations.fixes import files
from senior_backend.migrations.fixes.placement import Change, change
from senior_backend.migrations.lint import Problem
from senior_backend.migrations.run import FolderResult, Result
from senior_backend.sources.migration import Folder
from senior_backend.sql.text import Verbatim

_LOCK_TIMEOUT: Final = "missing-lock-timeout"


@dataclass(slots=True)
class Repair:
    """What is to be written: contents before (empty for a new file) and after, by path."""

    contents: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    repaired: list[Problem] = field(default_factory=list)
    told: list[Problem] = field(default_factory=list)
    """Those that only a remark is about: to be done by hand."""

    def diff(self) -> str:
        """All of it as one diff that ``git apply`` takes."""
        return "".join(files.diff(p, before, after) for p, (before, after) in self.contents.items())

    def save(self, root: Path) -> None:
        """Write the files.

        Raises:
            InputError: one cannot be written.
        """
        files.save(root, self.contents)


def automatic(result: Result, root: Path, now: datetime) -> Repair:
    """The repair of all that may be repaired without a person looking first."""
    return _repair(result, root, now, lambda found: found.automatic)


def planned(result: Result, root: Path, now: datetime) -> Repair:
    """The repair with all plans as well, for a person to look at."""
    return _repair(result, root, now, lambda found: bool(found.edits or found.reason))


def _repair(result: Result, root: Path, now: datetime, wanted: Callable[[Change], bool]) -> Repair:
    repair = Repair()
    for folder in result.folders:
        _folder(repair, folder, root, now, wanted, result)
    return repair


def _folder(
    repair: Repair,
    folder: FolderResult,
    root: Path,
    now: datetime,
    wanted: Callable[[Change], bool],
    result: Result,
) -> None:
    pairs = []
    for problem in folder.problems:
        if problem.finding.suppressed is None:
            found = change(problem, folder.folder, result.may_have_run)
            if found is not None and wanted(found):
                pairs.append((problem, found))
    pairs = _lock_timeouts_last(pairs)
    kept = files.compatible([found for _, found in pairs])
    done = {edit for found in kept for edit in found.edits}
    # Two rules may have the same to say about a statement, with the same remedy.
    repair.repaired += [p for p, found in pairs if found.edits and done.issuperset(found.edits)]
    replanned = {id(problem.migration) for problem in repair.repaired}
    for problem, found in pairs:
        if found.edits and (reason := result.may_have_run(folder.folder, problem.migration)):
            remark = f"{problem.migration.path}: {reason}"
            repair.remarks += [remark] if remark not in repair.remarks else []
        if found.edits or not found.reason:
            continue
        if problem.direction == "down" and id(problem.migration) in replanned:
            repair.repaired.append(problem)
            continue  # its up comes in steps now, and so does the way back
        repair.told.append(problem)
        remark = f"{problem.finding.path}:{problem.finding.line}: {found.reason}"
        repair.remarks += [remark] if remark not in repair.remarks else []
    repair.remarks += dict.fromkeys(remark for found in kept for remark in found.remarks)
    edits = [edit for found in kept for edit in found.edits]
    contents = files.edited(root, edits, result.unsaved)
    _refuse_changed(folder.folder, contents)
    new = [migration for found in kept for migration in found.new]
    if new:
        written = files.write_new(folder.folder, new, now)
        base = files.shown_root(folder.folder, root)
        for name, content in written.files.items():
            contents[f"{base}{name}"] = (b"", content.encode())
        repair.remarks += written.remarks
    broken = next((path for path, change in contents.items() if not is_sound(path, *change)), None)
    if broken is not None:
        mended = {id(problem) for problem, _ in pairs}
        repair.repaired[:] = [p for p in repair.repaired if id(p) not in mended]
        repair.remarks.append(
            f"{broken}: what would be written does not parse, so nothing of its folder is; "
            "please report it"
        )
        return
    repair.contents.update(contents)


def is_sound(path: str, before: bytes, after: bytes) -> bool:
    """Whether a file that is to be written can be read again as well as before."""
    if path.endswith(".py"):
        try:
            ast.parse(after)
        except (SyntaxError, ValueError):
            return False
        return True
    if path.endswith(".sql"):
        return _unread(after) <= _unread(before)
    return True


def _unread(data: bytes) -> int:
    try:
        script = sql.read(sql.decode("", data))
    except InputError:
        return 0  # a file in another encoding is edited byte by byte
    return sum(piece.refused for piece in script.unparsed)


def _refuse_changed(folder: Folder, contents: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Edits count from the text that was linted: in any other they would spoil the file."""
    for migration in folder.migrations:
        if contents.keys().isdisjoint(migration.files):
            continue
        for segment in (*migration.up, *(migration.down or ())):
            text = segment.text
            if isinstance(text.place, Verbatim) and text.path in contents:
                before, offset = contents[text.path][0], text.place.offset
                if before[offset : offset + len(text.data)] != text.data:
                    raise files.changed_meanwhile(text.path)


def _lock_timeouts_last(pairs: list[tuple[Problem, Change]]) -> list[tuple[Problem, Change]]:
    """Without those of files that other fixes change.

    Where another fix has made a statement CONCURRENTLY, no lock_timeout may stand before it: what
    is missing then is seen in the next round.
    """
    touched = {
        edit.path
        for problem, found in pairs
        if problem.finding.rule != _LOCK_TIMEOUT
        for edit in found.edits
    }
    return [
        (problem, found)
        for problem, found in pairs
        if problem.finding.rule != _LOCK_TIMEOUT
        or touched.isdisjoint(edit.path for edit in found.edits)
    ]
