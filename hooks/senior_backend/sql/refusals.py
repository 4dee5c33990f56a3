"""Why a piece could not be parsed, in one line that names what is likely wrong."""

import re

from senior_backend.sql.script import Unparsed
from senior_backend.sql.text import SqlText

_FLAGS = re.IGNORECASE | re.MULTILINE
# What other databases write and PostgreSQL's grammar refuses.
_DIALECTS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    (
        "ClickHouse",
        re.compile(
            rb"\b\w*MergeTree\b|\bLowCardinality\s*\(|\bCODEC\s*\(|\bON\s+CLUSTER\b"
            rb"|\bDateTime64\b|\bNullable\s*\(|\bUInt(?:8|16|32|64)\b"
            rb"|\bMATERIALIZED\s+VIEW\s[^;()]*\sTO\s",
            _FLAGS,
        ),
    ),
    (
        "MySQL",
        re.compile(
            rb"`[^`\n]+`|\bAUTO_INCREMENT\b|\bENGINE\s*=|\bUNSIGNED\b|\bMODIFY\s+COLUMN\b"
            rb"|\bCHANGE\s+COLUMN\b|\bON\s+UPDATE\s+CURRENT_TIMESTAMP|^\s*DELIMITER\b"
            rb"|\b(?:UN)?LOCK\s+TABLES\b|\bCHARACTER\s+SET\b|\bCHARSET\s*="
            rb"|\b(?:TINY|MEDIUM)INT\b|\bINSERT\s+IGNORE\b|\bON\s+DUPLICATE\s+KEY\b"
            rb"|\bSET\s+FOREIGN_KEY_CHECKS\b",
            _FLAGS,
        ),
    ),
    (
        "SQLite",
        re.compile(
            rb"\bAUTOINCREMENT\b|^\s*PRAGMA\b|\bWITHOUT\s+ROWID\b"
            rb"|\bINSERT\s+OR\s+(?:REPLACE|IGNORE|ABORT|ROLLBACK|FAIL)\b"
            rb"|^\s*(?:ATTACH|DETACH)\s+DATABASE\b",
            _FLAGS,
        ),
    ),
    (
        "SQL Server",
        re.compile(
            rb"^\s*GO\s*$|\[\s*dbo\s*\]|\[[A-Za-z_]\w*\]\s*(?:\.|\()|\bNVARCHAR\b"
            rb"|\bIDENTITY\s*\(\s*\d|\bDECLARE\s+@|\bGETDATE\s*\(|\bEXEC(?:UTE)?\s+sp_"
            rb"|\bUNIQUEIDENTIFIER\b|\bWITH\s*\(\s*NOLOCK\s*\)|\bSELECT\s+TOP\b|\b(?:NON)?CLUSTERED\b",
            _FLAGS,
        ),
    ),
    (
        "CockroachDB",
        re.compile(
            rb"\bINVERTED\s+INDEX\b|\bSTORING\s*\(|\bALTER\s+PRIMARY\s+KEY\b"
            rb"|\bDROP\s+INDEX\b.*\w@\w|\bFAMILY\s+\S+\s*\(|\bUSING\s+HASH\s+WITH\b",
            _FLAGS,
        ),
    ),
    (
        "Oracle",
        re.compile(rb"\bVARCHAR2\b|\bNUMBER\s*\(|\bSYSDATE\b|\bENABLE\s+ROW\s+MOVEMENT\b", _FLAGS),
    ),
)
_BEGINNING = re.compile(
    rb"(?:ALTER|CREATE|DROP|INSERT|UPDATE|DELETE|COMMENT|GRANT|SELECT|TRUNCATE|BEGIN|COMMIT)\b",
    re.IGNORECASE,
)
_LONGEST = 90


def unparsed(
    text: SqlText, start: int, end: int, sql: bytes, message: str, offset: int
) -> Unparsed:
    """A piece that the grammar refuses with ``message`` at byte ``offset`` of it.

    One for another database is no statement that somebody should have looked at.
    """
    why = reason(sql, message, offset)
    return Unparsed(text, start, end, why, refused=", not PostgreSQL: " not in why)


def reason(sql: bytes, message: str, offset: int) -> str:
    """The reason for a piece that the grammar refuses with ``message`` at byte ``offset``."""
    message = _one_line(message)
    for dialect, pattern in _DIALECTS:
        found = pattern.search(sql, 0, 20_000)
        if found:
            sign = _one_line(found.group().decode("utf-8", "replace"))
            return f"{dialect}, not PostgreSQL: {sign}"
    if (
        offset > 0
        and _BEGINNING.match(sql, offset)
        and not sql[:offset].rstrip(b" \t")[-1:].strip()
    ):
        return f"{message}: is a semicolon missing before it?"
    return message


def template(marks: list[bytes], message: str) -> str:
    """The reason for a piece that does not parse with stand-ins for its template marks."""
    first = _one_line(marks[0].decode("utf-8", "replace"))
    kind = "psql variable" if first.startswith(":") else "template"
    return f"{kind} {first}: cannot be read without its value ({_one_line(message)})"


def _one_line(text: str) -> str:
    line = " ".join(text[: 4 * _LONGEST].split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
