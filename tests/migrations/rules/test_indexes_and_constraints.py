"""What the rules about indexes and constraints find, what they pass over, and who is right."""

import pytest

from senior_backend.findings import Finding
from senior_backend.migrations.rules import registry
from senior_backend.migrations.rules.rule import Example
from senior_backend.sources.migration import Transaction
from tests.migrations.observe import Observation, Observer
from tests.migrations.rules.linting import findings

SETUP = """
CREATE DOMAIN amount AS bigint;
CREATE DOMAIN unused AS bigint;
CREATE TABLE customers (id bigint PRIMARY KEY, name text, position bigint UNIQUE DEFERRABLE);
CREATE TABLE products (id bigint PRIMARY KEY, sku text UNIQUE);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint,
    product_id bigint CONSTRAINT orders_product_fk REFERENCES products (id),
    code text CONSTRAINT orders_code_key UNIQUE,
    status text CONSTRAINT orders_status_check CHECK (status <> ''),
    paid boolean CHECK (paid IS NOT NULL),
    during tsrange,
    number integer
);
CREATE INDEX orders_status_idx ON orders (status);
CREATE INDEX orders_product_idx ON orders (product_id, number);
CREATE UNIQUE INDEX orders_number_idx ON orders (number);
CREATE UNIQUE INDEX orders_paid_idx ON orders (paid);
CREATE TABLE invoices (id bigint PRIMARY KEY, total amount);
CREATE TABLE tags (slug text NOT NULL CONSTRAINT tags_slug_key UNIQUE);
CREATE TABLE events (id bigint, at date NOT NULL, account bigint) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX events_id_idx ON events (id);
CREATE MATERIALIZED VIEW totals AS SELECT id FROM orders;
CREATE UNIQUE INDEX totals_id_idx ON totals (id);
ALTER TABLE orders ADD CONSTRAINT orders_old_check CHECK (number > 0) NOT VALID;
"""
SKIPPED = {
    "missing-lock-timeout",
    "multi-table-access-exclusive",
    "not-rerunnable",
    "not-valid-never-validated",
}
"""Said of almost every case here; they have cases of their own."""

Case = tuple[Transaction, str, dict[str, str]]
SILENT: dict[str, str] = {}
CASES: list[Case] = [
    # Indexes are built
    ("file", "CREATE INDEX ON orders (during)", {"index-not-concurrent": "gate"}),
    ("statement", "CREATE UNIQUE INDEX ON orders (customer_id)", {"index-not-concurrent": "gate"}),
    ("file", "CREATE INDEX ON orders USING gist (during)", {"index-not-concurrent": "gate"}),
    ("file", "CREATE INDEX ON public.orders (during)", {"index-not-concurrent": "gate"}),
    ("file", "CREATE INDEX ON events (account)", {"index-not-concurrent": "gate"}),
    ("file", "CREATE INDEX ON events_2025 (account)", {"index-not-concurrent": "gate"}),
    ("file", "CREATE INDEX IF NOT EXISTS orders_status_idx ON orders (status)", SILENT),
    ("file", "CREATE INDEX ON ONLY events (account)", SILENT),
    ("file", "CREATE TABLE t (a int); CREATE INDEX ON t (a)", SILENT),
    ("file", "CREATE TABLE t AS SELECT id FROM orders; CREATE INDEX ON t (id)", SILENT),
    (
        "file",
        (
            "CREATE TABLE events_2026 PARTITION OF events"
            " FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
            "CREATE INDEX ON events_2026 (account)"
        ),
        {"create-partition-of-locks-parent": "hygiene"},
    ),
    ("statement", "CREATE INDEX CONCURRENTLY ON orders (during)", SILENT),
    (
        "statement",
        "DO $$ BEGIN CREATE INDEX ON orders (during); END $$",
        {"index-not-concurrent": "gate"},
    ),
    # ... in a transaction
    (
        "file",
        "CREATE INDEX CONCURRENTLY ON orders (during)",
        {"concurrently-in-transaction": "gate"},
    ),
    (
        "run",
        "CREATE INDEX CONCURRENTLY ON orders (during)",
        {"concurrently-in-transaction": "gate"},
    ),
    ("implicit", "CREATE INDEX CONCURRENTLY ON orders (during)", SILENT),
    ("implicit", "/* note */ CREATE INDEX CONCURRENTLY ON orders (during); -- end", SILENT),
    (
        "implicit",
        "SET lock_timeout = 0; CREATE INDEX CONCURRENTLY ON orders (during)",
        {"concurrently-in-transaction": "gate"},
    ),
    (
        "implicit",
        "COMMIT; CREATE INDEX CONCURRENTLY ON orders (during)",
        {"concurrently-in-transaction": "gate"},
    ),
    (
        "file",
        "COMMIT; CREATE INDEX CONCURRENTLY ON orders (during)",
        {"transaction-nesting": "gate"},
    ),
    (
        "statement",
        "BEGIN; CREATE INDEX CONCURRENTLY ON orders (during); COMMIT",
        {"concurrently-in-transaction": "gate"},
    ),
    ("statement", "BEGIN; COMMIT; CREATE INDEX CONCURRENTLY ON orders (during)", SILENT),
    (
        "statement",
        "DO $$ BEGIN CREATE INDEX CONCURRENTLY ON orders (during); END $$",
        {"concurrently-in-transaction": "gate"},
    ),
    ("file", "DROP INDEX CONCURRENTLY orders_status_idx", {"concurrently-in-transaction": "gate"}),
    ("file", "REINDEX TABLE CONCURRENTLY orders", {"concurrently-in-transaction": "gate"}),
    ("file", "REINDEX (CONCURRENTLY) TABLE orders", {"concurrently-in-transaction": "gate"}),
    ("file", "REINDEX SCHEMA public", {"concurrently-in-transaction": "gate"}),
    (
        "file",
        "ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY",
        {"concurrently-in-transaction": "gate"},
    ),
    ("file", "VACUUM orders", {"concurrently-in-transaction": "gate"}),
    ("file", "VACUUM (ANALYZE) orders", {"concurrently-in-transaction": "gate"}),
    ("file", "ANALYZE orders", SILENT),
    ("file", "CREATE DATABASE other", {"concurrently-in-transaction": "gate"}),
    ("file", "ALTER SYSTEM SET work_mem = '8MB'", {"concurrently-in-transaction": "gate"}),
    ("file", "REFRESH MATERIALIZED VIEW CONCURRENTLY totals", SILENT),
    # ... on a partitioned table
    (
        "statement",
        "CREATE INDEX CONCURRENTLY ON events (account)",
        {"concurrent-index-on-partitioned-table": "gate"},
    ),
    (
        "file",
        "CREATE INDEX CONCURRENTLY ON events (account)",
        {"concurrent-index-on-partitioned-table": "gate"},
    ),
    (
        "statement",
        "CREATE INDEX CONCURRENTLY ON ONLY events (account)",
        {"concurrent-index-on-partitioned-table": "gate"},
    ),
    (
        "statement",
        "DROP INDEX CONCURRENTLY events_id_idx",
        {"concurrent-index-on-partitioned-table": "gate"},
    ),
    ("statement", "CREATE INDEX CONCURRENTLY ON events_2025 (account)", SILENT),
    ("statement", "REINDEX TABLE CONCURRENTLY events", SILENT),
    # ... again and again
    (
        "statement",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS x ON orders (during)",
        {"concurrent-index-if-not-exists": "gate"},
    ),
    (
        "statement",
        (
            "DROP INDEX CONCURRENTLY IF EXISTS x;"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS x ON public.orders (during)"
        ),
        SILENT,
    ),
    # ... under a timeout
    (
        "statement",
        "SET lock_timeout = '5s'; CREATE INDEX CONCURRENTLY x ON orders (during)",
        {"lock-timeout-with-concurrently": "hygiene"},
    ),
    (
        "statement",
        "SET statement_timeout = 60000; DROP INDEX CONCURRENTLY orders_status_idx",
        {"lock-timeout-with-concurrently": "hygiene"},
    ),
    (
        "statement",
        "SET lock_timeout = '1h'; CREATE INDEX CONCURRENTLY x ON orders (during)",
        SILENT,
    ),
    (
        "statement",
        "SET LOCAL lock_timeout = '1s'; CREATE INDEX CONCURRENTLY x ON orders (during)",
        SILENT,
    ),
    # Indexes are rebuilt and dropped
    ("file", "REINDEX INDEX orders_status_idx", {"reindex-not-concurrent": "gate"}),
    ("file", "REINDEX TABLE orders", {"reindex-not-concurrent": "gate"}),
    ("statement", "REINDEX SCHEMA public", {"reindex-not-concurrent": "gate"}),
    ("file", "CREATE TABLE t (a int PRIMARY KEY); REINDEX TABLE t", SILENT),
    ("file", "DROP INDEX orders_status_idx", {"drop-index-not-concurrent": "hygiene"}),
    ("file", "DROP INDEX IF EXISTS no_such_idx", {"drop-index-not-concurrent": "hygiene"}),
    ("file", "DROP INDEX events_id_idx", SILENT),
    ("file", "DROP INDEX totals_id_idx", SILENT),
    ("statement", "DROP INDEX CONCURRENTLY orders_status_idx", SILENT),
    ("file", "DROP INDEX orders_code_key", {"drop-index-backing-constraint": "gate"}),
    ("file", "DROP INDEX orders_pkey CASCADE", {"drop-index-backing-constraint": "gate"}),
    # Indexes that nobody needs
    ("statement", "CREATE INDEX CONCURRENTLY ON orders (code)", {"redundant-index": "hygiene"}),
    (
        "statement",
        "CREATE INDEX CONCURRENTLY ON orders (product_id)",
        {"redundant-index": "hygiene"},
    ),
    (
        "statement",
        "CREATE INDEX CONCURRENTLY ON orders (status, number)",
        {"redundant-index": "hygiene"},
    ),
    ("statement", "CREATE INDEX CONCURRENTLY ON orders (number, status)", SILENT),
    ("statement", "CREATE INDEX CONCURRENTLY ON orders (product_id DESC)", SILENT),
    ("statement", "CREATE INDEX CONCURRENTLY ON orders (product_id) WHERE number > 1", SILENT),
    ("statement", "CREATE INDEX CONCURRENTLY ON orders (product_id) INCLUDE (code)", SILENT),
    (
        "statement",
        "CREATE INDEX CONCURRENTLY ON orders (during, during)",
        {"duplicate-column-in-index": "hygiene"},
    ),
    (
        "statement",
        "CREATE INDEX CONCURRENTLY ON orders (customer_id) INCLUDE (customer_id)",
        {"duplicate-column-in-index": "hygiene"},
    ),
    # Foreign keys
    (
        "file",
        "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers",
        {"fk-without-not-valid": "gate", "fk-without-index": "hygiene"},
    ),
    (
        "file",
        "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID",
        {"fk-without-index": "hygiene"},
    ),
    (
        "file",
        "ALTER TABLE orders ADD FOREIGN KEY (number) REFERENCES orders",
        {"fk-without-not-valid": "gate", "fk-type-mismatch": "hygiene"},
    ),
    (
        "file",
        "ALTER TABLE events ADD FOREIGN KEY (id) REFERENCES customers",
        {"fk-without-not-valid": "gate"},
    ),
    (
        "file",
        "CREATE TABLE t (id bigint UNIQUE); ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES orders",
        {"fk-in-create-table": "note"},
    ),
    (
        "file",
        "SET LOCAL lock_timeout = '1s'; CREATE TABLE t (id bigint PRIMARY KEY REFERENCES orders)",
        SILENT,
    ),
    (
        "file",
        "CREATE TABLE t (id bigint UNIQUE); CREATE TABLE u (id bigint UNIQUE REFERENCES t (id))",
        SILENT,
    ),
    (
        "statement",
        "CREATE TABLE t (a bigint REFERENCES orders, b bigint REFERENCES products)",
        {"fk-in-create-table": "note", "fk-without-index": "hygiene"},
    ),
    (
        "file",
        "CREATE TABLE t (sku varchar(9) PRIMARY KEY REFERENCES products (sku))",
        {"fk-in-create-table": "note"},
    ),
    (
        "file",
        "CREATE TABLE t (id text PRIMARY KEY REFERENCES products (id))",
        {"fk-in-create-table": "note", "fk-type-mismatch": "gate"},
    ),
    (
        "file",
        "CREATE TABLE t (id numeric PRIMARY KEY REFERENCES products (id))",
        {"fk-in-create-table": "note", "fk-type-mismatch": "gate"},
    ),
    (
        "file",
        "CREATE TABLE t (id uuid PRIMARY KEY, up text UNIQUE REFERENCES t)",
        {"fk-type-mismatch": "gate"},
    ),
    (
        "file",
        "CREATE TABLE t (id numeric PRIMARY KEY, up integer UNIQUE REFERENCES t)",
        SILENT,
    ),
    (
        "file",
        "CREATE TABLE t (a amount PRIMARY KEY REFERENCES products (id))",
        {"fk-in-create-table": "note"},
    ),
    (
        "file",
        "CREATE TABLE t (p bigint PRIMARY KEY REFERENCES customers (position))",
        {"fk-in-create-table": "note", "deferrable-unique-as-target": "gate"},
    ),
    (
        "file",
        (
            "ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers NOT VALID;"
            "ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES products NOT VALID"
        ),
        {"multiple-foreign-keys-in-transaction": "hygiene"},
    ),
    (
        "file",
        (
            "ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers NOT VALID;"
            "ALTER TABLE orders ADD FOREIGN KEY (number) REFERENCES customers NOT VALID"
        ),
        {"fk-type-mismatch": "hygiene"},
    ),
    (
        "file",
        "ALTER TABLE orders DROP CONSTRAINT orders_product_fk",
        {"drop-fk-locks-referenced-table": "note", "drop-constraint": "hygiene"},
    ),
    # Checks
    ("file", "ALTER TABLE orders ADD CHECK (number > 0)", {"check-without-not-valid": "gate"}),
    ("statement", "ALTER TABLE orders ADD CHECK (number > 0) NOT VALID", SILENT),
    ("file", "ALTER TABLE events ADD CHECK (id > 0)", {"check-without-not-valid": "gate"}),
    (
        "file",
        (
            "ALTER TABLE orders ADD CONSTRAINT c CHECK (number > 0) NOT VALID;"
            "ALTER TABLE orders VALIDATE CONSTRAINT c"
        ),
        {"validate-in-same-transaction": "gate"},
    ),
    (
        "implicit",
        (
            "ALTER TABLE orders ADD CONSTRAINT c CHECK (number > 0) NOT VALID;"
            "ALTER TABLE orders VALIDATE CONSTRAINT c"
        ),
        {"validate-in-same-transaction": "gate"},
    ),
    (
        "statement",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (number > 0) NOT VALID, VALIDATE CONSTRAINT c",
        {"validate-in-same-transaction": "gate"},
    ),
    (
        "statement",
        (
            "ALTER TABLE orders ADD CONSTRAINT c CHECK (number > 0) NOT VALID;"
            "ALTER TABLE orders VALIDATE CONSTRAINT c"
        ),
        SILENT,
    ),
    ("file", "ALTER TABLE orders VALIDATE CONSTRAINT orders_old_check", SILENT),
    (
        "file",
        (
            "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;"
            "ALTER TABLE t VALIDATE CONSTRAINT c"
        ),
        SILENT,
    ),
    ("file", "ALTER DOMAIN amount ADD CHECK (VALUE > 0)", {"domain-constraint": "gate"}),
    ("file", "ALTER DOMAIN amount ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID", SILENT),
    ("file", "ALTER DOMAIN amount SET NOT NULL", {"domain-constraint": "gate"}),
    (
        "statement",
        (
            "ALTER DOMAIN amount ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID;"
            "ALTER DOMAIN amount VALIDATE CONSTRAINT c"
        ),
        {"domain-constraint": "gate"},
    ),
    ("file", "ALTER DOMAIN unused ADD CHECK (VALUE > 0)", SILENT),
    # Unique, primary key, exclusion
    ("file", "ALTER TABLE orders ADD UNIQUE (customer_id)", {"unique-without-index": "gate"}),
    ("file", "ALTER TABLE events ADD UNIQUE (id, at)", {"unique-without-index": "gate"}),
    ("file", "ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX orders_number_idx", SILENT),
    (
        "file",
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (id, number)",
        {"primary-key-without-index": "gate"},
    ),
    (
        "file",
        (
            "ALTER TABLE orders DROP CONSTRAINT orders_pkey,"
            " ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_number_idx"
        ),
        {"primary-key-using-index-nullable": "gate"},
    ),
    (
        "file",
        (
            "ALTER TABLE orders DROP CONSTRAINT orders_pkey,"
            " ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_paid_idx"
        ),
        SILENT,
    ),
    ("file", "ALTER TABLE events ADD PRIMARY KEY (id, at)", {"primary-key-without-index": "gate"}),
    (
        "file",
        "ALTER TABLE orders ADD EXCLUDE USING gist (during WITH &&)",
        {"exclusion-constraint": "gate"},
    ),
    # Constraints end or change
    ("file", "ALTER TABLE orders DROP CONSTRAINT orders_code_key", {"drop-constraint": "gate"}),
    ("file", "ALTER TABLE orders DROP CONSTRAINT orders_pkey", {"drop-constraint": "gate"}),
    (
        "file",
        "ALTER TABLE orders DROP CONSTRAINT orders_status_check",
        {"drop-constraint": "hygiene"},
    ),
    ("file", "ALTER TABLE orders DROP CONSTRAINT IF EXISTS no_such_check", SILENT),
    (
        "file",
        (
            "ALTER TABLE orders DROP CONSTRAINT orders_status_check,"
            " ADD CHECK (status IN ('a', 'b')) NOT VALID"
        ),
        SILENT,
    ),
    (
        "file",
        "ALTER TABLE tags DROP CONSTRAINT tags_slug_key, ADD PRIMARY KEY (slug)",
        {"primary-key-without-index": "gate"},
    ),
    (
        "file",
        "ALTER TABLE orders ALTER CONSTRAINT orders_product_fk DEFERRABLE",
        SILENT,
    ),
    (
        "file",
        "ALTER TABLE orders ALTER CONSTRAINT orders_product_fk INITIALLY DEFERRED",
        {"alter-constraint": "hygiene"},
    ),
    (
        "file",
        "ALTER TABLE orders ALTER CONSTRAINT orders_product_fk NOT ENFORCED",
        {"alter-constraint": "hygiene"},
    ),
    (
        "file",
        "ALTER TABLE orders ADD CHECK (number > 0) NOT ENFORCED",
        {"not-enforced-constraint": "hygiene"},
    ),
]
HARM_AFTERWARDS = {"drop-constraint", "concurrent-index-if-not-exists", "transaction-nesting"}
"""Gate rules about what comes after the statement, which running it does not show."""


@pytest.mark.parametrize(("transaction", "sql", "expected"), CASES)
def test_each_case_is_found_by_the_right_rule(
    transaction: Transaction, sql: str, expected: dict[str, str]
) -> None:
    found = findings(Example(sql, transaction=transaction), setup=SETUP)
    assert {f.rule: f.class_ for f in found if f.rule not in SKIPPED} == expected


@pytest.mark.parametrize(("transaction", "sql", "expected"), CASES)
def test_a_gate_is_what_postgresql_refuses_or_does_while_others_wait(
    transaction: Transaction, sql: str, expected: dict[str, str], observer: Observer
) -> None:
    if "ENFORCED" in sql and observer.major < 18:
        pytest.skip("needs PostgreSQL 18")
    observer.observe(SETUP, "")
    alone = transaction == "statement" and "BEGIN" not in sql
    observed = [observer.watch(part, transaction) for part in (sql.split(";") if alone else [sql])]
    harm = [seen for seen in observed if seen.error is not None or _blocked_work(seen)]
    if expected == {"fk-in-create-table": "note"}:
        harm = []  # an empty table is announced to be validated, too
    if sql.startswith("REINDEX TABLE CONCURRENTLY"):
        # SHARE on partitions is only wanted while they are listed: long before anything is built.
        harm = [seen for seen in observed if seen.error is not None]
    if sql.startswith("REFRESH MATERIALIZED VIEW CONCURRENTLY"):
        harm = []  # its lock keeps writes out, and nobody writes to a materialized view
    gates = {rule for rule, class_ in expected.items() if class_ == "gate"} - HARM_AFTERWARDS
    assert bool(gates) == bool(harm), [str(seen) for seen in observed]


def _blocked_work(seen: Observation) -> set[str]:
    """Tables whose rows are worked on while others wait for them."""
    closed = {name for name, lock in seen.locks.items() if lock.blocks_writes}
    return closed & (seen.scans | seen.index_builds | seen.rewrites)


def test_a_table_of_known_few_rows_is_no_gate() -> None:
    for rule, sql in (
        ("index-not-concurrent", "CREATE INDEX ON orders (during)"),
        ("check-without-not-valid", "ALTER TABLE orders ADD CHECK (number > 0)"),
        ("unique-without-index", "ALTER TABLE orders ADD UNIQUE (customer_id)"),
        ("domain-constraint", "ALTER DOMAIN amount SET NOT NULL"),
    ):
        small = findings(Example(sql), setup=SETUP, rows={"orders": 249, "invoices": 9})
        large = findings(Example(sql), setup=SETUP, rows={"orders": 2_000_000})
        assert _classes(small)[rule] == "hygiene"
        assert _classes(large)[rule] == "gate"


def test_an_index_in_a_later_migration_serves_a_foreign_key() -> None:
    key = Example("CREATE TABLE t (o bigint REFERENCES orders);")
    index = Example("CREATE INDEX CONCURRENTLY ON t (o);", transaction="statement")
    assert "fk-without-index" in _classes(findings(key, setup=SETUP))
    assert "fk-without-index" not in _classes(findings(key, index, setup=SETUP))


def test_nothing_is_said_of_indexes_on_tables_that_were_never_seen() -> None:
    sql = "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c NOT VALID;"
    assert "fk-without-index" not in _classes(findings(Example(sql)))
    sql = "ALTER TABLE a ADD COLUMN b bigint REFERENCES c;"
    assert "fk-without-index" in _classes(findings(Example(sql)))


def test_a_constraint_is_not_valid_until_some_migration_validates_it() -> None:
    add = Example("ALTER TABLE orders ADD CHECK (number < 9) NOT VALID;")
    validate = Example("ALTER TABLE orders VALIDATE CONSTRAINT orders_number_check;")
    drop = Example("ALTER TABLE orders DROP CONSTRAINT orders_number_check;")
    unrelated = Example("ALTER TABLE orders VALIDATE CONSTRAINT orders_old_check;")
    rule = "not-valid-never-validated"
    assert rule in _classes(findings(add, setup=SETUP))
    assert rule in _classes(findings(add, unrelated, setup=SETUP))
    assert rule not in _classes(findings(add, validate, setup=SETUP))
    assert rule not in _classes(findings(add, drop, setup=SETUP))


def test_a_primary_key_that_was_never_seen_is_known_by_its_name() -> None:
    found = findings(Example("ALTER TABLE a DROP CONSTRAINT a_pkey;"))
    assert _classes(found)["drop-constraint"] == "gate"


def test_a_down_may_end_what_its_up_began_but_not_block_for_it() -> None:
    found = findings(
        Example(
            "ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX orders_number_idx;\n"
            "CREATE INDEX x ON orders (during);"
        ),
        setup=SETUP,
        down="DROP INDEX x; ALTER TABLE orders DROP CONSTRAINT u;",
    )
    assert "drop-constraint" not in _classes(found)
    assert "drop-index-not-concurrent" in _classes(found)


def test_a_table_that_a_down_creates_is_new() -> None:
    down = "CREATE TABLE old AS SELECT id FROM orders; ALTER TABLE old ADD PRIMARY KEY (id);"
    assert _classes(findings(Example("SELECT 1;"), setup=SETUP, down=down)) == {}
    found = findings(Example("CREATE TABLE t (a int);"), down="CREATE INDEX ON t (a);")
    assert _classes(found)["index-not-concurrent"] == "hygiene"


def test_messages_name_the_lock_the_table_and_who_waits() -> None:
    for sql, parts in (
        ("CREATE INDEX ON orders (during)", ("SHARE on orders", "every write", "CONCURRENTLY")),
        (
            "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers",
            ("SHARE ROW EXCLUSIVE on orders and customers", "all writes", "NOT VALID"),
        ),
        (
            "ALTER TABLE orders ADD CHECK (number > 0)",
            ("ACCESS EXCLUSIVE on orders", "all reads and writes", "NOT VALID"),
        ),
        (
            "ALTER TABLE orders ADD UNIQUE (customer_id)",
            ("ACCESS EXCLUSIVE", "all reads and writes", "USING INDEX"),
        ),
    ):
        message = next(f.message for f in findings(Example(sql), setup=SETUP) if f.class_ == "gate")
        assert [part for part in parts if part not in message] == []


def test_rules_of_this_page_exist() -> None:
    named = {rule for _, _, expected in CASES for rule in expected}
    assert named <= registry.ids()


def _classes(found: list[Finding]) -> dict[str, str]:
    return {f.rule: f.class_ for f in found}
