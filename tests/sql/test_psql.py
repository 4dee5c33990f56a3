"""Scripts for psql: its commands, the data of COPY, its variables."""

import pytest

from tests.sql.test_read import refusals, script, statements


def test_commands_are_no_sql() -> None:
    sql = "\\set ON_ERROR_STOP on\nSELECT 1;\n\\connect it's\n  \\echo ;\nSELECT 2;\n\\unrestrict x"
    assert statements(sql) == ["SELECT 1", "SELECT 2"]
    assert not refusals(sql)
    assert [comment.content for comment in script(sql).comments] == [
        "\\set ON_ERROR_STOP on",
        "\\connect it's",
        "\\echo ;",
        "\\unrestrict x",
    ]


def test_a_command_in_a_statement_is_blanked() -> None:
    [statement] = script("CREATE TABLE t (\n\\echo x\n a int)").statements
    column = statement.node.table_elts[0].column_def
    assert statement.text.data[statement.locate(column.location) :] == b"a int)"


def test_a_command_that_sends_ends_the_statement() -> None:
    assert statements("SELECT $1 \\bind 1 \\g\nSELECT 2;") == ["SELECT $1", "SELECT 2"]
    assert statements("SELECT 1 \\g out.txt\nSELECT 2 \\; SELECT 3\n\\gset\nSELECT 4") == [
        "SELECT 1",
        "SELECT 2",
        "SELECT 3",
        "SELECT 4",
    ]


@pytest.mark.parametrize("command", ["\\i", "\\ir", "\\include", "\\include_relative"])
def test_included_files_are_not_seen(command: str) -> None:
    sql = f"SELECT 1;\n{command} other.sql\nSELECT 2"
    assert statements(sql) == ["SELECT 1", "SELECT 2"]
    reason = "psql runs another file here: what it holds is not seen"
    assert refusals(sql) == [(f"{command} other.sql", reason)]


def test_computed_sql_is_not_seen() -> None:
    [(piece, reason)] = refusals("SELECT 'DROP TABLE t' \\gexec\n")
    assert piece == "\\gexec"
    assert "not seen" in reason


def test_backslashes_in_strings_are_text() -> None:
    assert statements("SELECT '\n\\i x\n';nonsense") == ["SELECT '\n\\i x\n'"]


def test_the_data_of_copy_is_skipped() -> None:
    sql = "COPY public.t (a, b) FROM stdin;\n1\tit's\n(;\n\\.\n\nSELECT 2;"
    assert statements(sql) == ["COPY public.t (a, b) FROM stdin", "SELECT 2"]
    assert not refusals(sql)


def test_data_of_copy_without_an_end_is_reported() -> None:
    assert statements("COPY t FROM stdin;\n1\t2\n") == ["COPY t FROM stdin"]
    assert len(refusals("COPY t FROM stdin;\n1\t2\n")) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE :name",
        'DROP TABLE :"name"',
        "SELECT :'value'::text, a[1:2], b::int FROM :schema.t",
        "CREATE ROLE :role PASSWORD :'pass'",
    ],
)
def test_variables_have_stand_ins(sql: str) -> None:
    [statement] = script(sql).statements
    assert statement.templated
    assert statement.sql == sql


def test_slices_and_casts_are_no_variables() -> None:
    [statement] = script("SELECT a[1:n], b::int").statements
    assert not statement.templated


def test_a_variable_for_a_piece_of_sql_cannot_be_read() -> None:
    [(_, reason)] = refusals("CREATE TABLE t (:columns int int)")
    assert reason.startswith("psql variable :columns: cannot be read without its value")
