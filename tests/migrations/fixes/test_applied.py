"""`--fix`: the repaired folder is clean, runs as its tool runs it, ends in the same schema, and its
downs take it back. Every case in every tool's own form.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from senior_backend.postgres import Databases
from tests.migrations import apply
from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

SETUP = """\
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, status text, code text NOT NULL);
CREATE INDEX orders_status_idx ON orders (status);
"""
GONE = "DROP TABLE orders, customers;\n"


@dataclass(frozen=True)
class Case:
    """A migration that `--fix` mends."""

    name: str
    up: str
    down: str
    setup: str = ""
    gone: str = ""
    rows: str = ""
    """A query whose result is what the migration itself leads to."""
    fails: bool = False
    """Whether PostgreSQL refuses the migration as it is."""


EVENTS = """\
CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 (id bigint, at date);
INSERT INTO events_2025 SELECT n, date '2025-01-01' + n FROM generate_series(1, 200) AS n;
"""
REST = """\
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events_rest VALUES (1, NULL), (2, '2028-01-01');
"""
NO_EVENTS = "DROP TABLE IF EXISTS events_2025, events_old, events CASCADE;\n"
FILLED = """\
INSERT INTO customers SELECT n FROM generate_series(1, 10) AS n;
INSERT INTO orders SELECT n, n % 10 + 1, CASE WHEN n % 3 = 0 THEN 'new' END, n::text
FROM generate_series(1, 200) AS n;
"""

CASES = [
    Case(
        "index",
        "CREATE INDEX orders_customer_id_idx ON orders (customer_id);",
        "DROP INDEX orders_customer_id_idx;",
    ),
    Case(
        "unnamed unique index",
        "create unique index on orders (code) where status is not null;",
        "drop index orders_code_idx;",
    ),
    Case(
        "foreign key",
        "ALTER TABLE orders ADD CONSTRAINT c_fk FOREIGN KEY (customer_id) REFERENCES customers;",
        "ALTER TABLE orders DROP CONSTRAINT c_fk;",
    ),
    Case(
        "unnamed foreign key",
        "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;",
        "ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;",
    ),
    Case(
        "check",
        "ALTER TABLE orders ADD CONSTRAINT s CHECK (status <> '');",
        "ALTER TABLE orders DROP CONSTRAINT s;",
    ),
    Case(
        "unnamed check",
        "ALTER TABLE orders ADD CHECK (status <> '');",
        "ALTER TABLE orders DROP CONSTRAINT orders_status_check;",
    ),
    Case(
        "not null",
        "ALTER TABLE orders ALTER COLUMN customer_id SET NOT NULL;",
        "ALTER TABLE orders ALTER COLUMN customer_id DROP NOT NULL;",
    ),
    Case(
        "unique",
        "ALTER TABLE orders ADD CONSTRAINT u UNIQUE (customer_id, status);",
        "ALTER TABLE orders DROP CONSTRAINT u;",
    ),
    Case(
        "unnamed unique",
        "ALTER TABLE orders ADD UNIQUE (code);",
        "ALTER TABLE orders DROP CONSTRAINT orders_code_key;",
    ),
    Case(
        "drop index",
        "DROP INDEX orders_status_idx;",
        "CREATE INDEX orders_status_idx ON orders (status);",
    ),
    Case(
        "column with foreign key and default",
        "ALTER TABLE orders ADD COLUMN agent bigint DEFAULT 1 REFERENCES customers ON DELETE SET "
        "NULL;",
        "ALTER TABLE orders DROP COLUMN agent;",
        setup=FILLED,
    ),
    Case(
        "column with check among other actions",
        "ALTER TABLE orders ADD COLUMN a text, ADD COLUMN size integer CHECK (size > 0);",
        "ALTER TABLE orders DROP COLUMN size, DROP COLUMN a;",
    ),
    Case(
        "column and its backfill",
        "ALTER TABLE orders ADD COLUMN region text;\nUPDATE orders SET region = 'EU';",
        "ALTER TABLE orders DROP COLUMN region;",
        setup=FILLED,
        rows="SELECT id, region FROM orders ORDER BY id",
    ),
    Case(
        "backfill where a value is missing",
        "UPDATE orders AS o SET status = lower(o.code) || c.id FROM customers AS c\n"
        "WHERE c.id = o.customer_id AND (status IS NULL)  -- only those; no others\n;",
        "SELECT 1;",
        setup=FILLED,
        rows="SELECT id, status FROM orders ORDER BY id",
    ),
    Case(
        "rows deleted",
        "DELETE FROM orders WHERE status IS NULL OR id > 150",
        "SELECT 1;",
        setup=FILLED,
        rows="SELECT id FROM orders ORDER BY id",
    ),
    Case(
        "attached partition",
        "ALTER TABLE events ATTACH PARTITION events_2025\n"
        "  FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');",
        "ALTER TABLE events DETACH PARTITION events_2025;",
        setup=EVENTS + REST,
        gone=NO_EVENTS,
        rows="SELECT * FROM events ORDER BY id, at",
    ),
    Case(
        "partition beside a default partition",
        "CREATE TABLE events_2026 PARTITION OF events\n"
        "  FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        "DROP TABLE events_2026;",
        setup=EVENTS + REST,
        gone=NO_EVENTS,
    ),
    Case(
        "detached partition",
        "ALTER TABLE events DETACH PARTITION events_old;",
        "ALTER TABLE events ATTACH PARTITION events_old\n"
        "  FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
        setup=EVENTS,
        gone=NO_EVENTS,
    ),
    Case(
        "refreshed view",
        "REFRESH MATERIALIZED VIEW totals;",
        "SELECT 1;",
        setup="CREATE MATERIALIZED VIEW totals AS SELECT customer_id FROM orders GROUP BY 1;\n"
        "CREATE UNIQUE INDEX totals_idx ON totals (customer_id);\n",
        gone="DROP MATERIALIZED VIEW totals;\n",
    ),
    Case(
        "new enum value in use",
        "ALTER TYPE state ADD VALUE 'paid';\n"
        "ALTER TABLE orders ADD COLUMN state state DEFAULT 'paid';",
        "ALTER TABLE orders DROP COLUMN state;",
        setup="CREATE TYPE state AS ENUM ('new');\n",
        gone="DROP TYPE state;\n",
        fails=True,
    ),
    Case(
        "lock_timeout and an index in one file",
        "ALTER TABLE orders ADD COLUMN a text;\n"
        "CREATE INDEX orders_customer_id_idx ON orders (customer_id);",
        "DROP INDEX orders_customer_id_idx;\nALTER TABLE orders DROP COLUMN a;",
    ),
    Case(
        "primary key on columns that may be NULL",
        "ALTER TABLE pairs ADD PRIMARY KEY (a, b);",
        "ALTER TABLE pairs DROP CONSTRAINT pairs_pkey, ALTER COLUMN a DROP NOT NULL;",
        setup="CREATE TABLE pairs (a integer, b integer NOT NULL);\n"
        "INSERT INTO pairs SELECT n, n FROM generate_series(1, 100) AS n;\n",
        gone="DROP TABLE pairs;\n",
    ),
    Case(
        "primary key of an index on a column that may be NULL",
        "ALTER TABLE pairs ADD CONSTRAINT pairs_pkey PRIMARY KEY USING INDEX pairs_a;",
        "ALTER TABLE pairs DROP CONSTRAINT pairs_pkey; ALTER TABLE pairs ALTER a DROP NOT NULL;"
        "CREATE UNIQUE INDEX pairs_a ON pairs (a);",
        setup="CREATE TABLE pairs (a integer);\nCREATE UNIQUE INDEX pairs_a ON pairs (a);\n",
        gone="DROP TABLE pairs;\n",
    ),
]
EVERYWHERE = {
    "index",
    "foreign key",
    "unique",
    "column and its backfill",
    "lock_timeout and an index in one file",
}
"""Cases for every tool; the others for one with a transaction a file, and one with a message."""


def _plain(up: str, down: str, setup: str = SETUP, gone: str = GONE) -> Files:
    return {
        "db/001_a.up.sql": setup,
        "db/001_a.down.sql": gone,
        "db/002_b.up.sql": f"{up}\n",
        "db/002_b.down.sql": f"{down}\n",
    }


def _goose(up: str, down: str, setup: str = SETUP, gone: str = GONE) -> Files:
    return {
        "db/00001_a.sql": f"-- +goose Up\n{setup}\n-- +goose Down\n{gone}",
        "db/00002_b.sql": f"-- +goose Up\n{up}\n-- +goose Down\n{down}\n",
    }


def _prisma(up: str, down: str, setup: str = SETUP, gone: str = GONE) -> Files:
    return {
        "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
        "prisma/migrations/20250101000000_a/migration.sql": setup,
        "prisma/migrations/20250101000000_a/down.sql": gone,
        "prisma/migrations/20250102000000_b/migration.sql": f"{up}\n",
        "prisma/migrations/20250102000000_b/down.sql": f"{down}\n",
    }


def _golang_migrate(up: str, down: str, setup: str = SETUP, gone: str = GONE) -> Files:
    files = _plain(up, down, setup, gone)
    return {name.replace("db/00", "migrations/00000"): text for name, text in files.items()}


def _flyway(up: str, down: str, setup: str = SETUP, gone: str = GONE) -> Files:
    return {
        "db/migration/V1__a.sql": setup,
        "db/migration/V2__b.sql": f"{up}\n",
    }


def _alembic(up: str, down: str, setup: str = SETUP, gone: str = GONE) -> Files:
    revision = '''"""{name}"""
from app.database.migrations import run_sql

revision = "{number}"
down_revision = {before}


def upgrade() -> None:
    run_sql("{number}_{name}.up.sql")


def downgrade() -> None:
    run_sql("{number}_{name}.down.sql")
'''
    return {
        "alembic.ini": "[alembic]\nscript_location = migrations\n",
        "migrations/env.py": "context.configure(connection=c, transaction_per_migration=True)\n",
        "migrations/script.py.mako": "",
        "migrations/versions/0001_a.py": revision.format(name="a", number="0001", before=None),
        "migrations/versions/0002_b.py": revision.format(name="b", number="0002", before="'0001'"),
        "migrations/sql/0001_a.up.sql": setup,
        "migrations/sql/0001_a.down.sql": gone,
        "migrations/sql/0002_b.up.sql": f"{up}\n",
        "migrations/sql/0002_b.down.sql": f"{down}\n",
    }


def _dbmate(up: str, down: str, setup: str = SETUP, gone: str = GONE) -> Files:
    return {
        "db/20250101000000_a.sql": f"-- migrate:up\n{setup}\n-- migrate:down\n{gone}",
        "db/20250102000000_b.sql": f"-- migrate:up\n{up}\n\n-- migrate:down\n{down}\n",
    }


def _diesel(up: str, down: str, setup: str = SETUP, gone: str = GONE) -> Files:
    return {
        "migrations/2025-01-01-000000_a/up.sql": setup,
        "migrations/2025-01-01-000000_a/down.sql": gone,
        "migrations/2025-01-02-000000_b/up.sql": f"{up}\n",
        "migrations/2025-01-02-000000_b/down.sql": f"{down}\n",
    }


TOOLS = {
    "plain": _plain,
    "goose": _goose,
    "prisma": _prisma,
    "golang-migrate": _golang_migrate,
    "flyway": _flyway,
    "alembic": _alembic,
    "dbmate": _dbmate,
    "diesel": _diesel,
}


@pytest.mark.parametrize(
    ("tool", "case"),
    [
        pytest.param(tool, case, id=f"{case.name}-{tool}")
        for tool in TOOLS
        for case in CASES
        if tool in ("goose", "prisma") or case.name in EVERYWHERE
    ],
)
def test_the_repaired_folder_is_clean_and_comes_to_the_same_end(
    repository: Make, postgres_server: Databases, tool: str, case: Case
) -> None:
    setup, gone = SETUP + case.setup, case.gone + GONE
    made = repository(TOOLS[tool](case.up, case.down, setup, gone))
    before = apply.folder(made.root)
    with _database(postgres_server) as url:
        apply.upgrade(url, _part(before, 0, 1))
        empty = apply.catalog(url)
        expected, rows = None, None
        if not case.fails:
            apply.upgrade(url, _part(before, 1, None))
            expected, rows = apply.catalog(url), apply.rows(url, case.rows)

    blocked = made.lint("--fail-on", "hygiene")
    assert blocked.code == 1, "the case shows nothing"
    # The first migration creates the tables, so that all its findings are hygiene.
    fixed = made.lint("--fix")
    assert (fixed.gate, fixed.code) == ([], 0), fixed.err
    assert fixed.err, "what was written is told"

    after = apply.folder(made.root)
    with _database(postgres_server) as url:
        apply.upgrade(url, after)
        if not case.fails:
            assert apply.catalog(url) == expected
            assert apply.rows(url, case.rows) == rows
        if tool != "flyway":
            apply.downgrade(url, after, 1)
            assert apply.catalog(url) == empty


BUILD = "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);\n"
GONE_AGAIN = "DROP INDEX CONCURRENTLY IF EXISTS orders_customer_id_idx;\n"
TAKE = "DROP INDEX CONCURRENTLY orders_customer_id_idx;\n"

LONE_INDEX = {
    "plain": {"db/002_b.up.sql": BUILD, "db/002_b.down.sql": TAKE},
    "goose": {
        "db/00002_b.sql": "-- +goose NO TRANSACTION\n"
        f"-- +goose Up\n{GONE_AGAIN}{BUILD}-- +goose Down\n{TAKE}"
    },
    "prisma": {
        "prisma/migrations/20250102000000_b/migration.sql": BUILD,
        "prisma/migrations/20250102000000_b/down.sql": TAKE,
    },
    "golang-migrate": {
        "migrations/000002_b.up.sql": BUILD,
        "migrations/000002_b.down.sql": TAKE,
    },
    "flyway": {
        "db/migration/V2__b.sql": GONE_AGAIN + BUILD,
        "db/migration/V2__b.sql.conf": "executeInTransaction=false\n",
    },
    "dbmate": {
        "db/20250102000000_b.sql": f"-- migrate:up transaction:false\n{BUILD}\n"
        f"-- migrate:down transaction:false\n{TAKE}"
    },
    "diesel": {
        "migrations/2025-01-02-000000_b/up.sql": BUILD,
        "migrations/2025-01-02-000000_b/down.sql": TAKE,
        "migrations/2025-01-02-000000_b/metadata.toml": "run_in_transaction = false\n",
    },
}


@pytest.mark.parametrize(
    ("tool", "timeout"),
    [
        pytest.param(tool, timeout, id=f"{tool}{'-timeout' if timeout else ''}")
        for tool in LONE_INDEX
        for timeout in ("", "SET LOCAL lock_timeout = '5s';\n")
        if tool != "plain" or not timeout  # psql has no transaction for SET LOCAL
    ],
)
def test_an_index_alone_in_its_migration_is_mended_where_it_is(
    repository: Make, tool: str, timeout: str
) -> None:
    up = f"{timeout}CREATE INDEX orders_customer_id_idx ON orders (customer_id);"
    files = TOOLS[tool](up, f"{timeout}DROP INDEX orders_customer_id_idx;")
    made = repository(files)
    done = made.lint("--fix")
    assert (done.gate, done.code) == ([], 0), done.err
    assert _texts(made, but=files) == LONE_INDEX[tool]


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in ("alembic", "plain")])
def test_no_file_is_left_empty(repository: Make, tool: str) -> None:
    unique = next(case for case in CASES if case.name == "unique")
    made = repository(TOOLS[tool](unique.up, unique.down))
    assert made.lint("--fix").code == 0
    texts = _texts(made)
    assert texts
    assert [name for name, text in texts.items() if not text.strip()] == []


def _texts(made: Repository, but: Files | None = None) -> dict[str, str]:
    """Contents by name of all but the first migration, and ``but`` what has not changed."""
    named = {
        path.relative_to(made.root).as_posix(): path
        for path in made.root.rglob("*")
        if path.is_file()
    }
    return {
        name: text
        for name, path in named.items()
        if not name.startswith(".git/") and not re.search(r"_a\b", name)
        if (text := path.read_text()) != (but or {}).get(name)
    }


def _part(folder: apply.Folder, start: int, end: int | None) -> apply.Folder:
    return replace(folder, migrations=folder.migrations[start:end])


@contextlib.contextmanager
def _database(server: Databases) -> Iterator[str]:
    url = server.create_database()
    try:
        yield url
    finally:
        server.drop_database(url)
