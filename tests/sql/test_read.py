"""What `read` makes of a text: exact statements, and a reason for all that is none."""

import pytest

from senior_backend.sql import Script, SqlText, read


def script(sql: str | bytes) -> Script:
    return read(SqlText("m.sql", sql.encode() if isinstance(sql, str) else sql))


def statements(sql: str) -> list[str]:
    return [statement.sql for statement in script(sql).statements]


def refusals(sql: str) -> list[tuple[str, str]]:
    """What could not be parsed, and why."""
    return [
        (piece.text.data[piece.start : piece.end].decode(), piece.reason)
        for piece in script(sql).unparsed
    ]


FUNCTION = """CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC
  SELECT CASE WHEN a THEN 1 ELSE 2 END FROM t; SELECT 'END'; -- END
END"""
RULE = "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param("", [], id="an empty text"),
        pytest.param(" ; ;\n-- nothing\n", [], id="only comments and semicolons"),
        pytest.param("SELECT 1", ["SELECT 1"], id="no semicolon at the end"),
        pytest.param("SELECT 1 -- ;\n;", ["SELECT 1"], id="a semicolon in a comment"),
        pytest.param(
            "-- first\n/* and */ SELECT 1 /* x */ ; SELECT 2 -- y\n;",
            ["SELECT 1", "SELECT 2"],
            id="comments around statements are not part of them",
        ),
        pytest.param(
            "SELECT 1\n-- ends in a blank \n--\n-- and more ",
            ["SELECT 1"],
            id="comments at the end",
        ),
        pytest.param(
            "SELECT /* a */ 1 /* b */ -- c\n /* d; /* e; */ ; */\n;SELECT 2;",
            ["SELECT /* a */ 1", "SELECT 2"],
            id="comments nest",
        ),
        pytest.param(
            "SELECT 1\r\n;\r\nSELECT 2\r\n", ["SELECT 1", "SELECT 2"], id="lines that end in CRLF"
        ),
        pytest.param(
            "SELECT 1 -- old Mac\rFROM t; SELECT 2",
            ["SELECT 1 -- old Mac\rFROM t", "SELECT 2"],
            id="a carriage return alone ends a comment",
        ),
        pytest.param("SELECT 'a;''b;';SELECT 2", ["SELECT 'a;''b;'", "SELECT 2"], id="strings"),
        pytest.param(
            r"SELECT E'a\';', '\'; SELECT 2",
            [r"SELECT E'a\';', '\'", "SELECT 2"],
            id="only E strings have backslash escapes",
        ),
        pytest.param(
            "SELECT E'a'\n '\\';b'; SELECT 2",
            ["SELECT E'a'\n '\\';b'", "SELECT 2"],
            id="an E string goes on in the next line with its escapes",
        ),
        pytest.param(
            "SELECT U&'d\\0061t;', U&\"d;\", B'01', X'1f', N'a;'; SELECT 2",
            ["SELECT U&'d\\0061t;', U&\"d;\", B'01', X'1f', N'a;'", "SELECT 2"],
            id="strings and names with Unicode escapes, bits, national",
        ),
        pytest.param(
            'SELECT "a;""b" FROM "t;"; SELECT 2',
            ['SELECT "a;""b" FROM "t;"', "SELECT 2"],
            id="quoted names",
        ),
        pytest.param(
            "SELECT $$;'$$, $a$ $b$;$$ $a$, $été$;$été$; SELECT 2",
            ["SELECT $$;'$$, $a$ $b$;$$ $a$, $été$;$été$", "SELECT 2"],
            id="dollar quotes",
        ),
        pytest.param(
            "SELECT a$b$c, a$$; SELECT d$b$ FROM é$b$",
            ["SELECT a$b$c, a$$", "SELECT d$b$ FROM é$b$"],
            id="dollars in names open no quote",
        ),
        pytest.param(f"{RULE}; SELECT 2;", [RULE, "SELECT 2"], id="semicolons in parentheses"),
        pytest.param(f"{FUNCTION}; SELECT 2;", [FUNCTION, "SELECT 2"], id="BEGIN ATOMIC bodies"),
        pytest.param(
            "BEGIN; SELECT CASE WHEN true THEN 1 END; END;",
            ["BEGIN", "SELECT CASE WHEN true THEN 1 END", "END"],
            id="BEGIN and END of a transaction",
        ),
        pytest.param(
            "SELECT 1 *-- minus\n 2; SELECT 3 +/* x */ 4",
            ["SELECT 1 *-- minus\n 2", "SELECT 3 +/* x */ 4"],
            id="operators end where a comment begins",
        ),
    ],
)
@pytest.mark.parametrize("spoiled", [False, True], ids=["in one call", "piece by piece"])
def test_statements_are_cut_at_semicolons(sql: str, expected: list[str], spoiled: bool) -> None:
    """The second way is taken when something else in the file is not SQL."""
    assert statements(f"nonsense;{sql}" if spoiled else sql) == expected


def test_a_dollar_quote_may_follow_a_parameter_at_once() -> None:
    assert [piece for piece, _ in refusals("SELECT $1$$;$$; SELECT 2")] == ["SELECT $1$$;$$"]


def test_places_are_bytes_for_offsets_and_characters_for_people() -> None:
    found = script("SELECT 'é';\n/* é */ SELECT 2")
    assert [(s.start, s.end) for s in found.statements] == [(0, 11), (22, 30)]
    assert [tuple(s.position) for s in found.statements] == [(1, 1), (2, 9)]


@pytest.mark.parametrize("before", ["SELECT 'é'; ", "nonsense; "])
def test_locations_in_a_node_are_found_in_the_text(before: str) -> None:
    sql = f"{before}/* x */ SELECT 1 FROM here"
    statement = script(sql).statements[-1]
    location = statement.node.from_clause[0].range_var.location
    assert statement.text.data[statement.locate(location) :] == b"here"
    assert statement.locate(-1) == statement.start


def test_comments_are_kept_with_their_marks() -> None:
    for sql in ("-- a\nSELECT '--' /* b */; -- c", "-- a\nSELECT '--' /* b */; nonsense -- c"):
        found = script(sql)
        assert [comment.content for comment in found.comments] == ["-- a", "/* b */", "-- c"]
        assert all(found.text.data[c.start : c.end].decode() == c.content for c in found.comments)


@pytest.mark.parametrize(
    ("sql", "piece", "reason"),
    [
        ("SELECT 1; selec 2; SELECT 3", "selec 2", 'syntax error at or near "selec"'),
        ("SELECT 1;\nSELECT 'a;\nSELECT 3", "SELECT 'a", "a string is not closed"),
        ('SELECT 1;\nSELECT "a;\nSELECT 3', 'SELECT "a', "a quoted name is not closed"),
        ("SELECT 1;\nDO $x$ a;\nSELECT 3", "DO $x$ a", "a dollar-quoted string is not closed"),
        ("SELECT 1;\nSELECT 2 /* a;\nSELECT 3", "SELECT 2 /* a", "a comment is not closed"),
        ("SELECT 1; SELECT (2; SELECT 3", "SELECT (2", "a parenthesis is not closed"),
    ],
)
def test_what_is_broken_spoils_only_its_own_statement(sql: str, piece: str, reason: str) -> None:
    assert statements(sql) == ["SELECT 1", "SELECT 3"]
    assert refusals(sql) == [(piece, reason)]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("CREATE TABLE t (id UInt8) ENGINE = MergeTree", "ClickHouse, not PostgreSQL: UInt8"),
        (
            "CREATE MATERIALIZED VIEW m TO t AS SELECT 1",
            "ClickHouse, not PostgreSQL: MATERIALIZED VIEW m TO",
        ),
        ("CREATE TABLE `t` (id int)", "MySQL, not PostgreSQL: `t`"),
        ("CREATE TABLE t (id int AUTO_INCREMENT)", "MySQL, not PostgreSQL: AUTO_INCREMENT"),
        ("CREATE TABLE t (id int) ENGINE=InnoDB", "MySQL, not PostgreSQL: ENGINE="),
        ("ALTER TABLE t MODIFY COLUMN a int", "MySQL, not PostgreSQL: MODIFY COLUMN"),
        ("CREATE TABLE t (a int AUTOINCREMENT)", "SQLite, not PostgreSQL: AUTOINCREMENT"),
        ("PRAGMA foreign_keys=ON", "SQLite, not PostgreSQL: PRAGMA"),
        ("CREATE INVERTED INDEX i ON t (a)", "CockroachDB, not PostgreSQL: INVERTED INDEX"),
        ("CREATE TABLE [dbo].[t] (a int)", "SQL Server, not PostgreSQL: [dbo]"),
        ("CREATE TABLE t (a int)\nGO\n", "SQL Server, not PostgreSQL: GO"),
    ],
)
def test_the_reason_names_the_dialect(sql: str, reason: str) -> None:
    assert refusals(sql) == [(sql.strip(), reason)]


def test_a_missing_semicolon_is_guessed() -> None:
    [(_, reason)] = refusals("ALTER TABLE t ADD a int\nALTER TABLE t ADD b int")
    assert reason == 'syntax error at or near "ALTER": is a semicolon missing before it?'
    [(_, reason)] = refusals("DROP TABLE SELECT")
    assert reason == 'syntax error at or near "SELECT"'


def test_a_reason_is_one_short_line() -> None:
    [(_, reason)] = refusals("selec\n'" + "x\n" * 500 + "'")
    assert "\n" not in reason
    assert len(reason) <= 120


def test_zero_bytes_are_reported_not_skipped() -> None:
    found = script(b"SELECT 1;\0 SELECT 2")
    assert not found.statements
    assert [piece.reason for piece in found.unparsed] == ["binary data: NUL bytes"]
