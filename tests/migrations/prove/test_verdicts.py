"""What traffic pays for statements, as it is said: by locks, work and transaction."""

import pytest

from senior_backend.migrations.prove import verdict
from senior_backend.migrations.prove.seen import follow
from tests.migrations.prove.observed import statement, trace

ADD_COLUMN = statement("ALTER TABLE orders ADD COLUMN a int", "orders AE")
INDEX = statement("CREATE INDEX i ON orders (a)", "orders S", builds=["orders"])
BRIEFLY = "reads and writes of orders wait for an instant"

CASES = {
    "an index is built under its lock": (
        [INDEX],
        ("writes to orders wait while the index is built", "writes wait"),
    ),
    "and beside traffic": (
        [
            statement(
                "CREATE INDEX CONCURRENTLY i ON orders (a)",
                "orders SUE",
                builds=["orders"],
                transaction=None,
            )
        ],
        ("nobody waits while the index is built", "nobody waits"),
    ),
    "a table is rewritten": (
        [statement("ALTER TABLE orders ALTER a TYPE text", "orders AE", rewrites=["orders"])],
        ("reads and writes of orders wait while orders is rewritten", "all wait"),
    ),
    "a lock for an instant": (
        [ADD_COLUMN],
        (BRIEFLY, "for an instant"),
    ),
    "a lock for an instant, with a lock_timeout": (
        [statement("SET LOCAL lock_timeout = '5s'"), ADD_COLUMN],
        (
            f"{BRIEFLY}; gives up after 5s in the queue for its lock",
            "for an instant",
        ),
    ),
    "a lock_timeout of another transaction says nothing": (
        [
            statement("SET LOCAL lock_timeout = '5s'", transaction=1),
            statement("ALTER TABLE orders ADD COLUMN a int", "orders AE", transaction=2),
        ],
        (BRIEFLY, "for an instant"),
    ),
    "a lock_timeout that was switched off": (
        [
            statement("SET lock_timeout TO '5s'"),
            statement("SET lock_timeout = 0"),
            ADD_COLUMN,
        ],
        (BRIEFLY, "for an instant"),
    ),
    "two tables": (
        [statement("ALTER TABLE a ADD FOREIGN KEY", "a SRE", "b SRE", scans=["a", "b"])],
        ("writes to a and b wait while every row of a and b is read", "writes wait"),
    ),
    "the same tables twice": (
        [
            statement("ALTER TABLE a ADD CHECK", "a AE"),
            statement("ALTER TABLE a ADD FOREIGN KEY", "b SRE"),
        ],
        (
            "reads and writes of a wait for an instant; writes to b wait for an instant",
            "for an instant",
        ),
    ),
    "rows are changed": (
        [statement("UPDATE orders SET a = 1", "orders RE", scans=["orders"])],
        ("nobody waits but for the rows that it changes, until it commits", "nobody waits"),
    ),
    "it is refused": (
        [statement("SELEC", error="syntax error")],
        ("fails: syntax error", "fails"),
    ),
    "it is never sent": (
        [statement("\\copy", not_run="it is a command of psql")],
        ("not run: it is a command of psql", "fails"),
    ),
}


@pytest.mark.parametrize(("statements", "expected"), CASES.values(), ids=CASES)
def test_the_verdict_says_who_waits_and_for_how_long(statements, expected):
    said = verdict.of(follow([trace(*statements)]))
    assert (said.text, said.grade) == expected


def test_a_setting_alone_has_no_verdict():
    assert verdict.of(follow([trace(statement("SET LOCAL lock_timeout = '5s'"))])) is None


def test_what_a_transaction_holds_already_waits_through_the_work_that_follows():
    held = follow([trace(ADD_COLUMN, statement("UPDATE b SET a = 1", "b RE", line=2, scans=["b"]))])
    said = verdict.of(held[1:])
    assert said.text == (
        "reads and writes of orders wait, locked since line 1, while every row of b is read"
    )
    assert said.grade == "all wait"


def test_what_is_held_through_a_statement_without_work_is_no_wait_of_its_own():
    _, second = follow([trace(ADD_COLUMN, statement("COMMENT ON TABLE orders IS 'x'"))])
    assert verdict.of([second]).text == "nobody waits for more than is held"


def test_a_lock_is_gone_with_its_transaction():
    seen = follow(
        [
            trace(
                ADD_COLUMN,
                statement("UPDATE b SET a = 1", "b RE", line=2, transaction=2, scans=["b"]),
                statement("VACUUM b", "b SUE", line=3, transaction=None, scans=["b"]),
            )
        ]
    )
    assert [one.held for one in seen] == [{}, {}, {}]


def test_work_after_a_brief_lock_is_told_of_the_statements_together():
    alone = follow(
        [
            trace(
                statement(
                    "ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "orders AE"
                )
            )
        ]
    )
    check = statement("ALTER TABLE orders VALIDATE CONSTRAINT c", "orders SUE", scans=["orders"])
    said = verdict.of((*alone, *follow([trace(check)])))
    assert said.text == (
        "reads and writes of orders wait for an instant; "
        "nobody waits while every row of orders is read"
    )
    assert said.grade == "for an instant"
