"""`plan --write`: what has no sure way back is not planned, and no value is lost on the way."""

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from senior_backend.migrations.fixes import column_type
from senior_backend.postgres import Databases
from tests.migrations import apply
from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.cases import TABLES
from tests.migrations.fixes.test_applied import TOOLS

Make = Callable[[Files], Repository]

GONE = "DROP TABLE orders, customers, marks, events; DROP DOMAIN quantity;\n"

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
