"""The hooks in repositories that never saw the template: what they report, and what they let be."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from senior_backend import git
from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
INDEX = "CREATE INDEX orders_note_idx ON orders (note);\n"

# A repository of each tool: what is committed, what is added to it, and where the finding stands.
REVISION = '''\
"""{0}."""

from alembic import op
import sqlalchemy as sa

revision = "{0}"
down_revision = {1!r}


def upgrade():
    {2}


def downgrade():
    {3}
'''
TOOLS: dict[str, tuple[Files, Files, tuple[str, int]]] = {
    "plain SQL": (
        {"db/001_orders.sql": TABLE, "db/002_old.sql": INDEX.replace("note_idx", "old_idx")},
        {"db/003_index.sql": INDEX},
        ("db/003_index.sql", 1),
    ),
    "Prisma": (
        {
            "prisma/migrations/20240101000000_init/migration.sql": TABLE,
            "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
            "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
        },
        {"prisma/migrations/20240102000000_index/migration.sql": f"-- CreateIndex\n{INDEX}"},
        ("prisma/migrations/20240102000000_index/migration.sql", 2),
    ),
    "goose": (
        {"migrations/00001_orders.sql": f"-- +goose Up\n{TABLE}"},
        {"migrations/00002_index.sql": f"-- +goose Up\n{INDEX}"},
        ("migrations/00002_index.sql", 2),
    ),
    "Alembic": (
        {
            "alembic/env.py": "",
            "alembic/versions/1.py": REVISION.format(
                "1",
                None,
                "op.create_table('orders', sa.Column('id', sa.BigInteger(), primary_key=True),"
                " sa.Column('note', sa.Text()))",
                "op.drop_table('orders')",
            ),
        },
        {
            "alembic/versions/2.py": REVISION.format(
                "2",
                "1",
                "op.create_index('orders_note_idx', 'orders', ['note'])",
                "op.drop_index('orders_note_idx')",
            )
        },
        ("alembic/versions/2.py", 11),
    ),
}

# Files whose endings the hook asks for and that hold no migration, or nothing that locks a table
# in use: none of them may be reported, or stop a commit.
HARMLESS: Files = {
    "README.sql": "-- nothing but words\n",
    "app/versions/__init__.py": "",
    "app/versions/v1.py": "VERSION = 1\n",
    "app/versions/v2.py": "print 'Python of long ago'\n",
    "db/queries/orders.sql": "-- name: DeleteAll :exec\nDELETE FROM orders;\n",
    "db/schema.sql": "SET lock_timeout = 0;\n"
    "CREATE TABLE public.orders (id bigint NOT NULL, note text);\n"
    "ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);\n"
    "CREATE INDEX orders_note_idx ON public.orders (note);\n",
    "db/seed.sql": "TRUNCATE orders;\nINSERT INTO orders VALUES (1, 'x');\n",
    "db/seeds/01_orders.sql": "DELETE FROM orders;\n",
    "models/marts/revenue.sql": "{{ config(materialized='table') }}\nselect * from x\n",
    "mysql/001.sql": "CREATE TABLE `t` (id int AUTO_INCREMENT) ENGINE=InnoDB;\n",
    "queries/sqlc.sql": "-- name: ListOrders :many\nSELECT * FROM orders;\n\n"
    "-- name: Clear :exec\nTRUNCATE orders;\n",
    "src/aiosql.sql": "-- name: clear!\n-- Empties the table.\nDELETE FROM orders;\n",
    "src/hugsql.sql": "-- :name clear :! :n\nDELETE FROM orders\n",
    "src/pgtyped.sql": "/* @name Clear */\nDELETE FROM orders;\n",
    "src/report.sql": "SELECT * FROM orders WHERE note = $1;\n",
    "tests/fixtures/rows.sql": "TRUNCATE orders;\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_file_that_is_no_migration_stops_no_commit(repository: Make, name: str) -> None:
    run = repository(HARMLESS).lint(name)
    assert (run.code, run.err) == (0, "")
    assert run.document["findings"] == []


def test_nor_do_all_of_them_at_once(repository: Make) -> None:
    made = repository(HARMLESS)
    for arguments in (HARMLESS, ["."]):
        run = made.lint(*arguments)
        assert (run.code, run.document["findings"]) == (0, [])


NOT_HARMLESS: Files = {
    # pg_dump's own comments name objects, not queries.
    "dump/orders.sql": "-- Name: orders; Type: TABLE; Schema: public\n\nDROP TABLE orders;\n",
    # Numbered files are a sequence, whatever their comments say.
    "db/001_name.sql": "-- name: whatever\nDROP TABLE orders;\n",
    "seeds/migrations/001_x.up.sql": "DROP TABLE orders;\n",
}


@pytest.mark.parametrize("name", ["dump/orders.sql", "db/001_name.sql"])
def test_what_only_looks_like_it_is_linted(repository: Make, name: str) -> None:
    assert [rule for rule, _, _ in repository(NOT_HARMLESS).lint(name).gate] == ["drop-table"]


def test_a_folder_that_a_person_names_is_linted_whatever_it_is_called(repository: Make) -> None:
    made = repository({"db/seeds/01_orders.sql": "DELETE FROM orders;\n"})
    assert made.lint(".").gate == []
    assert len(made.lint("db/seeds").gate) == 1
    made.write(
        {
            "senior-backend.toml": "[[migrations.overrides]]\n"
            'path = "db/seeds"\nsource = "plain_sql"\n'
        }
    )
    assert len(made.lint("db/seeds/01_orders.sql").gate) == 1


@pytest.mark.parametrize(("old", "new", "place"), TOOLS.values(), ids=TOOLS)
def test_named_files_are_reported_and_their_folder_replayed(
    repository: Make, old: Files, new: Files, place: tuple[str, int]
) -> None:
    run = repository({**old, **new}).lint(*new)
    assert run.gate == [("index-not-concurrent", *place)]


CONFIGURATION = """\
repos:
  - repo: {address}
    rev: {rev}
    hooks:
      - id: {hook}
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pre-commit")


def pre_commit(made: Repository, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", *arguments],
        cwd=made.root,
        env={**os.environ, "PRE_COMMIT_HOME": str(cache), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def configuration(template_repository: Path, hook: str) -> str:
    rev = git.run(["rev-parse", "HEAD"], template_repository).strip()
    return CONFIGURATION.format(address=template_repository, rev=rev, hook=hook)


@pytest.mark.verify
@pytest.mark.parametrize(("old", "new", "place"), TOOLS.values(), ids=TOOLS)
def test_four_lines_of_configuration_stop_a_bad_migration_and_nothing_else(
    repository: Make,
    template_repository: Path,
    cache: Path,
    old: Files,
    new: Files,
    place: tuple[str, int],
) -> None:
    made = repository(
        {**old, ".pre-commit-config.yaml": configuration(template_repository, "migration-lint")}
    )
    made.commit()
    made.write(HARMLESS)
    made.git("add", "--all")
    harmless = pre_commit(made, cache)
    assert harmless.returncode == 0, harmless.stdout + harmless.stderr
    made.write(new)
    made.git("add", "--all")
    stopped = pre_commit(made, cache)
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "- hook id: migration-lint\n- exit code: 1\n" in stopped.stdout
    assert f"{place[0]}:{place[1]}:" in stopped.stdout
    assert {line.split(":")[0] for line in stopped.stdout.splitlines() if ": error: " in line} == {
        place[0]
    }
    everything = pre_commit(made, cache, "--all-files")
    assert everything.returncode == 1
    assert f"{place[0]}:{place[1]}:" in everything.stdout


@pytest.mark.verify
def test_the_fixing_hook_mends_the_file_and_passes_the_second_time(
    repository: Make, template_repository: Path, cache: Path
) -> None:
    old, new, (path, _) = TOOLS["plain SQL"]
    made = repository(
        {**old, ".pre-commit-config.yaml": configuration(template_repository, "migration-fix")}
    )
    made.commit()
    made.write(new)
    made.git("add", "--all")
    first = pre_commit(made, cache)
    assert first.returncode == 1
    assert "- files were modified by this hook" in first.stdout
    assert "CONCURRENTLY" in (made.root / path).read_text()
    made.git("add", "--all")
    second = pre_commit(made, cache)
    assert second.returncode == 0, second.stdout + second.stderr


@pytest.mark.verify
def test_a_migration_that_is_deleted_is_no_trouble(
    repository: Make, template_repository: Path, cache: Path
) -> None:
    old, _, _ = TOOLS["plain SQL"]
    made = repository(
        {**old, ".pre-commit-config.yaml": configuration(template_repository, "migration-lint")}
    )
    made.commit()
    made.git("rm", "-q", "db/002_old.sql")
    made.write({"db/004 more.sql": "SELECT 1;\n"})
    made.git("add", "--all")
    done = pre_commit(made, cache)
    assert done.returncode == 0, done.stdout + done.stderr
