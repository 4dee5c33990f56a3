"""Which statements of a fix stand beside which of the file: all of both, once each."""

import pytest

from senior_backend.migrations.prove.pairs import pair, unplaced
from senior_backend.migrations.prove.seen import follow
from tests.migrations.prove.observed import PATH, finding, statement, trace


def seen(*statements):
    """The statements of one migration, one a line."""
    return follow([trace(*(statement(sql, line=n) for n, sql in enumerate(statements, start=1)))])


def told(pairs):
    """Pairs as texts."""
    return [
        ([s.statement.sql for s in one.written], [s.statement.sql for s in one.fixed])
        for one in pairs
    ]


SET = "SET LOCAL lock_timeout = '5s'"
ADD = "ALTER TABLE orders ADD COLUMN a int"
INDEX = "CREATE INDEX orders_b_idx ON orders (b)"
CONCURRENT = "CREATE INDEX CONCURRENTLY orders_b_idx ON orders (b)"
NOT_NULL = "ALTER TABLE orders ALTER COLUMN a SET NOT NULL"
CHECK = "ALTER TABLE orders ADD CONSTRAINT orders_a_is_not_null CHECK (a IS NOT NULL) NOT VALID"
VALIDATE = "ALTER TABLE orders VALIDATE CONSTRAINT orders_a_is_not_null"
DROP = "ALTER TABLE orders DROP CONSTRAINT orders_a_is_not_null"
FILL = "UPDATE orders SET note = 'x'"
BATCHES = "DO $$ DECLARE i orders.id%TYPE; BEGIN UPDATE orders SET note = 'x' WHERE id = i; END $$"
OTHER = "CREATE TABLE refunds (id int)"
COUNTER = "CREATE SEQUENCE numbers"

CASES = {
    "nothing changes": ([ADD, OTHER], [ADD, OTHER], [([ADD], [ADD]), ([OTHER], [OTHER])]),
    "a setting belongs to what follows": ([ADD], [SET, ADD], [([ADD], [SET, ADD])]),
    "one becomes another": ([INDEX], [CONCURRENT], [([INDEX], [CONCURRENT])]),
    "one moves behind the others": (
        [INDEX, OTHER],
        [OTHER, CONCURRENT],
        [([INDEX], [CONCURRENT]), ([OTHER], [OTHER])],
    ),
    "one that stays gets others around it": (
        [NOT_NULL],
        [CHECK, VALIDATE, NOT_NULL, DROP],
        [([NOT_NULL], [CHECK, VALIDATE, NOT_NULL, DROP])],
    ),
    "one goes": ([ADD, OTHER], [OTHER], [([ADD], []), ([OTHER], [OTHER])]),
    "what is like nothing goes with its neighbour": (
        [INDEX, OTHER],
        [COUNTER, CONCURRENT, OTHER],
        [([INDEX], [COUNTER, CONCURRENT]), ([OTHER], [OTHER])],
    ),
    "nothing is left of it": ([ADD], [], [([ADD], [])]),
    "settings alone": ([SET], [SET], [([SET], [SET])]),
}


@pytest.mark.parametrize(("written", "fixed", "expected"), CASES.values(), ids=CASES)
def test_statements_stand_beside_what_they_stand_for(written, fixed, expected):
    pairs = pair(seen(*written), seen(*fixed), [finding("some-rule", line=1)])
    assert told(pairs) == expected


@pytest.mark.parametrize(("written", "fixed", "expected"), CASES.values(), ids=CASES)
def test_each_statement_is_shown_once(written, fixed, expected):
    ours, theirs = seen(*written), seen(*fixed)
    pairs = pair(ours, theirs)
    assert sorted(s.statement.line for one in pairs for s in one.written) == [
        s.statement.line for s in ours
    ]
    assert sorted(s.statement.line for one in pairs for s in one.fixed) == [
        s.statement.line for s in theirs
    ]


def test_what_all_are_about_tells_none_from_another():
    ours = seen(INDEX, NOT_NULL, FILL)
    theirs = seen(CHECK, CONCURRENT, VALIDATE, NOT_NULL, DROP, BATCHES)
    assert told(pair(ours, theirs, [finding("set-not-null-scan", line=2)])) == [
        ([INDEX], [CONCURRENT]),
        ([NOT_NULL], [CHECK, VALIDATE, NOT_NULL, DROP]),
        ([FILL], [BATCHES]),
    ]


def test_only_the_same_words_are_unchanged():
    (same, other) = pair(seen(ADD, INDEX), seen(ADD.lower(), CONCURRENT))
    assert same.unchanged
    assert not other.unchanged


def test_findings_stand_at_their_statement():
    ours = seen(ADD, INDEX)
    findings = [
        finding("index-not-concurrent", line=2),
        finding("elsewhere", line=1, path="db/002_b.down.sql"),
        finding("missing-lock-timeout", line=1),
    ]
    first, second = pair(ours, (), findings)
    assert [one.rule for one in first.findings] == ["missing-lock-timeout"]
    assert [one.rule for one in second.findings] == ["index-not-concurrent"]
    assert [one.rule for one in unplaced(ours, findings)] == ["elsewhere"]
    assert ours[0].statement.path == PATH


def test_findings_stand_at_their_statement_of_several_on_a_line():
    ours = follow([trace(*(statement(sql, line=1) for sql in (ADD, INDEX, SET, NOT_NULL)))])
    columns = {"of the first": 1, "of the second": len(ADD) + 3, "of the last": 150}
    pairs = pair(ours, (), [finding(rule, column=n) for rule, n in columns.items()])
    assert [[found.rule for found in one.findings] for one in pairs] == [[rule] for rule in columns]
