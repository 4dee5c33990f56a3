"""Any text at all: reading never raises, and nothing of it is lost."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from senior_backend.sql import Script, SqlText, bodies, lexical, read, splitter
from senior_backend.sql.reader import parse_piece

FRAGMENTS = st.sampled_from(
    [
        *("SELECT 1", "selec", "CREATE TABLE t (a int)", "DROP TABLE", "BEGIN ATOMIC", "END"),
        *("CASE WHEN", "COPY t FROM stdin", "\n\\.\n", "\n\\i x\n", "\\gexec", "DO $$BEGIN"),
        *("CREATE FUNCTION f() RETURNS int LANGUAGE", "plpgsql AS", "sql", "EXECUTE 'x'"),
        *(";", ";\n", "'", '"', "$$", "$a$", "E'", "\\'", "--", "/*", "*/", "(", ")", "\n", "\r"),
        *("{{", "}}", "{%", "%}", "<%", "%>", "${x}", ":x", ":'x'", "::", "a$b", "é", "😀", " "),
        *("\0", "\ufeff", "LOOP", "IF", "THEN", "INTO", ":=", "[", "]", ",", ".."),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=25).map(" ".join)) | st.lists(
    FRAGMENTS, max_size=25
).map("".join)
COPY_DATA = re.compile(rb"(?<=;)[^\n]*\n(?:.*\n)*?\\\.", re.MULTILINE)


def left_over(script: Script) -> bytes:
    """What is in no statement, no refused piece and no comment, without semicolons."""
    data = bytearray(script.text.data)
    for span in (*script.statements, *script.unparsed, *script.comments):
        assert 0 <= span.start < span.end <= len(data)
        data[span.start : span.end] = b" " * (span.end - span.start)
    return bytes(data).replace(b";", b"").replace(b"\\", b"").strip()


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_reading_never_raises_and_loses_nothing(sql: str) -> None:
    script = read(SqlText("m.sql", sql.encode()))
    if b"\\." not in script.text.data:  # the data of COPY is no SQL
        assert not left_over(script)
    for statement in script.statements:
        for body in bodies(statement):
            assert all(0 <= s.start <= s.end <= len(s.text.data) for s in body.statements)


@settings(max_examples=200, deadline=None)
@given(st.binary())
def test_bytes_that_are_no_text_never_raise(data: bytes) -> None:
    read(SqlText("m.sql", data))


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_bodies_never_raise(code: str) -> None:
    quoted = code.replace("$x$", "").replace("\0", "")
    for sql in (f"DO $x$ BEGIN {quoted} END $x$", f"DO $x${quoted}$x$"):
        for statement in read(SqlText("m.sql", sql.encode())).statements:
            bodies(statement)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_one_call_and_piece_by_piece_agree(sql: str) -> None:
    """Where PostgreSQL parses the whole text, our own cuts give the same statements."""
    from senior_backend.sql import libpg_query

    data = sql.encode()
    if b"\0" in data or b"\\" in data or b"{" in data:
        return
    try:
        libpg_query.parse(data)
    except libpg_query.GrammarError:
        return
    text = SqlText("m.sql", data)
    whole = [(s.start, s.end, s.kind) for s in read(text).statements]
    pieces = [parse_piece(text, a, b, data[a:b], a) for a, b in splitter.split(data).pieces]
    assert whole == [(s.start, s.end, getattr(s, "kind", s)) for s in pieces]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example("$$$$A$$--")  # a name that begins where a quote ends, and has dollars in it
@example("$x$ $x$A$x$--")
@example("$1$$--$$")
def test_quotes_and_comments_are_those_of_postgresqls_own_scanner(sql: str) -> None:
    from postgast import PgQueryError, pg_query_pb2, scan

    data = sql.encode()
    if b"\0" in data:
        return
    try:
        tokens = scan(sql).tokens
    except PgQueryError:
        return
    theirs = [
        (token.start, token.end)
        for token in tokens
        if token.token in {pg_query_pb2.SQL_COMMENT, pg_query_pb2.C_COMMENT}
    ]
    assert lexical.comments(data) == theirs


@pytest.mark.parametrize("name", ["read", "bodies", "decode"])
def test_importing_the_package_does_not_import_the_parser(name: str) -> None:
    import subprocess
    import sys

    parser = "senior_backend.sql.native"
    code = f"import sys; from senior_backend.sql import {name}; print({parser!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n"
