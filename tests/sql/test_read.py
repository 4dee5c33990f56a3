"""What `read` makes of a text: exact statements, and a reason for all that is none."""

import pytest

from senior_backend.sql import SqlText, read


def statements(sql: str) -> list[str]:
    return [statement.sql for statement in read(SqlText("m.sql", sql.encode())).statements]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param("", [], id="an empty text"),
        pytest.param(" ; ;\n-- nothing\n", [], id="only comments and semicolons"),
        pytest.param("SELECT 1", ["SELECT 1"], id="no semicolon at the end"),
        pytest.param(
            "-- first\n/* and */ SELECT 1 /* x */ ; SELECT 2 -- y\n;",
            ["SELECT 1", "SELECT 2"],
            id="comments around statements are not part of them",
        ),
    ],
)
def test_statements_are_cut_at_semicolons(sql: str, expected: list[str]) -> None:
    assert statements(sql) == expected
