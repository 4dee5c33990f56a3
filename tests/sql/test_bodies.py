"""The SQL inside functions and DO blocks, each statement at its own place."""

import pytest

from senior_backend.sql import Body, bodies
from tests.sql.test_read import script


def bodies_of(sql: str) -> tuple[Body, ...]:
    [statement] = script(sql).statements
    return bodies(statement)


def inner(sql: str) -> list[tuple[str, str]]:
    [body] = bodies_of(sql)
    assert not body.unparsed
    return [(statement.sql, statement.kind) for statement in body.statements]


def block(code: str) -> str:
    return f"DO $do$\n{code}\n$do$"


@pytest.mark.parametrize(
    ("sql", "language"),
    [
        ("DO $$BEGIN DROP TABLE t; END$$", "plpgsql"),
        ("DO LANGUAGE plpgsql 'BEGIN DROP TABLE t; END'", "plpgsql"),
        ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$DROP TABLE t$$", "sql"),
        ("CREATE FUNCTION f() RETURNS void AS 'DROP TABLE t;' LANGUAGE SQL", "sql"),
        ("CREATE OR REPLACE PROCEDURE f() LANGUAGE sql AS $$ DROP TABLE t; $$", "sql"),
        (
            (
                "CREATE FUNCTION f(a my.e) RETURNS t.c%TYPE LANGUAGE plpgsql\n"
                "AS $$ DECLARE b my.e; BEGIN DROP TABLE t; END $$"
            ),
            "plpgsql",
        ),
    ],
)
def test_bodies_of_both_languages_are_read_at_their_place(sql: str, language: str) -> None:
    [body] = bodies_of(f"-- é\n{sql}")
    [statement] = body.statements
    assert body.language == language
    assert statement.sql == "DROP TABLE t"
    assert statement.start == f"-- é\n{sql}".encode().index(b"DROP")
    assert statement.position.line == 1 + f"-- é\n{sql}".count("\n", 0, sql.index("DROP") + 5)


def test_standard_bodies_are_read() -> None:
    assert inner(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC\n"
        "  INSERT INTO t VALUES (1); SELECT CASE WHEN a THEN 1 END FROM t; RETURN 2; END"
    ) == [
        ("INSERT INTO t VALUES (1)", "InsertStmt"),
        ("SELECT CASE WHEN a THEN 1 END FROM t", "SelectStmt"),
        ("RETURN 2", "SelectStmt"),
    ]
    assert inner("CREATE FUNCTION f(a int) RETURNS int RETURN a + 1") == [
        ("RETURN a + 1", "SelectStmt")
    ]


def test_a_body_in_an_escaped_literal_has_lines_only() -> None:
    [body] = bodies_of("CREATE FUNCTION f() RETURNS int\nAS '\nSELECT ''a'';\nDROP TABLE t'")
    assert [(s.sql, s.position) for s in body.statements] == [
        ("SELECT 'a'", (3, 1)),
        ("DROP TABLE t", (4, 1)),
    ]
    assert body.statements[0].text.file_offset(0) is None


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$ import; $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x.so', 'f'",
        "DO LANGUAGE plperl $$ ; $$",
        "SELECT 1",
    ],
)
def test_other_languages_and_statements_have_no_bodies(sql: str) -> None:
    assert bodies_of(sql) == ()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("BEGIN PERFORM pg_sleep(1); END", ["PERFORM pg_sleep(1)"]),
        (
            (
                "BEGIN IF EXISTS (SELECT 1) THEN DROP TABLE t; ELSIF f(2) THEN CALL p(); "
                "ELSE DELETE FROM t; END IF; END"
            ),
            ["EXISTS (SELECT 1)", "DROP TABLE t", "f(2)", "CALL p()", "DELETE FROM t"],
        ),
        (
            "DECLARE r text; BEGIN FOR r IN SELECT * FROM t LOOP UPDATE t SET a = 1; END LOOP; END",
            ["SELECT * FROM t", "UPDATE t SET a = 1"],
        ),
        (
            "BEGIN FOR i IN REVERSE 10..1 BY 2 LOOP DELETE FROM t; COMMIT; END LOOP; END",
            ["DELETE FROM t", "COMMIT"],
        ),
        (
            "DECLARE a int[]; b int; BEGIN FOREACH b IN ARRAY a LOOP DELETE FROM t; END LOOP; END",
            ["DELETE FROM t"],
        ),
        (
            "BEGIN <<again>> LOOP EXIT again WHEN f(1); DELETE FROM t; END LOOP again; END",
            ["f(1)", "DELETE FROM t"],
        ),
        ("BEGIN WHILE NOT found LOOP DELETE FROM t; END LOOP; END", ["DELETE FROM t"]),
        (
            "BEGIN CASE 1 WHEN 1, 2 THEN DROP TABLE a; ELSE DROP TABLE b; END CASE; END",
            ["DROP TABLE a", "DROP TABLE b"],
        ),
        (
            "BEGIN CASE WHEN CASE WHEN true THEN f(1) END THEN DROP TABLE a; END CASE; END",
            ["CASE WHEN true THEN f(1) END", "DROP TABLE a"],
        ),
        (
            (
                "BEGIN BEGIN DROP TABLE t; EXCEPTION WHEN undefined_table OR SQLSTATE '42P02' THEN "
                "RAISE NOTICE 'no %', 't'; DELETE FROM u; WHEN others THEN NULL; END; END"
            ),
            ["DROP TABLE t", "DELETE FROM u"],
        ),
        (
            (
                "DECLARE a int := (SELECT 1); c CURSOR (n int) FOR SELECT n FROM t; b int = 2; "
                "BEGIN a := f(1); OPEN c (3); FETCH c INTO a; CLOSE c; END"
            ),
            ["(SELECT 1)", "SELECT n FROM t", "f(1)"],
        ),
        (
            "DECLARE a int; BEGIN SELECT x, y INTO STRICT a, b.c FROM t; END",
            ["SELECT x, y INTO STRICT a, b.c FROM t"],
        ),
        ("BEGIN RETURN QUERY SELECT 1; RETURN NEXT f(1); RETURN; END", ["SELECT 1", "f(1)"]),
        ("BEGIN NEW.a := now(); NEW.b[1] = f(2); RETURN NEW; END", ["now()", "f(2)"]),
        ("BEGIN GET DIAGNOSTICS a = ROW_COUNT; ASSERT true; NULL; MOVE NEXT FROM c; END", []),
        (
            (
                "BEGIN CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; "
                "SELECT 2; END; DROP TABLE t; END"
            ),
            [
                (
                    "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; "
                    "SELECT 2; END"
                ),
                "DROP TABLE t",
            ],
        ),
        ("-- x\n#variable_conflict use_column\nBEGIN DROP TABLE t; END", ["DROP TABLE t"]),
        ("DECLARE a ALIAS FOR $1; b ALIAS FOR new; BEGIN $1 := f(1); a = 2; END", ["f(1)"]),
        ("BEGIN -- ; it's\n /* ' */ DROP TABLE t /* ; */; END;", ["DROP TABLE t"]),
    ],
)
def test_statements_and_queries_of_plpgsql_are_found(code: str, expected: list[str]) -> None:
    assert [sql for sql, _ in inner(block(code))] == expected


def test_templates_in_a_body_have_stand_ins() -> None:
    [body] = bodies_of(block('BEGIN DROP TABLE "{{ index .Options "Namespace" }}"."t"; END'))
    [statement] = body.statements
    assert statement.sql == 'DROP TABLE "{{ index .Options "Namespace" }}"."t"'
    assert statement.templated
    [body] = bodies_of(block("BEGIN DROP TABLE {{ x }}.t; END"))
    assert body.statements[0].templated


def test_a_body_from_a_psql_variable_cannot_be_seen() -> None:
    [body] = bodies_of("DO :'body'")
    assert body.dynamic == ((1, 4),)


def test_into_a_variable_is_not_a_new_table() -> None:
    [body] = bodies_of(block("DECLARE a int; BEGIN SELECT 1 INTO a FROM here; END"))
    [statement] = body.statements
    assert not statement.node.HasField("into_clause")
    location = statement.node.from_clause[0].range_var.location
    assert statement.text.data[statement.locate(location) :].startswith(b"here")


def test_locations_in_a_perform_and_an_expression_hold() -> None:
    [body] = bodies_of(block("BEGIN PERFORM a(1); IF b(2) THEN NULL; END IF; END"))
    for statement, call in zip(body.statements, (b"a(1)", b"b(2)"), strict=True):
        location = statement.node.target_list[0].res_target.val.func_call.location
        assert statement.text.data[statement.locate(location) :].startswith(call)


@pytest.mark.parametrize(
    "literal", ["'DROP TABLE t'", "$q$DROP TABLE t$q$", "E'DROP TABLE t'", "'DROP TABLE t' INTO a"]
)
def test_execute_of_a_constant_is_read(literal: str) -> None:
    code = block(f"BEGIN EXECUTE {literal}; RETURN QUERY EXECUTE 'SELECT 1' USING 2; END")
    [body] = bodies_of(code)
    assert [s.sql for s in body.statements] == ["DROP TABLE t", "SELECT 1"]
    assert body.statements[0].start == code.index("DROP")
    assert not body.dynamic


def test_a_constant_with_quotes_in_it_is_read() -> None:
    [body] = bodies_of(block("BEGIN\nEXECUTE 'SELECT ''a''';\nEND"))
    assert [(s.sql, s.position.line) for s in body.statements] == [("SELECT 'a'", 3)]


@pytest.mark.parametrize(
    "code",
    [
        "EXECUTE format('DROP TABLE %I', x);",
        "EXECUTE 'DROP TABLE ' || x USING 1;",
        "FOR r IN EXECUTE q LOOP NULL; END LOOP;",
        "RETURN QUERY EXECUTE q;",
        "OPEN c FOR EXECUTE q;",
    ],
)
def test_execute_of_anything_else_is_a_place_that_cannot_be_seen(code: str) -> None:
    [body] = bodies_of(block(f"BEGIN\n  {code} END"))
    assert [place.line for place in body.dynamic] == [3]
    assert not body.statements
    assert not body.unparsed


@pytest.mark.parametrize(
    ("code", "piece"),
    [
        ("BEGIN selec 1; DROP TABLE t; END", "selec 1"),
        ("BEGIN EXECUTE 'selec'; DROP TABLE t; END", "selec"),
        ("SELECT 1;", "\nSELECT 1;\n"),
    ],
)
def test_what_does_not_parse_is_reported_at_its_place(code: str, piece: str) -> None:
    [body] = bodies_of(block(code))
    [unparsed] = body.unparsed
    assert unparsed.text.data[unparsed.start : unparsed.end].decode() == piece


FUNCTION = """CREATE FUNCTION f() RETURNS SETOF int LANGUAGE plpgsql AS $$
<<outer>>
DECLARE
  a int := (SELECT max(x) FROM t0); r record; c refcursor; q text;
  d CURSOR FOR SELECT 'd';
BEGIN
  LOCK TABLE t1; -- ;
  IF a > 1 AND (SELECT true) THEN UPDATE t2 SET x = 1 WHERE y = a RETURNING x INTO a;
  ELSE WITH w AS (SELECT 1) INSERT INTO t3 SELECT * FROM w; END IF;
  FOR r IN (SELECT * FROM t4) LOOP
    BEGIN DELETE FROM t5; EXCEPTION WHEN others THEN TRUNCATE t6; END;
    CONTINUE WHEN a = 3;
  END LOOP;
  FOR i IN 1..(SELECT 3) LOOP ALTER TABLE t7 ADD b int; END LOOP;
  OPEN c FOR SELECT 8;
  MERGE INTO t9 USING s ON true WHEN MATCHED THEN DELETE;
  CASE a WHEN 1 THEN VACUUM t10; ELSE CREATE TABLE t11 AS SELECT 1; END CASE;
  CALL p(); COMMIT; PERFORM 12;
  RETURN QUERY SELECT 13;
END $$"""


def queries(tree: object, found: list[str]) -> list[str]:
    """The statements of a tree of PostgreSQL's own PL/pgSQL parser (not its expressions)."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "PLpgSQL_expr" and value["parseMode"] == 0:
                found.append(value["query"])
            elif key in {"PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"}:
                found.append(key.removeprefix("PLpgSQL_stmt_"))
            else:
                queries(value, found)
    elif isinstance(tree, list):
        for value in tree:
            queries(value, found)
    return found


def test_we_find_the_statements_that_postgresqls_own_parser_finds() -> None:
    from postgast import parse_plpgsql

    def plain(sql: str) -> str:
        return " ".join(sql.replace("INTO a", "").upper().replace("PERFORM", "SELECT").split())

    theirs = [plain(query).strip("()") for query in queries(parse_plpgsql(FUNCTION), [])]
    ours = [plain(sql).strip("()") for sql, _ in inner(FUNCTION)]
    assert set(theirs) <= set(ours)
    assert len(theirs) == 16
