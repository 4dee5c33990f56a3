"""Passwords of servers of our own: random, and in files that only their reader may open."""

import os
import re
import secrets
from pathlib import Path

from senior_backend.errors import NotRunError
from senior_backend.postgres.identity import User
from senior_backend.postgres.places import locked


def fresh() -> str:
    """A password that cannot be guessed, 128 bits, of characters that no URL has to encode."""
    return secrets.token_hex(16)


def kept_in(path: Path) -> str:
    """The password that the file holds; made at first use, or when it is spoilt.

    Raises ``NotRunError`` when it can be neither read nor made.
    """
    try:
        with locked(path.with_name(f"{path.name}.lock")):
            try:
                password = path.read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                password = ""
            if not re.fullmatch(r"[0-9a-f]{32}", password):
                password = fresh()
                write(path, password)
    except OSError as error:
        raise NotRunError(f"{path} cannot be used: {error.strerror}") from None
    return password


def write(path: Path, content: str, reader: User | None = None) -> None:
    """Write, or replace, a file of mode 0600 that belongs to ``reader`` (``None``: to us)."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
        if reader is not None:
            os.fchown(descriptor, reader.uid, reader.gid)
        file.write(content)
