"""Which transaction and which settings a statement runs under, told by what is found."""

from collections.abc import Callable

import pytest

from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
ADD = "ALTER TABLE orders ADD COLUMN a int;\n"
CONCURRENT = "CREATE INDEX CONCURRENTLY i ON orders (note);\n"

# psql runs each statement on its own. Whether a lock_timeout holds when the ALTER TABLE runs.
SETTINGS = [
    ("SET", "SET lock_timeout = '1s';\n" + ADD, True),
    ("SET in capitals", "SET LOCK_TIMEOUT = '1s';\n" + ADD, True),
    ("RESET", "SET lock_timeout = '1s'; RESET lock_timeout;\n" + ADD, False),
    ("RESET ALL", "SET lock_timeout = '1s'; RESET ALL;\n" + ADD, False),
    ("DISCARD ALL", "SET lock_timeout = '1s'; DISCARD ALL;\n" + ADD, False),
    ("DISCARD PLANS", "SET lock_timeout = '1s'; DISCARD PLANS;\n" + ADD, True),
    ("SET TO DEFAULT", "SET lock_timeout = '1s'; SET lock_timeout TO DEFAULT;\n" + ADD, False),
    ("SET LOCAL outside", "SET LOCAL lock_timeout = '1s';\n" + ADD, False),
    ("SET LOCAL inside", f"BEGIN; SET LOCAL lock_timeout = '1s';\n{ADD}COMMIT;", True),
    ("SET LOCAL, ended", "BEGIN; SET LOCAL lock_timeout = '1s'; COMMIT;\n" + ADD, False),
    (
        "SET after SET LOCAL stays",
        "BEGIN; SET LOCAL lock_timeout = '1s'; SET lock_timeout = '2s'; COMMIT;\n" + ADD,
        True,
    ),
    (
        "SET LOCAL after SET gives it back",
        "BEGIN; SET lock_timeout = '1s'; SET LOCAL lock_timeout = 0; COMMIT;\n" + ADD,
        True,
    ),
    ("SET, rolled back", "BEGIN; SET lock_timeout = '1s'; ROLLBACK;\n" + ADD, False),
    (
        "RESET, rolled back",
        "SET lock_timeout = '1s'; BEGIN; RESET lock_timeout; ROLLBACK;\n" + ADD,
        True,
    ),
    (
        "RESET ALL, rolled back",
        "SET lock_timeout = '1s'; BEGIN; RESET ALL; ROLLBACK;\n" + ADD,
        True,
    ),
    (
        "to a savepoint of before",
        f"BEGIN; SET LOCAL lock_timeout = '1s'; SAVEPOINT s; ROLLBACK TO s;\n{ADD}COMMIT;",
        True,
    ),
]


@pytest.mark.parametrize(
    ("sql", "holds"), [case[1:] for case in SETTINGS], ids=[case[0] for case in SETTINGS]
)
def test_how_long_a_setting_holds(repository: Make, sql: str, holds: bool) -> None:
    run = repository({"db/001.sql": TABLE, "db/002.sql": sql}).lint("db")
    missing = [rule for rule, _, _ in run.found if rule == "missing-lock-timeout"]
    assert missing == ([] if holds else ["missing-lock-timeout"])


# Whether CREATE INDEX CONCURRENTLY stands in a transaction.
BLOCKS = [
    ("none", CONCURRENT, False),
    ("BEGIN", f"BEGIN;\n{CONCURRENT}COMMIT;", True),
    ("after COMMIT", f"BEGIN;\n{ADD}COMMIT;\n{CONCURRENT}", False),
    ("after END", f"START TRANSACTION;\n{ADD}END;\n{CONCURRENT}", False),
    ("COMMIT AND CHAIN", f"BEGIN;\n{ADD}COMMIT AND CHAIN;\n{CONCURRENT}COMMIT;", True),
    ("ROLLBACK AND CHAIN", f"BEGIN;\n{ADD}ROLLBACK AND CHAIN;\n{CONCURRENT}COMMIT;", True),
    ("after a savepoint", f"BEGIN; SAVEPOINT s; RELEASE s;\n{CONCURRENT}COMMIT;", True),
]


@pytest.mark.parametrize(
    ("sql", "inside"), [case[1:] for case in BLOCKS], ids=[case[0] for case in BLOCKS]
)
def test_where_a_transaction_ends(repository: Make, sql: str, inside: bool) -> None:
    run = repository({"db/001.sql": TABLE, "db/002.sql": sql}).lint("db")
    refused = [rule for rule, _, _ in run.found if rule == "concurrently-in-transaction"]
    assert refused == (["concurrently-in-transaction"] if inside else [])


def test_begin_takes_in_what_came_before_in_the_same_message(repository: Make) -> None:
    """Prisma sends a file as one message: BEGIN there opens no second transaction."""
    sql = f"{ADD}BEGIN;\nUPDATE orders SET note = '';\nCOMMIT;\n"
    made = repository(
        {
            "migrations/20200101000000_a/migration.sql": TABLE,
            "migrations/20200102000000_b/migration.sql": sql,
        }
    )
    assert "ddl-plus-backfill-in-one-transaction" in [rule for rule, _, _ in made.lint().gate]


def test_what_is_deployed_already_is_not_new_in_a_branch_with_an_older_number(
    repository: Make,
) -> None:
    made = repository({"db/001_a.sql": TABLE, "db/003_c.sql": TABLE.replace("orders", "items")})
    made.commit()
    made.git("checkout", "-qb", "feature")
    made.write(
        {
            "db/002_b.sql": TABLE.replace("orders", "fresh"),
            "db/004_d.sql": "CREATE INDEX items_note_idx ON items (note);\n"
            "CREATE INDEX fresh_note_idx ON fresh (note);\n",
        }
    )
    made.commit()
    assert made.lint("--since", "main").gate == [("index-not-concurrent", "db/004_d.sql", 1)]


def test_a_rollback_takes_the_schema_back(repository: Make) -> None:
    sql = (
        "BEGIN;\nDROP TABLE orders;\nROLLBACK;\n"
        "BEGIN;\nCREATE TABLE extra (a int);\nROLLBACK;\n"
        "CREATE INDEX ON orders (note);\n"
    )
    run = repository({"db/001.sql": TABLE, "db/002.sql": sql}).lint("db")
    assert ("index-not-concurrent", "db/002.sql", 7) in run.gate


def test_each_overload_of_a_function_may_be_the_one_that_is_called(repository: Make) -> None:
    body = "LANGUAGE plpgsql AS $$ BEGIN\n{} END $$;\n"
    sql = (
        f"CREATE FUNCTION f(a int) RETURNS void {body.format('CREATE INDEX ON orders (note);')}"
        f"CREATE FUNCTION f() RETURNS void {body.format('PERFORM 1;')}"
        "SELECT f(1);\n"
    )
    run = repository({"db/001.sql": TABLE, "db/002.sql": sql}).lint("db")
    assert ("index-not-concurrent", "db/002.sql", 2) in run.gate
    dropped = sql.replace("SELECT f(1)", "DROP FUNCTION f(int)")
    assert repository({"db/002.sql": dropped}).lint("db").gate == []
