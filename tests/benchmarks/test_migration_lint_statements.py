"""The plain count that the linters are held against."""

import pytest

from benchmarks.lint.statements import pieces

COUNTS = {
    "": 0,
    ";;  ; -- nothing": 0,
    "select 1; select 2": 2,
    "-- a; b\nselect ';' /* ; */ from t;": 1,
    "create function f() returns int language sql as $$ select 1; select 2; $$; select 3;": 2,
    "create rule r as on insert to t do (delete from a; delete from b); select 1;": 2,
    "create function f() returns int begin atomic select 1; select case when true then 2 end; end;"
    " select 3;": 2,
    "begin; select 1; commit;": 3,
    "-- +goose Up\nselect 1\n-- +goose StatementEnd\n-- +goose Down\nselect 2": 2,
    "select 1 --> statement-breakpoint\nselect 2": 2,
    "select $1 \\bind 1 \\g\nselect 2;": 2,
    "/* a; /* b; */ c; */ select 1;": 1,
    "select e'it\\';'; select 'a'';b', \"c;d\";": 2,
    "do $a$ begin; $$ end; $a$; select 1;": 2,
    "select 'open; select 1;": 2,
    "copy t from stdin;\n1;2\n\\.\nselect 1;": 2,
    "\\set a 1;2\nselect 1 \\gset\nselect 2\\; select 3;": 3,
}


@pytest.mark.parametrize("sql", COUNTS)
def test_a_statement_is_what_stands_between_two_semicolons(sql: str):
    found = pieces(sql)
    assert found is not None
    assert len(found) == COUNTS[sql]


def test_lines_are_those_of_the_statement_and_not_of_the_comment_before_it():
    found = pieces("\n-- é\nalter table t\n  add column c int;\n\nselect 1;")
    assert found is not None
    assert [(one.line, one.end_line) for one in found] == [(3, 4), (6, 6)]
    assert found[0].begins_with("alter TABLE t add")


def test_what_is_no_text_has_no_count():
    assert pieces("select 1;\0drop table t;") is None
