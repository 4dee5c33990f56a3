"""What is read of a function's body, and what is not because only a run can tell."""

from pathlib import Path

import pytest

from senior_backend.sql.text import Derived, Position, Verbatim
from tests.sources.alembic.revisions import only, revision
from tests.sources.tree import sql

READ = {
    "a_string": ("op.execute('select 1')", ["select 1"]),
    "text": ("op.execute(sa.text('select 1'))", ["select 1"]),
    "strings_side_by_side": ("op.execute('select ' '1')", ["select 1"]),
    "a_sum": ("op.execute('select ' + '1')", ["select 1"]),
    "a_variable": ("q = 'select 1'\nop.execute(q)", ["select 1"]),
    "a_constant": ("op.execute(SQL)", ["select 'constant'"]),
    "an_f_string_of_constants": ("op.execute(f'drop table {NAME}')", ["drop table t"]),
    "the_connection": (
        "bind = op.get_bind()\nbind.execute(sa.text('select 1'))\nbind.exec_driver_sql('select 2')",
        ["select 1", "select 2"],
    ),
    "with_a_result": ("rows = op.get_bind().execute(sa.text('select 1')).fetchall()", ["select 1"]),
    "a_loop_over_what_is_written_out": (
        "for t in ('a', 'b'):\n    op.execute(f'drop table {t}')",
        ["drop table a", "drop table b"],
    ),
    "a_loop_over_pairs": (
        "for t, c in [('a', 'x')]:\n    op.drop_column(t, c)",
        ["ALTER TABLE a DROP COLUMN x;"],
    ),
    "a_function_of_the_file": ("helper('a')\nhelper(name='b')", ["drop table a", "drop table b"]),
    "the_branch_for_postgresql": (
        (
            "if op.get_bind().dialect.name == 'postgresql':\n    op.execute('select 1')\n"
            "else:\n    op.execute('select 2')"
        ),
        ["select 1"],
    ),
    "not_the_branch_for_another": (
        "bind = op.get_bind()\nif bind.dialect.name != 'sqlite':\n    op.execute('select 1')",
        ["select 1"],
    ),
    "return_for_another": (
        "if op.get_context().dialect.name == 'sqlite':\n    return\nop.execute('select 1')",
        ["select 1"],
    ),
    "nothing_after_return": (
        "op.execute('select 1')\nreturn\nop.execute('select 2')",
        ["select 1"],
    ),
    "a_type": (
        "kind = sa.Enum('a', 'b', name='kind')\nkind.create(op.get_bind(), checkfirst=True)",
        ["CREATE TYPE kind AS ENUM ('a', 'b');"],
    ),
    "a_select_changes_nothing": ("op.get_bind().execute(sa.select(table.c.id))", []),
    "a_message": ("print('x')\nlogger.info('x')", []),
    "a_decision_without_sql": ("if x():\n    print('x')", []),
}
MORE = (
    "NAME = 't'\nSQL = \"select 'constant'\"\n"
    "def helper(name):\n    op.execute(f'drop table {name}')\n"
)


@pytest.mark.parametrize(("up", "expected"), READ.values(), ids=READ)
def test_what_is_certain_is_read(tmp_path: Path, up: str, expected: list[str]):
    migration = only(tmp_path, revision("1", up=up, more=MORE))
    assert [text for _, text in sql(migration.up) or []] == expected
    assert migration.not_read == ()


UNREAD = {
    "a_value": ("op.execute(f'drop table {name()}')", 1),
    "a_query_builder": ("op.execute(table.update().values(x=1))", 1),
    "bulk_insert": ("op.bulk_insert(table, [])", 1),
    "a_loop_over_rows": ("for row in rows():\n    op.execute('select 1')", 1),
    "a_decision": ("if missing():\n    op.execute('select 1')", 1),
    "a_guard": ("if there():\n    return\n", 1),
    "an_attempt": ("try:\n    op.execute('select 1')\nexcept Exception:\n    pass", 1),
    "arguments_from_elsewhere": ("op.add_column('t', make())", 1),
    "an_unknown_operation": ("op.create_exclude_constraint('x', 't')", 1),
    "a_function_from_elsewhere": ("seed_everything()", 1),
    "a_function_with_the_connection": ("seed.run(op.get_bind())", 1),
    "unpacked": ("op.create_table('t', *columns)", 1),
    "nested_deeply": ("op.execute(" + "'a' + " * 2_000 + "'b')", 1),
    "the_second_line": ("op.execute('select 1')\nop.execute(x)", 2),
}


@pytest.mark.parametrize(("up", "line"), UNREAD.values(), ids=UNREAD)
def test_what_only_a_run_can_tell_is_named_with_its_line(tmp_path: Path, up: str, line: int):
    text = revision("1", up=up)
    first = text.splitlines().index("def upgrade():") + 1
    (item,) = only(tmp_path, text).not_read
    assert (item.line - first, item.whole) == (line, False)
    assert item.reason.endswith("; --render asks Alembic itself")


def test_a_type_that_is_not_known_is_named_and_the_column_stays(tmp_path: Path):
    migration = only(tmp_path, revision("1", up="op.add_column('t', sa.Column('c', Point()))"))
    assert sql(migration.up) == [("file", 'ALTER TABLE t ADD COLUMN c "Point";')]
    assert "what the type Point is" in migration.not_read[0].reason


def test_an_autocommit_block_leaves_the_transaction(tmp_path: Path):
    up = (
        "op.execute('select 1')\n"
        "with op.get_context().autocommit_block():\n"
        "    op.execute('select 2')\n"
        "    op.execute('select 3; select 4;')\n"
        "op.execute('select 5')"
    )
    assert sql(only(tmp_path, revision("1", up=up)).up) == [
        ("file", "select 1"),
        ("statement", "select 2"),
        ("implicit", "select 3; select 4;"),
        ("file", "select 5"),
    ]


PLACES = {
    "plain": "op.execute('drop table t')",
    "triple": 'op.execute("""\n    drop table t\n""")',
    "raw": "op.execute(r'drop table t')",
    "after_other_letters": "op.execute('é' 'x'); op.execute('drop table t')",
    "a_constant": "op.execute(SQL)",
}


@pytest.mark.parametrize("up", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_literals_have_their_place_in_the_file(tmp_path: Path, up: str, newline: str):
    text = revision("1", up=up, more="SQL = '''\ndrop table t'''" if "SQL" in up else "")
    text = text.replace("\n", newline)
    sql_text = only(tmp_path, text).up[-1].text
    assert isinstance(sql_text.place, Verbatim)
    at = sql_text.data.index(b"drop")
    offset = sql_text.file_offset(at)
    assert offset == text.encode().index(b"drop table t")
    before = text.encode()[:offset].decode()
    row, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    assert sql_text.position(at) == Position(row + 1, column + 1)


def test_sql_that_is_put_together_knows_the_line_of_each_part(tmp_path: Path):
    up = "op.execute('create table t (\\n'\n           'id bigint\\n'\n           ')')"
    text = revision("1", up=up)
    first = text.splitlines().index("def upgrade():") + 2
    (segment,) = only(tmp_path, text).up
    assert segment.text.place == Derived((first, first + 1, first + 2))


def test_columns_of_a_table_know_their_lines(tmp_path: Path):
    columns = "    sa.Column('a', sa.Text()),\n    sa.Column('b', sa.Text()),\n"
    up = f"op.create_table(\n    't',\n{columns})"
    text = revision("1", up=up)
    first = text.splitlines().index("def upgrade():") + 2
    (segment,) = only(tmp_path, text).up
    assert segment.text.place == Derived((first, first + 2, first + 3, first))
