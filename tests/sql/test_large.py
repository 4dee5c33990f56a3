"""Dumps of many megabytes: all of it is read, little of it is kept."""

import tracemalloc

import pytest

from tests.sql.test_read import script

ROW = b"(%d, 'it''s; (a) text', now(), NULL)"


def insert(rows: int, tail: bytes = b"") -> bytes:
    values = b",\n".join(ROW % number for number in range(rows))
    return b"/* x */ INSERT INTO s.t (a, b, c, d) VALUES " + values + tail


def test_a_long_insert_keeps_its_first_rows_and_its_end() -> None:
    sql = insert(60_000, b"\nON CONFLICT (a) DO NOTHING RETURNING here")
    [first, second] = script(sql + b"; SELECT 2").statements
    assert first.abridged
    assert not second.abridged
    assert first.sql.encode() == sql.removeprefix(b"/* x */ ")
    node = first.node
    assert node.relation.relname == "t"
    assert 1_000 < len(node.select_stmt.select_stmt.values_lists) < 60_000
    last = node.returning_clause.exprs[0].res_target
    assert first.text.data[first.locate(last.location) :].startswith(b"here")


@pytest.mark.parametrize("place", [10, 30_000, 59_999])
def test_a_wrong_row_of_a_long_insert_is_found(place: int) -> None:
    sql = insert(60_000).replace(ROW % place, b"(selec 1 2)")
    found = script(sql)
    assert not found.statements
    assert [piece.reason for piece in found.unparsed] == ['syntax error at or near "1"']


def test_other_inserts_are_whole() -> None:
    [statement] = script(insert(1_000)).statements
    assert not statement.abridged
    assert len(statement.node.select_stmt.select_stmt.values_lists) == 1_000


def test_trees_of_a_large_text_are_made_when_they_are_used() -> None:
    lines = b"".join(
        b"INSERT INTO t%d VALUES (%d, '%s');\n" % (n, n, b"x" * 60) for n in range(50_000)
    )
    found = script(
        b"\\restrict x\n" + lines + b"INSERT INTO t VALUES (;\nINSERT INTO :t VALUES (1);"
    )
    assert len(found.statements) == 50_001
    assert len(found.unparsed) == 1
    assert found.statements[-1].templated
    assert found.statements[700].tree is None
    assert found.statements[700].node.relation.relname == "t700"
    assert found.statements[700].kind == "InsertStmt"


def test_the_data_of_a_copy_takes_no_room() -> None:
    rows = b"".join(b"%d\tit's; (\n" % number for number in range(300_000))
    sql = b"CREATE TABLE t (a int, b text);\nCOPY t FROM stdin;\n" + rows + b"\\.\nSELECT 1;\n"
    tracemalloc.start()
    found = script(sql)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [s.kind for s in found.statements] == ["CreateStmt", "CopyStmt", "SelectStmt"]
    assert not found.unparsed
    assert peak < 1_000_000
