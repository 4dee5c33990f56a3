"""Migrations as plain SQL files, which every reader and every tool understands."""

import re
from collections.abc import Iterator
from pathlib import Path

from alembic import command, op
from alembic.config import Config

ROOT = Path(__file__).resolve().parents[2]
SQL = ROOT / "migrations" / "sql"

_TOKEN = re.compile(
    r"""
      (?P<line_comment>--[^\n]*)
    | (?P<block_comment>/\*)
    | (?P<escape_string>\b[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<identifier>"(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)


def split_statements(script: str) -> Iterator[str]:
    """The statements of a SQL script, without their semicolons; comments travel along.

    Needed since asyncpg runs one statement at a time, and since CREATE INDEX CONCURRENTLY cannot
    share a message with another statement. SQL-standard function bodies (BEGIN ATOMIC) are not
    understood: use dollar quotes.
    """
    start = position = 0
    has_sql = False
    while found := _TOKEN.search(script, position):
        has_sql = has_sql or bool(script[position : found.start()].strip())
        position = found.end()
        match found.lastgroup:
            case "end":
                if has_sql:
                    yield script[start : found.start()].strip()
                start, has_sql = position, False
            case "block_comment":
                position = _end_of_block_comment(script, position)
            case "line_comment":
                pass
            case _:
                has_sql = True
    if has_sql or script[position:].strip():
        yield script[start:].strip()


def _end_of_block_comment(script: str, position: int) -> int:
    """Block comments nest in PostgreSQL."""
    depth = 1
    for mark in re.compile(r"/\*|\*/").finditer(script, position):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(script)


def run_sql(name: str, *, transaction: bool = True) -> None:
    """Execute a script, statement by statement, on Alembic's connection.

    Args:
        name: of the file in `migrations/sql`.
        transaction: False for statements that refuse one, such as CREATE INDEX CONCURRENTLY.
    """
    statements = list(split_statements((SQL / name).read_text(encoding="utf-8")))
    # The driver's own interface: a colon or a percent sign in SQL means nothing to it.
    if transaction:
        for statement in statements:
            op.get_bind().exec_driver_sql(statement)
    else:
        with op.get_context().autocommit_block():
            for statement in statements:
                op.get_bind().exec_driver_sql(statement)


def migrate(url: str, *, down_to: str | None = None) -> None:
    """Upgrade the database to the newest revision, or downgrade it to `down_to` ("base": all)."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    if down_to is None:
        command.upgrade(config, "head")
    else:
        command.downgrade(config, down_to)
