"""A database that one migration after the other is tried on: its rows are made anew, it is not.

To copy a database takes longer than all else that a proof does. After an up, its down and the up
again it is what the next migration begins with, wherever the down has left nothing behind; then
only its rows are made anew, so that a proof says the same whether others ran before it or not.
"""

import contextlib
import re
from collections.abc import Sequence
from typing import Final

from senior_backend.errors import NotRunError
from senior_backend.migrations.rollback.comparing import data
from senior_backend.migrations.rollback.comparing.compare import SLOTS
from senior_backend.migrations.rollback.verdict import Proof
from senior_backend.postgres.session import Session
from senior_backend.sources.migration import Migration

_HANGS_ON_ROWS: Final = re.compile(
    r"\b(?:do|call|database|copy)\b|\bexecute\s+(?!function\b|procedure\b)"
    r"|\bselect\s+[\w.\"]+\s*\(",
    re.IGNORECASE,
)
"""What it does may be another thing where there are rows: the empty database would differ."""
_EMPTYING: Final = "set statement_timeout = '30s'; set lock_timeout = '5s'"


def goes_on(migration: Migration, proof: Proof) -> bool:
    """Whether the database in which a proof was made is what the next migration begins with."""
    if proof.verdict not in ("identical", "physical residue") or proof.again is not None:
        return False
    if any(one.what != SLOTS for one in proof.comparison.catalog):
        return False
    segments = (*migration.up, *(migration.down or ()))
    return not any(_HANGS_ON_ROWS.search(s.text.data.decode("utf-8", "replace")) for s in segments)


def emptied(url: str) -> bool:
    """Take all rows out of a database; False where that cannot be."""
    with contextlib.suppress(NotRunError), Session(url) as session:
        session.execute(_EMPTYING)
        with contextlib.suppress(NotRunError):  # triggers of users stay quiet where the role may
            session.execute("set session_replication_role = replica")
        if full := _with_rows(session, data.tables(url)):
            session.execute(f"truncate {', '.join(full)} cascade")
        return True
    return False


def is_empty(url: str) -> bool:
    """Whether no table holds rows: what migrations have put there, a later one may need."""
    with contextlib.suppress(NotRunError), Session(url) as session:
        return not _with_rows(session, data.tables(url))
    return False


def _with_rows(session: Session, tables: Sequence[str]) -> list[str]:
    if not tables:
        return []
    asked = ", ".join(f"exists (select from {table})" for table in tables)
    (found,) = session.execute(f"select array[{asked}]")
    return [table for table, has_rows in zip(tables, found[0], strict=True) if has_rows]
