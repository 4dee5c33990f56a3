"""The schema before the first migration, from a file that a team has: a dump or Prisma's."""

from collections.abc import Iterable
from pathlib import Path

from senior_backend import sql
from senior_backend.catalog import prisma_schema, replay
from senior_backend.catalog.model import BEFORE, Catalog
from senior_backend.errors import InputError
from senior_backend.sql.script import Script, Statement
from senior_backend.sql.text import SqlText


def from_file(path: Path) -> Catalog:
    """The schema of ``pg_dump --schema-only`` output or of a ``.prisma`` file.

    Raises InputError (one line) for a file that is unreadable, not text, or holds no schema.
    """
    text = text_of(path)
    if path.suffix == ".prisma":
        return prisma_schema.read(str(path), text.data.decode("utf-8"))
    catalog = from_scripts([sql.read(text)])
    if not (catalog.tables or catalog.enums or catalog.functions or catalog.schemas):
        raise InputError(f"{path}: creates no table: give the output of pg_dump --schema-only")
    return catalog


def text_of(path: Path) -> SqlText:
    """What the file of a schema says.

    Raises InputError (one line) for one that is unreadable, not text, or a dump in another format.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if data.startswith(b"PGDMP"):
        raise InputError(f"{path}: a dump in custom format: make it with pg_dump --format=plain")
    return sql.decode(str(path), data)


def from_scripts(scripts: Iterable[Script]) -> Catalog:
    """The schema that scripts make in an empty database; what cannot be parsed is left out."""
    catalog = Catalog(complete=True)
    for script in scripts:
        _replay(catalog, script.statements)
        replay.end_session(catalog)
    return catalog


def _replay(catalog: Catalog, statements: Iterable[Statement]) -> None:
    from senior_backend.operations import reader

    for statement in statements:
        for operation in reader.read(statement):
            replay.apply(catalog, operation, BEFORE)
        if statement.kind == "DoStmt":
            for body in sql.bodies(statement):
                _replay(catalog, body.statements)
