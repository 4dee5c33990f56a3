"""Every tool's own form of a migration and of the one before it, and how it runs them."""

import json
from collections.abc import Callable

from tests.migrations.conftest import Files
from tests.migrations.fixes.test_applied import TOOLS


def _psql(up: str, _down: str, setup: str, _gone: str) -> Files:
    return {"db/001_a.sql": setup, "db/002_b.sql": f"{up}\n"}


def _supabase(up: str, _down: str, setup: str, _gone: str) -> Files:
    return {
        "supabase/migrations/20250101000000_a.sql": setup,
        "supabase/migrations/20250102000000_b.sql": f"{up}\n",
    }


def _drizzle(up: str, _down: str, setup: str, _gone: str) -> Files:
    entries = [
        {"idx": n, "version": "7", "when": 1735689600000 + n, "tag": tag, "breakpoints": True}
        for n, tag in enumerate(["0000_a", "0001_b"])
    ]
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    return {
        "drizzle/meta/_journal.json": json.dumps(journal),
        "drizzle/0000_a.sql": setup,
        "drizzle/0001_b.sql": f"{up}\n",
    }


def _sql_migrate(up: str, down: str, setup: str, gone: str) -> Files:
    return {
        "db/001_a.sql": f"-- +migrate Up\n{setup}\n-- +migrate Down\n{gone}",
        "db/002_b.sql": f"-- +migrate Up\n{up}\n-- +migrate Down\n{down}\n",
    }


FORMS: dict[str, Callable[[str, str, str, str], Files]] = {
    **TOOLS,
    "psql": _psql,
    "supabase": _supabase,
    "drizzle": _drizzle,
    "sql-migrate": _sql_migrate,
}
