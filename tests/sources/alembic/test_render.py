"""What Alembic itself says, and that reading without running it says the same."""

import sys
from pathlib import Path

import pytest

from senior_backend.errors import NotRunError
from senior_backend.sources.alembic.render import render
from senior_backend.sources.migration import Folder, Segment
from tests.sources.alembic.revisions import folder, revision
from tests.sources.alembic.test_operations import OPERATIONS

INI = {"alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\n"}
OFFLINE = {
    "migrations/env.py": "from alembic import context\n"
    "context.configure(\n"
    "    dialect_name='postgresql', literal_binds=True, transaction_per_migration=True\n)\n"
    "with context.begin_transaction():\n    context.run_migrations()\n"
}
LOOP = "for name in sorted({'a', 'b'}):\n    op.execute(f'drop table {name}')"


def test_a_folder_that_no_alembic_ini_names_is_not_rendered(tmp_path: Path):
    found = folder(tmp_path, {"1.py": revision("1", up=LOOP)})
    with pytest.raises(NotRunError, match=r"no alembic\.ini names this folder"):
        render(found)


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path):
    found = folder(tmp_path, {"1.py": revision("1", up=LOOP)}, INI)
    with pytest.raises(NotRunError, match="no-python is not installed"):
        render(found, ["no-python"])


def test_an_interpreter_without_alembic_is_named(tmp_path: Path):
    found = folder(tmp_path, {"1.py": revision("1", up=LOOP)}, INI)
    with pytest.raises(NotRunError, match="No module named 'alembic"):
        render(found, [sys.executable, "-S"])


def test_nothing_is_run_where_everything_was_read(tmp_path: Path):
    found = folder(tmp_path, {"1.py": revision("1", up="op.execute('select 1')")}, INI)
    assert render(found, ["no-python"]) is found


def lines(segments: tuple[Segment, ...] | None) -> list[tuple[str, str, int]]:
    """Segments as (transaction, SQL in one line, line of the file)."""
    return [
        (
            segment.transaction,
            " ".join(segment.text.data.decode().rstrip("; \n").split()),
            segment.text.position(0).line,
        )
        for segment in segments or ()
    ]


def offline(root: Path, text: str) -> Folder:
    return folder(root, {"1.py": text}, {**INI, **OFFLINE})


@pytest.mark.verify
def test_what_was_not_read_is_what_alembic_renders_with_its_lines(
    tmp_path: Path, python_with_alembic: str
):
    block = "with op.get_context().autocommit_block():\n    op.execute('vacuum t')"
    up = f"op.execute('select 1')\n{LOOP}\n{block}"
    text = revision("1", up=up, downgrade="op.drop_table(sorted({'t'})[0])")
    first = text.splitlines().index("def upgrade():") + 2
    found = offline(tmp_path, text)
    assert found.migrations[0].not_read
    (migration,) = render(found, [python_with_alembic]).migrations
    assert lines(migration.up) == [
        ("file", "select 1", first),
        ("file", "drop table a", first + 2),
        ("file", "drop table b", first + 2),
        ("statement", "vacuum t", first + 4),
    ]
    assert [sql for _, sql, _ in lines(migration.down)] == ["DROP TABLE t"]
    assert migration.not_read == ()


@pytest.mark.verify
def test_a_revision_that_needs_a_database_is_named_and_nothing_connects(
    tmp_path: Path, python_with_alembic: str
):
    up = "for row in op.get_bind().execute(sa.text('select 1')):\n    op.execute('select 2')"
    (migration,) = render(offline(tmp_path, revision("1", up=up)), [python_with_alembic]).migrations
    assert "Alembic could not render its upgrade" in migration.not_read[-1].reason
    env = (
        "import sqlalchemy\nfrom alembic import context\n"
        "sqlalchemy.create_engine('sqlite://').connect()\n"
    )
    found = folder(
        tmp_path / "online", {"1.py": revision("1", up=LOOP)}, {**INI, "migrations/env.py": env}
    )
    (migration,) = render(found, [python_with_alembic]).migrations
    assert "connects without asking context.is_offline_mode()" in migration.not_read[-1].reason


@pytest.mark.verify
def test_operations_are_read_as_alembic_renders_them(tmp_path: Path, python_with_alembic: str):
    every = "\n".join(up for up, _ in OPERATIONS)
    found = offline(tmp_path, revision("1", up=every))
    rendered = render(found, [python_with_alembic], {"1"})
    read, said = (lines(one.migrations[0].up) for one in (found, rendered))
    assert [sql for _, sql, _ in read] == [sql for _, sql, _ in said]
    assert rendered.migrations[0].not_read == ()
