"""Changes as files: new contents, unified diffs that ``git apply`` takes, what is written."""

import difflib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from senior_backend.errors import InputError
from senior_backend.migrations.fixes.placement import Change, FileEdit
from senior_backend.sources.migration import Folder, NewMigration, WrittenFiles
from senior_backend.sources.registry import BY_ID

_MOVED: Final = b"-- Moved to the next migrations.\n"


def edited(
    root: Path, edits: Iterable[FileEdit], unsaved: Mapping[str, bytes] = MappingProxyType({})
) -> dict[str, tuple[bytes, bytes]]:
    """Before and after by path. Of edits that overlap only the first in the file is made.

    Only insertions make a new file. None is left empty, which tools refuse.

    ``unsaved`` holds what stands in no file (standard input).

    Raises:
        InputError: a file cannot be read.
    """
    by_path: dict[str, list[FileEdit]] = {}
    for edit in edits:
        by_path.setdefault(edit.path, []).append(edit)
    result = {}
    for path, found in by_path.items():
        try:
            before = unsaved[path] if path in unsaved else (root / path).read_bytes()
        except FileNotFoundError:
            if any(edit.end for edit in found):
                raise InputError(f"{path}: cannot be read (it is gone)") from None
            before = b""
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        pieces, at = [], 0
        for edit in sorted(found, key=lambda e: (e.start, e.end)):
            if edit.start >= at:
                pieces += [before[at : edit.start], edit.content]
                at = edit.end
        after = b"".join([*pieces, before[at:]])
        result[path] = (before, _MOVED if before.strip() and not after.strip() else after)
    return result


def compatible(changes: Sequence[Change]) -> list[Change]:
    """The changes whose edits do not overlap those of an earlier one: a change is whole or not.

    Those without edits are left out: the statement stays, and would be done twice.
    """
    taken: list[FileEdit] = []
    kept = []
    for change in changes:
        if change.edits and not any(_overlap(e, other) for e in change.edits for other in taken):
            taken += change.edits
            kept.append(change)
    return kept


def _overlap(edit: FileEdit, other: FileEdit) -> bool:
    if edit.path != other.path:
        return False
    if edit == other:
        return True  # the same insertion twice
    return edit.start < other.end and other.start < edit.end


def diff(path: str, before: bytes, after: bytes) -> str:
    """A unified diff as Git writes it; a new file when ``before`` is empty.

    Its first line makes the paths relative to the repository wherever ``git apply`` is called.
    """
    old, new = _name(f"a/{path}"), _name(f"b/{path}")
    # A tab ends a name with spaces.
    first, second = (f"{n}\t" if " " in n else n for n in (old if before else "/dev/null", new))
    lines = list(_unified(_lines(before), _lines(after), first, second))
    if not lines and before == after:
        return ""
    created = "" if before else "new file mode 100644\n"
    return f"diff --git {old} {new}\n{created}" + "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


_CONTEXT: Final = 3
_HUNK: Final = re.compile(r"@@ -(\d+)((?:,\d+)?) \+(\d+)((?:,\d+)?) @@\n")


def _unified(old: list[str], new: list[str], first: str, second: str) -> Iterator[str]:
    """As difflib does it, but only what differs is compared: files are long, fixes are short."""
    shortest = min(len(old), len(new))
    head = next((n for n in range(shortest) if old[n] != new[n]), shortest)
    tail = next((n for n in range(shortest - head) if old[-1 - n] != new[-1 - n]), shortest - head)
    start = max(0, head - _CONTEXT)
    keep = max(0, tail - _CONTEXT)
    part, other = (lines[start : len(lines) - keep] for lines in (old, new))
    for line in difflib.unified_diff(part, other, first, second, n=_CONTEXT):
        hunk = _HUNK.fullmatch(line)
        if hunk and start:
            a, b = int(hunk[1]) + start, int(hunk[3]) + start
            yield f"@@ -{a}{hunk[2]} +{b}{hunk[4]} @@\n"
        else:
            yield line


def _name(name: str) -> str:
    """As Git quotes names with control characters, quotes or backslashes."""
    if not any(character in '"\\' or character < " " for character in name):
        return name
    marks = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(marks.get(c, f"\\{ord(c):03o}" if c < " " else c) for c in name) + '"'


def _lines(data: bytes) -> list[str]:
    """Kept with their ends; never broken at anything but a line feed, as Git does."""
    text = data.decode("utf-8", errors="surrogateescape")
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def write_new(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """The files of new migrations in the form of the folder's tool; nothing is written to disk."""
    return BY_ID[folder.source].write(folder, new, now)


def save(root: Path, contents: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Write files, given as before and after; nothing before is a new or an empty file.

    All are written beside their places first, and then moved there, so that a full disk or a
    folder that is read-only leaves every file as it was.

    Raises:
        InputError: one cannot be written, is not what it was when it was read, or is there already.
    """
    written: list[tuple[Path, Path]] = []
    name = ""
    try:
        for name, (before, after) in contents.items():
            path = _place(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not before and path.exists() and path.stat().st_size:
                raise InputError(f"{name}: is there already; nothing was written")
            if before and path.read_bytes() != before:
                raise changed_meanwhile(name)
            beside = path.with_name(f".senior-backend.{os.getpid()}.{len(written)}")
            with beside.open("xb") as file:
                written.append((beside, path))
                file.write(after)
            if path.exists():
                shutil.copymode(path, beside)
        for beside, path in written:
            name = str(path)
            beside.replace(path)
    except OSError as error:
        raise InputError(f"{name}: cannot be written ({error.strerror})") from None
    finally:
        for beside, _ in written:
            beside.unlink(missing_ok=True)


def _place(root: Path, name: str) -> Path:
    """Where the file is: what a link leads to, so that the link stays, but only below ``root``."""
    path = root / name
    if path.is_symlink():
        target = path.resolve()
        if not target.is_relative_to(root.resolve()):
            raise InputError(f"{name}: is a link to {target}, outside; mend that file itself")
        return target
    if path.exists() and not os.access(path, os.W_OK):
        raise InputError(f"{name}: is read-only; allow writing, and run this again")
    return path


def changed_meanwhile(name: str) -> InputError:
    """What to say of a file whose edits no longer fit."""
    return InputError(f"{name}: has changed since it was linted; run this again")


def shown_root(folder: Folder, root: Path) -> str:
    """The folder's path as a prefix of names relative to ``root``: empty, or ending in a slash."""
    try:
        relative = folder.root.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return f"{folder.root}/"
    return "" if relative == "." else f"{relative}/"
