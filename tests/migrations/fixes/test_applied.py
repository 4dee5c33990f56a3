"""`--fix`: the repaired folder is clean, runs as its tool runs it, ends in the same schema, and its
downs take it back. Every case in every tool's own form.
"""

from collections.abc import Callable
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


@dataclass(frozen=True)
class Case:
    """A migration that `--fix` mends."""

    name: str
    up: str
    down: str


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
]


def _plain(up: str, down: str) -> Files:
    return {
        "db/001_a.up.sql": SETUP,
        "db/001_a.down.sql": "DROP TABLE orders, customers;\n",
        "db/002_b.up.sql": f"{up}\n",
        "db/002_b.down.sql": f"{down}\n",
    }


def _goose(up: str, down: str) -> Files:
    return {
        "db/00001_a.sql": f"-- +goose Up\n{SETUP}\n-- +goose Down\nDROP TABLE orders, customers;\n",
        "db/00002_b.sql": f"-- +goose Up\n{up}\n-- +goose Down\n{down}\n",
    }


def _prisma(up: str, down: str) -> Files:
    return {
        "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
        "prisma/migrations/20250101000000_a/migration.sql": SETUP,
        "prisma/migrations/20250101000000_a/down.sql": "DROP TABLE orders, customers;\n",
        "prisma/migrations/20250102000000_b/migration.sql": f"{up}\n",
        "prisma/migrations/20250102000000_b/down.sql": f"{down}\n",
    }


def _golang_migrate(up: str, down: str) -> Files:
    files = _plain(up, down)
    return {name.replace("db/00", "migrations/00000"): text for name, text in files.items()}


def _flyway(up: str, down: str) -> Files:
    return {
        "db/migration/V1__a.sql": SETUP,
        "db/migration/V2__b.sql": f"{up}\n",
    }


def _alembic(up: str, down: str) -> Files:
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
        "migrations/sql/0001_a.up.sql": SETUP,
        "migrations/sql/0001_a.down.sql": "DROP TABLE orders, customers;\n",
        "migrations/sql/0002_b.up.sql": f"{up}\n",
        "migrations/sql/0002_b.down.sql": f"{down}\n",
    }


TOOLS = {
    "plain": _plain,
    "goose": _goose,
    "prisma": _prisma,
    "golang-migrate": _golang_migrate,
    "flyway": _flyway,
    "alembic": _alembic,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("tool", TOOLS)
def test_the_repaired_folder_is_clean_and_comes_to_the_same_end(
    repository: Make, postgres_server: Databases, tool: str, case: Case
) -> None:
    made = repository(TOOLS[tool](case.up, case.down))
    before = apply.folder(made.root)
    expected = _after(postgres_server, lambda url: apply.upgrade(url, before))
    empty = _after(postgres_server, lambda url: apply.upgrade(url, _first(before)))

    blocked = made.lint("--fail-on", "hygiene")
    assert blocked.code == 1, "the case shows nothing"
    # The first migration creates the tables, so that all its findings are hygiene.
    fixed = made.lint("--fix")
    assert (fixed.gate, fixed.code) == ([], 0), fixed.err
    assert fixed.err, "what was written is told"

    after = apply.folder(made.root)
    assert _after(postgres_server, lambda url: apply.upgrade(url, after)) == expected
    if tool != "flyway":

        def there_and_back(url: str) -> None:
            apply.upgrade(url, after)
            apply.downgrade(url, after, 1)

        assert _after(postgres_server, there_and_back) == empty


def _first(folder: apply.Folder) -> apply.Folder:
    return replace(folder, migrations=folder.migrations[:1])


def _after(server: Databases, steps: Callable[[str], None]) -> list[tuple[str, ...]]:
    url = server.create_database()
    try:
        steps(url)
        return apply.catalog(url)
    finally:
        server.drop_database(url)
