"""Deep expressions: what protobuf cannot read is read otherwise, what would end the process is
refused."""

import subprocess
import sys

import pytest

from senior_backend.sql import depth
from tests.sql.test_read import refusals, script


def chain(operands: int) -> str:
    return "SELECT " + " || ".join(["a"] * operands)


@pytest.mark.parametrize(
    "sql",
    [
        chain(60),
        chain(1_000),
        "SELECT " + "(SELECT " * 60 + "1" + ")" * 60,
        "SELECT " + "f(" * 150 + "1" + ")" * 150,
        "SELECT " + "CASE WHEN a THEN 1 ELSE " * 60 + "2" + " END" * 60,
    ],
    ids=["60 operands", "1,000 operands", "queries", "calls", "CASE"],
)
def test_trees_deeper_than_protobuf_reads_have_the_same_shape(sql: str) -> None:
    found = script(f"SELECT 1; {sql}")
    assert not found.unparsed
    assert [s.kind for s in found.statements] == ["SelectStmt"] * 2
    first, deep = (s.node.target_list[0].res_target for s in found.statements)
    assert type(first) is type(deep)
    assert deep.val.WhichOneof("node") is not None
    assert found.statements[1].text.data[found.statements[1].locate(deep.location) :]


def test_a_deep_tree_is_the_tree_that_protobuf_gives() -> None:
    from senior_backend.sql import libpg_query

    sql = b"ALTER TABLE s.t ADD COLUMN a numeric(3,1) NOT NULL DEFAULT f('x', 1.5, NULL, true)"
    assert libpg_query.parse_deep(sql) == libpg_query.parse(sql)


@pytest.mark.parametrize(
    "operator", ["||", "-", "::", " UNION SELECT ", " IS NULL AND a NOTNULL NOTNULL"]
)
def test_more_operands_than_are_safe_are_refused(operator: str) -> None:
    sql = "SELECT a" + (operator + "a") * 100_000
    if "AND" in operator:
        sql = "SELECT a" + " NOTNULL" * 100_000
    [(_, reason)] = refusals(f"SELECT 1; {sql}")
    assert "not safe to parse" in reason
    assert len(script(f"SELECT 1; {sql}").statements) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 100_000 + "1" + ")" * 100_000,
        "SELECT " + "(" * 100_000,
        "SELECT " + "NOT " * 100_000 + "a",
        "SELECT " + "CASE WHEN " * 50_000 + "a" + " THEN 1 END" * 50_000,
        "SELECT " + "f(1, a - " * 50_000 + "a" + ")" * 50_000,
        "SELECT " + "ARRAY[" * 50_000 + "a" + "]" * 50_000,
    ],
    ids=["parentheses", "open parentheses", "NOT", "CASE", "calls with operators", "arrays"],
)
def test_nesting_is_refused_and_does_not_end_the_process(sql: str) -> None:
    code = (
        "import sys; from senior_backend.sql import SqlText, read\n"
        "found = read(SqlText('m', sys.stdin.buffer.read()))\n"
        "print(len(found.statements), len(found.unparsed))"
    )
    done = subprocess.run([sys.executable, "-c", code], input=sql.encode(), capture_output=True)
    assert done.stdout.split() == [b"0", b"1"], done.stderr[-500:]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM t WHERE " + " OR ".join(f"a = {n}" for n in range(20_000)),
        "SELECT " + ", ".join(f"a + {n}" for n in range(20_000)),
        "INSERT INTO t VALUES " + ", ".join(f"('2026-01-01', {n} - 1)" for n in range(9_000)),
    ],
    ids=["OR", "a list", "rows"],
)
def test_long_is_not_deep(sql: str) -> None:
    assert not depth.too_deep(sql.encode())
    assert len(script(sql).statements) == 1


def test_what_is_let_through_is_far_from_the_limit_of_the_stack() -> None:
    """Twice the limit still parses: the margin for systems with a smaller stack."""
    code = (
        "from senior_backend.sql import libpg_query\n"
        f"sql = b'SELECT a' + b'-a' * {2 * depth.LIMIT}\n"
        "try: libpg_query.parse(sql)\n"
        "except libpg_query.TooDeepError: print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.stdout == b"alive\n"
