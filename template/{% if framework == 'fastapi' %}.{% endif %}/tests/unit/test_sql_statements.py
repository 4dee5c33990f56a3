"""A SQL script is split as PostgreSQL would split it."""

import pytest

from app.database.migrations import split_statements

SCRIPTS = {
    "two statements": ("select 1; select 2;", ["select 1", "select 2"]),
    "no semicolon at the end": ("select 1; select 2", ["select 1", "select 2"]),
    "nothing": (" ;; \n-- only a comment\n/* another */ ;", []),
    "a semicolon in a string": ("select ';'; select 2", ["select ';'", "select 2"]),
    "a doubled quote": ("select 'it''s; so'; select 2", ["select 'it''s; so'", "select 2"]),
    "an escape string": (r"select e'\';'; select 2", [r"select e'\';'", "select 2"]),
    "a backslash in a plain string": (r"select '\'; select 2", [r"select '\'", "select 2"]),
    "an identifier": ('select ";"; select 2', ['select ";"', "select 2"]),
    "a line comment": ("select 1 -- a; b\n; select 2", ["select 1 -- a; b", "select 2"]),
    "a nested block comment": (
        "select /* a; /* b; */ ; */ 1; select 2",
        ["select /* a; /* b; */ ; */ 1", "select 2"],
    ),
    "a function body": (
        "create function f() returns int language plpgsql as $$ begin return 1; end; $$; select 2",
        [
            "create function f() returns int language plpgsql as $$ begin return 1; end; $$",
            "select 2",
        ],
    ),
    "tagged dollar quotes": (
        "select $a$ ; $$ ; $a$; select 2",
        ["select $a$ ; $$ ; $a$", "select 2"],
    ),
    "a comment before a statement": ("-- why;\nselect 1;", ["-- why;\nselect 1"]),
    "a parameter is no dollar quote": ("select $1; select $2", ["select $1", "select $2"]),
}


@pytest.mark.parametrize(("script", "statements"), SCRIPTS.values(), ids=SCRIPTS)
def test_split(script: str, statements: list[str]) -> None:
    assert list(split_statements(script)) == statements
