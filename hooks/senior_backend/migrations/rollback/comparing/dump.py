"""The schema as pg_dump writes it: a second opinion, by the server's own makers."""

import difflib
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from senior_backend.errors import NotRunError
from senior_backend.postgres.address import without_password

_RANDOM: Final = re.compile(r"^\\(?:un)?restrict .*$", re.MULTILINE)
"""A key that pg_dump draws anew at every run."""
_VERSIONS: Final = re.compile(r"^-- Dumped .*$", re.MULTILINE)
_TIMEOUT_SECONDS: Final = 120


def schema_of(url: str, programs: Path | None) -> str:
    """What ``pg_dump --schema-only`` writes of a database, without what differs at every run.

    ``programs`` is the folder with pg_dump; None: that of ``PATH``.

    Raises:
        NotRunError: there is no pg_dump, or it refuses (it is older than the server, a role may
            not read everything).
    """
    program = str(programs / "pg_dump") if programs is not None else "pg_dump"
    try:
        done = subprocess.run(
            [program, "--schema-only", "--dbname", url],
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            # Nothing of the user's surroundings may change what is compared.
            env={**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise NotRunError(
            "pg_dump is not installed, and the second comparison needs it: install "
            "PostgreSQL's client programs, or name their folder with --pg-bin"
        ) from None
    except subprocess.TimeoutExpired:
        raise NotRunError(
            f"pg_dump of {without_password(url)} did not end in {_TIMEOUT_SECONDS} s"
        ) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = " ".join(line.removeprefix("pg_dump: ") for line in lines[:2]) or "no reason given"
        raise NotRunError(f"pg_dump of {without_password(url)}: {reason}")
    return normalized(done.stdout.decode(errors="replace"))


@cache
def version_of(programs: Path | None) -> int | None:
    """The major version of the pg_dump there; None where there is none."""
    program = str(programs / "pg_dump") if programs is not None else "pg_dump"
    try:
        done = subprocess.run([program, "--version"], capture_output=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(rb"(\d+)(?:\.\d+|devel|beta|rc)", done.stdout)
    return int(found[1]) if found else None


def normalized(text: str) -> str:
    """Without what differs at every run."""
    return _VERSIONS.sub("", _RANDOM.sub("", text))


def changed_lines(before: str, after: str) -> tuple[str, ...]:
    """What went (``-``) and what came (``+``), without comments and empty lines."""
    if sorted(before.splitlines()) == sorted(after.splitlines()):
        return ()  # its order is that of OIDs where names do not tell
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return tuple(
        line
        for line in list(lines)[2:]
        if line[0] in "+-" and line[1:].strip() and not line[1:].startswith("--")
    )
