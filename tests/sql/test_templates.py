"""SQL that a template engine fills in before it is run."""

import pytest

from tests.sql.test_read import refusals, script, statements


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param('DROP TABLE {{ index .Options "Namespace" }}.users', id="Go"),
        pytest.param(
            'DROP TABLE "{{ index .Options "Namespace" }}"."users"', id="in a quoted name"
        ),
        pytest.param("ALTER TABLE {{ schema }}.t_{{ name }} ADD a int", id="Jinja"),
        pytest.param("DROP TABLE <%= table %>", id="ERB"),
        pytest.param("DROP TABLE ${schema}.users", id="Flyway"),
        pytest.param("CREATE TABLE t (a varchar({{ size }}))", id="a number where no name may be"),
        pytest.param("SELECT {{ a }} FROM t LIMIT ${n}", id="two kinds"),
        pytest.param("DROP TABLE {{ x; 'y }}", id="quotes and semicolons in a mark"),
    ],
)
def test_values_have_stand_ins(sql: str) -> None:
    found = script(f"{sql}; SELECT 2")
    first, second = found.statements
    assert first.sql == sql
    assert first.templated
    assert not second.templated
    assert not found.unparsed


def test_equal_marks_make_equal_names() -> None:
    found = script("DROP TABLE {{ a }}; DROP TABLE {{ a }}; DROP TABLE {{ b }}")
    names = [s.node.objects[0].list.items[0].string.sval for s in found.statements]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE {{.Schema}}.t; DROP TABLE {{ .Schema }}.t",
        'DROP TABLE "{{ index .O "S" }}"."t"; DROP TABLE {{index .O "S" }}.t',
        "DROP TABLE ${Schema}.t; DROP TABLE ${schema}.t",
    ],
)
def test_a_mark_is_one_name_however_it_is_spaced_and_quoted(sql: str) -> None:
    first, second = (str(s.node.objects[0]) for s in script(sql).statements)
    assert first == second


def test_stand_ins_keep_every_place() -> None:
    sql = "ALTER TABLE {{ é }}.t ADD COLUMN {{ x }} int, DROP COLUMN there"
    [statement] = script(sql).statements
    added = getattr(statement.node.cmds[0].alter_table_cmd, "def")
    location = added.column_def.location
    assert statement.text.data[statement.locate(location) :].startswith(b"{{ x }} int")


@pytest.mark.parametrize(
    "sql",
    [
        "{% if x %}SELECT 1;{% else %}SELECT 2;{% endif %}",
        "{{ if .X }}SELECT 1;{{- else }}SELECT 2;{{ end }}{{/* ; */}}",
        "<% if x %>\nSELECT 1;\n<% else %>\nSELECT 2;\n<% end %>",
        "{# it's #}SELECT 1;SELECT 2;",
    ],
)
def test_control_marks_are_noted_and_all_branches_read(sql: str) -> None:
    assert statements(sql) == ["SELECT 1", "SELECT 2"]
    assert not refusals(sql)
    assert len(script(sql).comments) >= 1


def test_control_marks_in_a_statement_are_blanked() -> None:
    sql = "CREATE TABLE t (a int {% if x %}, b int{% endif %})"
    [statement] = script(sql).statements
    assert len(statement.node.table_elts) == 2
    assert statement.templated


def test_marks_in_strings_are_text() -> None:
    [statement] = script("SELECT '{{ x }}', '${y}', ':z', $$ {% if %} $$").statements
    assert not statement.templated


def test_braces_of_arrays_are_text() -> None:
    sql = "SELECT '{{1,}'; SELECT '{{1}}'"
    assert statements(f"{sql}; nonsense") == sql.split("; ")


def test_operators_that_look_like_erb_are_operators() -> None:
    sql = "SELECT 'a' <% b AND c %> 'd'"
    [statement] = script(f"{sql}; nonsense").statements
    assert statement.sql == sql
    assert not statement.templated


def test_what_stands_for_more_than_a_value_cannot_be_read() -> None:
    [(piece, reason)] = refusals("SELECT 1; {{ everything }}; SELECT 2")
    assert piece == "{{ everything }}"
    assert reason.startswith("template {{ everything }}: cannot be read without its value")
