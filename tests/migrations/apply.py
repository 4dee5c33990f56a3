"""Applying a migration folder to a real PostgreSQL, as its tool would; and what is there after."""

import re
from pathlib import Path

import psycopg

from senior_backend import sql
from senior_backend.sources.discovery import discover
from senior_backend.sources.migration import Folder, Segment

_CATALOG = """
select 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull::text || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
union all
select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid),
       convalidated::text
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'index', i.indrelid::regclass::text, c.relname, pg_get_indexdef(i.indexrelid),
       i.indisvalid::text
from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace
order by 1, 2, 3
"""


def folder(root: Path) -> Folder:
    """The one migration folder below ``root``."""
    (found,) = discover([root], root).found
    return found.folder


def upgrade(url: str, migrations: Folder) -> None:
    """Every migration, in order."""
    with psycopg.connect(url, autocommit=True) as connection:
        for migration in migrations.migrations:
            for segment in migration.up:
                _run(connection, segment)


def downgrade(url: str, migrations: Folder, down_to: int) -> None:
    """The downs of all but the first ``down_to`` migrations, newest first."""
    with psycopg.connect(url, autocommit=True) as connection:
        for migration in reversed(migrations.migrations[down_to:]):
            for segment in migration.down or ():
                _run(connection, segment)


def _run(connection: psycopg.Connection, segment: Segment) -> None:
    script = sql.read(segment.text)
    assert not script.unparsed, script.unparsed
    if segment.transaction == "implicit":
        # psycopg sends several statements as one simple query when there are no parameters.
        connection.execute(segment.text.data)
        return
    statements = [statement.sql for statement in script.statements]
    if segment.transaction in ("file", "run"):
        with connection.transaction():
            for statement in statements:
                connection.execute(statement.encode())
    else:
        for statement in statements:
            connection.execute(statement.encode())


def catalog(url: str) -> list[tuple[str, ...]]:
    """Tables, columns, constraints and indexes, as text; NOT NULL without its constraint's name."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(_CATALOG).fetchall()
    return [row for row in rows if not re.match(r"NOT NULL \S+$", row[3])]


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """The result of a query; nothing without one."""
    if not query:
        return []
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
