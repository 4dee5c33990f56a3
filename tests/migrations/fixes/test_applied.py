"""`--fix` in every tool's own form: what is mended where it stands, and what is not left behind."""

import re
from collections.abc import Callable

import pytest

from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.cases import FIXED, SETUP

Make = Callable[[Files], Repository]

GONE = "DROP TABLE orders, customers;\n"
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
    unique = next(case for case in FIXED if case.name == "unique")
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
