"""`plan --write`: all steps in order come to the schema and the rows of the statement itself, each
step lints clean but for what the plan says, and the downs take it back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg
import pytest

from senior_backend.migrations.fixes import column_type
from senior_backend.postgres import Databases
from tests.migrations import apply
from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.test_applied import TOOLS

Make = Callable[[Files], Repository]

TABLES = """\
CREATE DOMAIN quantity AS integer CHECK (VALUE > 0);
CREATE TABLE customers (
    id integer PRIMARY KEY, name text NOT NULL, vip integer DEFAULT 1
);
CREATE TABLE orders (
    id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers, pieces integer,
    price numeric(10,4), code varchar(20) NOT NULL, legacy text NOT NULL, at timestamp
);
CREATE INDEX orders_pieces_idx ON orders (pieces);
ALTER TABLE orders ADD COLUMN size quantity, ADD COLUMN tag varchar(9);
CREATE INDEX orders_tag_idx ON orders (tag DESC);
CREATE TABLE events (account integer, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2 PARTITION OF events DEFAULT;
CREATE TABLE marks (place integer, number integer, note text, PRIMARY KEY (place, number));
INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 20) AS n;
INSERT INTO orders SELECT n, n % 20 + 1, CASE WHEN n % 7 > 0 THEN n END, n / 8.0, 'k' || n, 'x',
    timestamp '2026-01-01' + n * interval '1 hour' FROM generate_series(1, 300) AS n;
INSERT INTO marks SELECT n % 9, n, CASE WHEN n % 2 = 0 THEN 'even' END
FROM generate_series(1, 300) AS n;
"""
GONE = "DROP TABLE orders, customers, marks, events; DROP DOMAIN quantity;\n"


@dataclass(frozen=True)
class Case:
    """A migration that needs a plan.

    ``rows`` is a query whose result is that of the statement itself; ``right`` one that gives true.
    ``left`` are the rules of gate findings that remain in the steps, as the plan says. ``between``
    is what people do before the last step. ``kept`` is a query whose result the downs bring back.
    """

    name: str
    up: str
    down: str = ""
    rows: str = ""
    right: str = ""
    left: tuple[str, ...] = ()
    same: bool = True
    between: str = ""
    back: bool = True
    kept: str = ""


CASES = [
    Case(
        "volatile default",
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();",
        "ALTER TABLE orders DROP COLUMN token;",
        right="SELECT count(DISTINCT token) = 300 FROM orders",
    ),
    Case(
        "volatile default among other actions",
        "ALTER TABLE orders ADD COLUMN a text, ADD COLUMN token uuid DEFAULT gen_random_uuid(),\n"
        "  ADD COLUMN b text;",
        "ALTER TABLE orders DROP COLUMN token, DROP COLUMN a, DROP COLUMN b;",
        right="SELECT count(DISTINCT token) = 300 FROM orders",
    ),
    Case(
        "serial",
        "ALTER TABLE orders ADD COLUMN number bigserial;",
        "ALTER TABLE orders DROP COLUMN number;",
        right="SELECT count(DISTINCT number) = 300 AND nextval('orders_number_seq') = 301 "
        "FROM orders",
    ),
    Case(
        "identity",
        "ALTER TABLE orders ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;",
        "ALTER TABLE orders DROP COLUMN number;",
        right="SELECT count(DISTINCT number) = 300 "
        "AND nextval(pg_get_serial_sequence('orders', 'number')) = 301 FROM orders",
    ),
    Case(
        "stored generated column",
        "ALTER TABLE orders ADD COLUMN total numeric GENERATED ALWAYS AS (price * pieces) STORED;",
        "ALTER TABLE orders DROP COLUMN total;",
        rows="SELECT id, total FROM orders ORDER BY id",
        same=False,
    ),
    Case(
        "column of a constrained domain",
        "ALTER TABLE orders ADD COLUMN many quantity DEFAULT 1;",
        "ALTER TABLE orders DROP COLUMN many;",
        rows="SELECT id, many FROM orders ORDER BY id",
        same=False,
    ),
    Case(
        "required column",
        "ALTER TABLE orders ADD COLUMN currency text NOT NULL;",
        "ALTER TABLE orders DROP COLUMN currency;",
        between="UPDATE orders SET currency = 'EUR'",
        same=False,
    ),
    Case(
        "type",
        "ALTER TABLE orders ALTER COLUMN pieces TYPE bigint;",
        "ALTER TABLE orders ALTER COLUMN pieces TYPE integer;",
        rows="SELECT id, pieces FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
        kept="SELECT id, pieces FROM orders ORDER BY id",
    ),
    Case(
        "type of a primary key",
        "ALTER TABLE orders ALTER COLUMN id TYPE bigint;",
        rows="SELECT id, pieces FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
    ),
    Case(
        "type of a part of a primary key",
        "ALTER TABLE marks ALTER COLUMN number TYPE bigint;",
        rows="SELECT place, number, note FROM marks ORDER BY number",
        left=("drop-column", "rename-column"),
    ),
    Case(
        "type of a foreign key, NOT NULL",
        "ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;",
        "ALTER TABLE orders ALTER COLUMN customer_id TYPE integer;",
        rows="SELECT id, customer_id FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
    ),
    Case(
        "narrower type, by USING",
        "ALTER TABLE orders ALTER COLUMN price TYPE numeric(10,2) USING price::numeric(10,2);",
        rows="SELECT id, price FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
    ),
    Case(
        "timestamp in a zone that is said",
        "SET LOCAL TimeZone = 'Europe/Oslo';\nALTER TABLE orders ALTER COLUMN at TYPE timestamptz;",
        rows="SELECT id, at FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
        kept="SELECT id, at FROM orders ORDER BY id",
    ),
    Case(
        "timestamp in a zone that USING names",
        "ALTER TABLE orders ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'Asia/Tokyo';",
        rows="SELECT id, at FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
        kept="SELECT id, at FROM orders ORDER BY id",
    ),
    Case(
        "collation of an indexed column",
        'ALTER TABLE orders ALTER COLUMN tag TYPE varchar(9) COLLATE "C";',
        'ALTER TABLE orders ALTER COLUMN tag TYPE varchar(9) COLLATE "default";',
        rows="SELECT id, tag FROM orders ORDER BY id",
    ),
    Case(
        "type that needs USING, with a default",
        "ALTER TABLE customers ALTER COLUMN vip TYPE boolean;",
        right="SELECT bool_and(vip) AND pg_get_expr(adbin, adrelid) = '(1)::boolean' "
        "FROM customers, pg_attrdef WHERE adrelid = 'customers'::regclass GROUP BY adbin, adrelid",
        left=("column-type-rewrite",),
        same=False,
        back=False,
    ),
    Case(
        "column dropped",
        "ALTER TABLE orders DROP COLUMN legacy;",
        "ALTER TABLE orders ADD COLUMN legacy text NOT NULL DEFAULT '';",
        left=("drop-column",),
        back=False,  # it was NOT NULL, and its values are gone
    ),
    Case(
        "column dropped among other actions",
        "ALTER TABLE orders ADD COLUMN a text, DROP COLUMN legacy, ADD COLUMN b text;",
        "ALTER TABLE orders DROP COLUMN a, DROP COLUMN b;",
        left=("drop-column",),
        back=False,  # it was NOT NULL, and its values are gone
    ),
    Case(
        "columns dropped among other actions",
        "ALTER TABLE orders DROP COLUMN legacy, ADD COLUMN a text, DROP COLUMN at,"
        " DROP COLUMN code;",
        "ALTER TABLE orders DROP COLUMN a;",
        left=("drop-column",),
        back=False,  # it was NOT NULL, and its values are gone
    ),
    Case(
        "columns dropped",
        "ALTER TABLE orders DROP COLUMN legacy, DROP COLUMN at, DROP COLUMN code;",
        left=("drop-column",),
        back=False,  # it was NOT NULL, and its values are gone
    ),
    Case(
        "table dropped",
        "ALTER TABLE orders ADD COLUMN a text;\nDROP TABLE marks;",
        "ALTER TABLE orders DROP COLUMN a;",
        left=("drop-table",),
    ),
    Case(
        "default dropped",
        "ALTER TABLE orders ADD COLUMN paid boolean DEFAULT false NOT NULL;\n"
        "ALTER TABLE orders ALTER COLUMN paid DROP DEFAULT;",
        "ALTER TABLE orders DROP COLUMN paid;",
        rows="SELECT id, paid FROM orders ORDER BY id",
    ),
    Case(
        "backfill that must not run twice",
        "UPDATE orders SET pieces = pieces + 1 WHERE pieces > 7 OR code = 'k1';",
        rows="SELECT id, pieces FROM orders ORDER BY id",
    ),
    Case(
        "backfill by a key of two columns",
        "ALTER TABLE marks ADD COLUMN other text;\n"
        "UPDATE marks AS m SET note = m.note || c.name, other = 'x' FROM customers c\n"
        "WHERE c.id = m.place -- a remark; with a semicolon\n;",
        "ALTER TABLE marks DROP COLUMN other;",
        rows="SELECT place, number, note, other FROM marks ORDER BY number",
    ),
    Case(
        "domain",
        "ALTER DOMAIN quantity ADD CONSTRAINT few CHECK (VALUE < 1000);",
        "ALTER DOMAIN quantity DROP CONSTRAINT few;",
        left=("domain-constraint",),
    ),
    Case(
        "index of a partitioned table",
        "CREATE INDEX events_account_idx ON events (account);",
        "DROP INDEX events_account_idx;",
        same=False,
    ),
]


IN_ONE_MESSAGE = {
    "volatile default",
    "serial",
    "collation of an indexed column",
    "column dropped",
    "backfill that must not run twice",
}
"""Cases also run by a tool that sends a file as one message."""


@pytest.mark.parametrize(
    ("tool", "case"),
    [
        pytest.param(tool, case, id=f"{case.name}-{tool}")
        for tool in ("goose", "prisma")
        for case in CASES
        if tool == "goose" or case.name in IN_ONE_MESSAGE
    ],
)
def test_the_steps_come_to_the_same_end(
    repository: Make, postgres_server: Databases, tool: str, case: Case
) -> None:
    made = repository(TOOLS[tool](case.up, case.down, TABLES, GONE))
    before = apply.folder(made.root)
    url = postgres_server.create_database()
    expected = rows = None
    if case.same or case.rows:
        apply.upgrade(url, before)
        expected, rows = apply.catalog(url), apply.rows(url, case.rows)
    postgres_server.drop_database(url)

    planned = made.run("plan", "--write")
    assert planned.code == 0, planned.err
    after = apply.folder(made.root)
    assert planned.out
    linted = made.lint()
    # The steps excuse what the plan says of them, and nothing else is excused.
    excused = {
        f["rule"]
        for f in linted.document["findings"]
        if f["class"] == "gate"
        and f["suppressed"]
        and f["suppressed"]["reason"] == "a planned step"
    }
    left = excused | {rule for rule, _, _ in linted.gate}
    assert left == set(case.left)

    url = postgres_server.create_database()
    try:
        apply.upgrade(url, _cut(after, 0, 1))
        start, kept = apply.catalog(url), apply.rows(url, case.kept)
        apply.upgrade(url, _cut(after, 1, 2 if case.between else None))
        if case.between:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(case.between.encode())
            apply.upgrade(url, _cut(after, 2, None))
        assert apply.rows(url, case.rows) == rows or not case.rows
        if case.right:
            assert apply.rows(url, case.right) == [(True,)]
        if case.same:
            assert apply.catalog(url) == expected
        if case.back:
            apply.downgrade(url, after, 1)
            assert apply.catalog(url) == start
            assert apply.rows(url, case.kept) == kept
    finally:
        postgres_server.drop_database(url)


NO_WAY_BACK = {
    "ALTER COLUMN price TYPE numeric(10,2) USING round(price, 1)": "nothing computes the old ones",
    "ALTER COLUMN at TYPE timestamptz USING at::timestamptz": "the zone of the values is not known",
    "ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE code": "the zone of the values is not",
    "ALTER COLUMN at TYPE date USING (at + interval '1 h')::date": "nothing computes the old ones",
    "ALTER COLUMN at TYPE text": "depends on settings of the session",
}


@pytest.mark.parametrize(("action", "reason"), NO_WAY_BACK.items())
def test_a_type_without_a_sure_way_back_is_not_planned(
    repository: Make, action: str, reason: str
) -> None:
    made = repository(TOOLS["goose"](f"ALTER TABLE orders {action};", "", TABLES, GONE))
    findings = made.lint().document["findings"]
    fixes = [f["fix"] for f in findings if f["rule"] in column_type.RULES]
    assert any(reason in fix.get("reason", "") for fix in fixes)
    assert all("files" not in fix for fix in fixes)


def test_rows_that_were_not_written_since_keep_the_value_that_the_new_type_cannot_hold(
    repository: Make, postgres_server: Databases
) -> None:
    up = "ALTER TABLE orders ALTER COLUMN price TYPE numeric(10,2);"
    made = repository(TOOLS["goose"](up, "", TABLES, GONE))
    assert made.run("plan", "--write").code == 0
    after = apply.folder(made.root)
    query = "SELECT price FROM orders WHERE id <= 9 ORDER BY id"
    url = postgres_server.create_database()
    try:
        apply.upgrade(url, _cut(after, 0, 1))
        start = apply.rows(url, query)
        swapped = _cut(after, 0, len(after.migrations) - 1)
        apply.upgrade(url, _cut(swapped, 1, None))
        assert apply.rows(url, query) != start
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE orders SET price = 7 WHERE id = 9")
        apply.downgrade(url, swapped, 1)
        assert [float(price) for (price,) in apply.rows(url, query)] == [
            *(float(price) for (price,) in start[:8]),
            7.0,
        ]
    finally:
        postgres_server.drop_database(url)


def _cut(folder: apply.Folder, start: int, end: int | None) -> apply.Folder:
    return replace(folder, migrations=folder.migrations[start:end])
