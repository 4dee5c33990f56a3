"""What became of every file of a folder, as the linter itself keeps the account.

Run as a program, so that a crash ends it alone: prints one JSON document.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from senior_backend import sql
from senior_backend.migrations.run import Request, run
from senior_backend.migrations.settings import Settings
from senior_backend.sources import discovery
from senior_backend.sources.migration import Migration, NotRead
from senior_backend.sql.script import Script


def account(root: Path, folder: str) -> dict[str, Any]:
    """By migration: its files, the statements analyzed, the places reported; and what is no part.

    A report about the body of a function, or about what psql makes of a query's rows, is not
    counted: the statement that it is about is analyzed.
    """
    found = discovery.discover([root / folder], root)
    apart = [*found.not_read, *(one for part in found.found for one in part.not_read)]
    result = run(Request(root, (root / folder,), Settings()))
    migrations = [
        {
            "files": list(linted.migration.files),
            "analyzed": linted.statements,
            "reported": _reported(linted.migration),
            "not_read": _places(linted.migration.not_read),
        }
        for one in result.folders
        for linted in one.linted
    ]
    return {"migrations": migrations, "apart": _places(apart)}


def _reported(migration: Migration) -> int:
    """Pieces that could not be parsed."""
    segments = (*migration.up, *(migration.down or ()))
    return sum(_apart(sql.read(segment.text)) for segment in segments)


def _apart(script: Script) -> int:
    spans = [(one.start, one.end) for one in script.statements] if script.unparsed else []
    return sum(
        not any(start < one.end and one.start < end for start, end in spans)
        for one in script.unparsed
        if not script.text.data.startswith(b"\\", one.start)
    )


def _places(items: Iterable[NotRead]) -> list[dict[str, Any]]:
    return [
        {"path": one.path, "line": one.line, "reason": one.reason, "left_out": one.left_out}
        for one in items
    ]


if __name__ == "__main__":
    json.dump(account(Path.cwd(), sys.argv[1]), sys.stdout)
