"""Where a generated down goes, in the form of each tool: a file beside the up, or its section.

No down that exists is touched, and no file that may have run already is edited: only files beside
it are added.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from senior_backend import sql
from senior_backend.errors import InputError
from senior_backend.migrations.applied import Why
from senior_backend.operations import recipes
from senior_backend.sources import alembic, goose, sql_migrate, writing
from senior_backend.sources.migration import Folder, Migration

NOTE: Final = "Generated, and proved to lead back to what was there before."
_FLAGS: Final = re.IGNORECASE | re.MULTILINE
_BESIDE: Final = {
    "/migration.sql": "/down.sql",
    "/up.sql": "/down.sql",
    ".up.sql": ".down.sql",
}
_SECTIONS: Final = {
    "goose": (
        "-- +goose Down",
        "-- +goose",
        re.compile(r"^--[ \t]*\+goose[ \t]+down\b.*$", _FLAGS),
        "",  # said once for both ways
    ),
    "dbmate": (
        "-- migrate:down",
        "-- migrate:",
        re.compile(r"^--[ \t]*migrate:down\b.*$", _FLAGS),
        "transaction:false",
    ),
    "sql_migrate": (
        "-- +migrate Down",
        "-- +migrate",
        re.compile(r"^--[ \t]*\+migrate[ \t]+down\b.*$", _FLAGS),
        "notransaction",
    ),
}
"""The line before a section, how lines of the tool begin, and what it says outside transactions."""
_DOWNGRADE: Final = re.compile(
    r'^def downgrade\(\)[^\n]*:\n(?P<doc>(?:[ \t]+(?:"""[^"]*"""|#[^\n]*)\n)*)'
    r"(?P<body>[ \t]+pass[ \t]*(?:#[^\n]*)?)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Down:
    """Files by path as shown: before (empty for a new one) and after. ``refused`` says why none."""

    files: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    refused: str = ""


def transactional(migration: Migration, statements: Sequence[str]) -> bool:
    """Whether the down runs as one transaction: where the up does, and all of it may."""
    if migration.up and migration.up[0].transaction == "statement":
        return False
    alone = len(statements) == 1 and "CONCURRENTLY" in statements[0]
    return not (alone and migration.up and migration.up[0].transaction == "implicit")


def of(
    folder: Folder, migration: Migration, statements: Sequence[str], root: Path, may_have_run: Why
) -> Down:
    """The down of a migration that has none."""
    timeout = (recipes.LOCK_TIMEOUT,) if transactional(migration, statements) else ()
    statements = (*timeout, *statements)
    path = migration.path
    beside = next((end for end in _BESIDE if path.endswith(end)), None)
    name = path.rpartition("/")[2]
    if folder.source == "flyway" and re.match(r"V[^/]*\.sql\Z", name):
        return _new(root, path.removesuffix(name) + "U" + name[1:], statements)
    if beside is not None and folder.source not in ("drizzle", "supabase"):
        return _new(root, path.removesuffix(beside) + _BESIDE[beside], statements)
    if folder.source not in (*_SECTIONS, alembic.ID):
        return Down(refused="its tool has no downs")
    reason = may_have_run(folder, migration)
    if reason:
        return Down(refused=f"its down belongs into its own file, which may have run: {reason}")
    alone = not transactional(migration, statements)
    before = (root / path).read_bytes()
    text = before.decode("utf-8", "surrogateescape")
    edited = (
        _downgrade(text, statements, alone=alone)
        if folder.source == alembic.ID
        else _section(folder.source, text, statements, alone=alone)
    )
    if edited is None:
        return Down(refused="its file has no place for a down that could be found")
    return Down({path: (before, edited.encode("utf-8", "surrogateescape"))})


def _new(root: Path, path: str, statements: Sequence[str]) -> Down:
    """A file of its own; one that is there and has no statement keeps its comments."""
    before = (root / path).read_bytes() if (root / path).exists() else b""
    try:
        there = sql.read(sql.decode(path, before))
    except InputError as error:
        return Down(refused=str(error))
    if there.statements or there.unparsed:
        return Down(refused=f"{path} exists")
    kept = before.rstrip() + b"\n" if before.strip() else b""
    return Down({path: (before, kept + writing.script(statements, NOTE).encode())})


def _section(source: str, text: str, statements: Sequence[str], *, alone: bool) -> str | None:
    """The text with a section for the way down; comments that stand in an empty one are kept."""
    mark, own, pattern, outside = _SECTIONS[source]
    line_end = "\r\n" if "\r\n" in text else "\n"
    lines = [f"-- {NOTE}", *(_statement(source, one) for one in statements)]
    found = pattern.search(text)
    mark = f"{mark} {outside}" if alone and outside else mark
    if found is None:
        head, kept = text.rstrip("\r\n") + line_end, []
    else:
        rest = text[found.end() :]
        if re.sub(r"--[^\n]*", "", rest).strip():
            return None
        head = text[: found.start()]
        kept = [line.rstrip() for line in rest.splitlines() if line.strip()]
        kept = [line for line in kept if not line.lower().startswith(own)]
        if not (alone and outside):
            mark = found[0].rstrip()
    block = "\n".join((mark, *kept, *lines)).replace("\n", line_end) + line_end
    return f"{head}{line_end if found is None else ''}{block}"


def _statement(source: str, statement: str) -> str:
    if source == goose.ID:
        return goose.statement(statement)
    if source == sql_migrate.ID:
        return goose.statement(statement).replace("-- +goose ", "-- +migrate ")
    return writing.terminated(statement)


def _downgrade(text: str, statements: Sequence[str], *, alone: bool) -> str | None:
    found = _DOWNGRADE.search(text)
    imported = re.findall(r"^from alembic import (.*)$", text, re.MULTILINE)
    if found is None or not any("op" in re.split(r"[\s,]+", names) for names in imported):
        return None
    indent = re.match(r"[ \t]+", found["body"])
    space = indent[0] if indent else "    "
    lines = [f"{space}# {NOTE}"]
    if alone:
        lines.append(f"{space}with op.get_context().autocommit_block():")
    deeper = space * 2 if alone else space
    lines += (f"{deeper}op.execute({_literal(one)})" for one in statements)
    body = "\n".join(lines)
    return f"{text[: found.start('body')]}{body}{text[found.end('body') :]}"


def _literal(statement: str) -> str:
    """A Python string: op.execute takes a colon before a word for a parameter."""
    escaped = re.sub(r"(?<!:):(?=\w)", r"\\:", statement)
    return repr(escaped) if "\n" not in escaped else '"""' + escaped.replace('"""', '\\"""') + '"""'
