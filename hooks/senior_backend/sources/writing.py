"""What the writers of new migrations share: scripts, steps, and that no file is overwritten."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from senior_backend.errors import InputError
from senior_backend.sources.migration import Folder, NewMigration, WrittenFiles

_SETTING: Final = re.compile(r"\s*(set|reset)\s", re.IGNORECASE)


def script(statements: Sequence[str], note: str = "") -> str:
    """Statements as the text of a file: each with its semicolon, ``note`` as comment before."""
    lines = [f"-- {line}".rstrip() for line in note.splitlines()]
    return "\n".join([*lines, *(terminated(statement) for statement in statements)]) + "\n"


def down_script(statements: Sequence[str]) -> str:
    """The down of a pair; tools do not go back past a missing one, even if it has no work."""
    return script(statements, "" if statements else "Nothing to take back.")


def terminated(statement: str) -> str:
    """A statement with exactly one semicolon at its end."""
    return statement.strip().rstrip(";").rstrip() + ";"


def replaced(_data: bytes, start: int, end: int, statements: Sequence[str]) -> tuple[int, int, str]:
    """What to write between which bytes, where one statement is: its semicolon follows already."""
    return start, end, ";\n".join(terminated(statement)[:-1] for statement in statements)


def alone(new: Sequence[NewMigration]) -> tuple[list[NewMigration], tuple[str, ...]]:
    """``new`` for a tool that sends a file as one message: what refuses a transaction stands alone.

    A non-transactional migration of several statements becomes several of one statement. Settings
    (SET lock_timeout) cannot share its file and are left out, with a remark.
    """
    steps: list[NewMigration] = []
    remarks: list[str] = []
    for migration in new:
        if migration.transactional:
            steps.append(migration)
            continue
        up = [statement for statement in migration.up if not _SETTING.match(statement)]
        down = [statement for statement in migration.down if not _SETTING.match(statement)]
        if len(up) + len(down) < len(migration.up) + len(migration.down):
            remarks.append(
                f"{migration.name}: its statement must be alone in its file, so settings such as "
                "lock_timeout are left out; set them for the role that runs migrations."
            )
        for number, statement in enumerate(up):
            last = number == len(up) - 1
            # Taken back in the reverse order: the last step has the first of the downs.
            own = len(up) - 1 - number
            steps.append(
                replace(
                    migration,
                    name=migration.name if len(up) == 1 else f"{migration.name}_{number + 1}",
                    up=(statement,),
                    down=tuple(down[own : own + 1]) if number else tuple(down[own:]),
                    note=migration.note if number == 0 else "",
                )
            )
            if last and len(down) > len(up):
                remarks.append(
                    f"{migration.name}: its down file has several statements of which one may "
                    "refuse a transaction; run them one by one."
                )
    return steps, tuple(remarks)


def has_downs(folder: Folder) -> bool:
    """Whether a migration of the folder has a down: where none has, no new one gets any.

    A file for a way that nobody takes would be run by a runner of all files.
    """
    return any(migration.down is not None for migration in folder.migrations)


def taken_back(new: Sequence[NewMigration]) -> list[str]:
    """Remarks for a folder without downs: what would take each new migration back."""
    return [
        f"{migration.name}: the folder has no downs, so to take it back, run: "
        + " ".join(map(terminated, migration.down))
        for migration in new
        if migration.down
    ]


def written(root: Path, files: Mapping[str, str], remarks: Sequence[str] = ()) -> WrittenFiles:
    """``files`` below ``root``, none of which exists.

    Raises:
        InputError: one exists.
    """
    for path in files:
        if (root / path).exists():
            raise InputError(f"{root / path}: exists; give the new migration another name")
    return WrittenFiles(files, tuple(remarks))
