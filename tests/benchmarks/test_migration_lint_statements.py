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


@pytest.mark.parametrize("text", ["select 'open", "select 1;\0drop table t;", "$$ a"])
def test_what_the_scanner_does_not_get_through_has_no_count(text: str):
    assert pieces(text) is None
