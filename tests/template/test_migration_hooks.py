"""Migrations of every tree under the hook: clean as generated; bad ones stopped, mended, run."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.fixtures.template import ROOT, git
from tests.template.make import environment, make, succeed
from tests.template.trees import EXAMPLES, LANGUAGES, TREES


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("tree", TREES)
def test_the_migrations_of_a_new_service_have_no_finding_and_no_suppression(
    tree: str, example: str, tmp_path: Path, generate: Callable[..., Path]
):
    service = generate(tmp_path / "svc", framework=tree, example=example)
    lint = [sys.executable, "-m", "senior_backend", "migrations", "lint", "--fail-on", "note"]
    folder = LAYOUTS[TREES[tree].language].folder
    done = subprocess.run([*lint, folder], cwd=service, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith("statements checked; nothing found\n")
    assert done.stdout.count("\n") == 1


SETTINGS = "set local lock_timeout = '5s';\nset local statement_timeout = '60s';\n\n"

REVISION = '''\
"""A change."""

from app.database.migrations import run_sql

revision = "20260101"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    run_sql("20260101_change.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("20260101_change.down.sql")
'''


@dataclass(frozen=True)
class Layout:
    """Where a tree keeps its migrations."""

    folder: str
    """What is linted."""
    one_each: str
    """A pattern that matches one file of every migration."""
    up: str
    down: str
    """The files of a new migration; one and the same where it holds both ways."""
    around: dict[str, str]
    """What else a new migration has, by path."""
    mended: dict[str, str]
    """All of it after an index was mended that is the only statement."""


LAYOUTS = {
    "python": Layout(
        folder="migrations",
        one_each="versions/*.py",
        up="migrations/sql/20260101_change.up.sql",
        down="migrations/sql/20260101_change.down.sql",
        around={"migrations/versions/20260101_change.py": REVISION},
        mended={
            "migrations/sql/20260101_change.up.sql": """\
DROP INDEX CONCURRENTLY IF EXISTS orders_currency_idx;
create index CONCURRENTLY orders_currency_idx on orders (currency);
""",
            "migrations/sql/20260101_change.down.sql": (
                "drop index CONCURRENTLY orders_currency_idx;\n"
            ),
            "migrations/versions/20260101_change.py": REVISION.replace(
                '.sql")', '.sql", transaction=False)'
            ),
        },
    ),
    "go": Layout(
        folder="db/migrations",
        one_each="*.sql",
        up="db/migrations/20260102000000_change.sql",
        down="db/migrations/20260102000000_change.sql",
        around={},
        mended={
            "db/migrations/20260102000000_change.sql": """\
-- +goose NO TRANSACTION
-- +goose Up

DROP INDEX CONCURRENTLY IF EXISTS orders_currency_idx;
create index CONCURRENTLY orders_currency_idx on orders (currency);

-- +goose Down

drop index CONCURRENTLY orders_currency_idx;
""",
        },
    ),
    "node": Layout(
        folder="prisma/migrations",
        one_each="*/migration.sql",
        up="prisma/migrations/20260102000000_change/migration.sql",
        down="prisma/migrations/20260102000000_change/down.sql",
        around={},
        # Prisma sends a file as one query: a second statement would put both in a transaction.
        mended={
            "prisma/migrations/20260102000000_change/migration.sql": (
                "create index CONCURRENTLY orders_currency_idx on orders (currency);\n"
            ),
            "prisma/migrations/20260102000000_change/down.sql": (
                "drop index CONCURRENTLY orders_currency_idx;\n"
            ),
        },
    ),
}


@dataclass(frozen=True)
class Bad:
    """A migration as people write it, the rule it breaks, and what proves that it was applied."""

    up: str
    down: str
    rule: str
    proof: str
    revisions: int = 1
    """In how many revisions the repair leaves it, at most: Prisma's files need no settings beside
    an index, so the first step may take the old migration's place."""


BAD = {
    "an index that stops writes": Bad(
        up="create index orders_currency_idx on orders (currency);",
        down="drop index orders_currency_idx;",
        rule="index-not-concurrent",
        proof="select indisvalid from pg_index where indexrelid = 'orders_currency_idx'::regclass",
    ),
    "an index beside another statement": Bad(
        up="alter table orders add column note text;\n\n"
        "create index orders_note_idx on orders (note);",
        down="drop index orders_note_idx;\n\nalter table orders drop column note;",
        rule="index-not-concurrent",
        proof="select indisvalid from pg_index where indexrelid = 'orders_note_idx'::regclass",
        revisions=2,
    ),
    "a foreign key that checks every row": Bad(
        up="alter table order_items add constraint order_items_again_fkey\n"
        "  foreign key (tenant_id, order_id) references orders (tenant_id, id);",
        down="alter table order_items drop constraint order_items_again_fkey;",
        rule="fk-without-not-valid",
        proof="select convalidated from pg_constraint where conname = 'order_items_again_fkey'",
        revisions=2,
    ),
    "a check of every row": Bad(
        up="alter table orders add constraint orders_version_positive check (version > 0);",
        down="alter table orders drop constraint orders_version_positive;",
        rule="check-without-not-valid",
        proof="select convalidated from pg_constraint where conname = 'orders_version_positive'",
        revisions=2,
    ),
    "a unique constraint that builds its index under a lock": Bad(
        up="alter table customers add constraint customers_name_key unique (tenant_id, name);",
        down="alter table customers drop constraint customers_name_key;",
        rule="unique-without-index",
        proof="select convalidated from pg_constraint where conname = 'customers_name_key'",
        revisions=3,
    ),
}


def write(service: Path, tree: str, bad: Bad) -> None:
    """The migration as a new one of the service."""
    layout = LAYOUTS[TREES[tree].language]
    texts = {layout.up: f"{SETTINGS}{bad.up}\n", layout.down: f"{SETTINGS}{bad.down}\n"}
    if layout.up == layout.down:
        ways = {"Up": bad.up, "Down": bad.down}
        both = [f"-- +goose {way}\n{SETTINGS}{statements}\n" for way, statements in ways.items()]
        texts = {layout.up: "\n".join(both)}
    for name, text in {**texts, **layout.around}.items():
        (service / name).parent.mkdir(exist_ok=True)
        (service / name).write_text(text)


@pytest.mark.parametrize("tree", LANGUAGES.values())
def test_what_is_all_of_a_migration_is_mended_in_its_place(
    tree: str, tmp_path: Path, generate: Callable[..., Path]
):
    service = generate(tmp_path / "svc", framework=tree, example="orders")
    write(service, tree, BAD["an index that stops writes"])
    lint = [sys.executable, "-m", "senior_backend", "migrations", "lint", "--changed", "--fix"]
    done = subprocess.run(lint, cwd=service, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    changed = git(service, "status", "--porcelain", "--untracked-files=all").splitlines()
    texts = {line[3:]: (service / line[3:]).read_text().lstrip("\n") for line in changed}
    assert texts == LAYOUTS[TREES[tree].language].mended


# The migrations of all trees of one language are the same files.
@pytest.fixture(params=LANGUAGES.values())
def tree(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def service(tree: str, installed: Callable[..., Path]) -> Iterator[Path]:
    """An installed service whose commits are checked, put back afterwards."""
    directory = installed(tree, "orders")
    pre_commit(directory, "install")
    yield directory
    pre_commit(directory, "uninstall")
    git(directory, "reset", "--hard", "--quiet")
    git(directory, "clean", "-d", "--force", "--quiet")


def pre_commit(service: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=service,
        check=True,
        capture_output=True,
    )


def commit(service: Path, cache: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`git commit` of everything, as a person types it."""
    git(service, "add", "--all")
    return typed(service, cache, "commit", "-m", "A change", *options)


def typed(service: Path, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of Git that runs the hooks."""
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments],
        cwd=service,
        env={**environment(), "PRE_COMMIT_HOME": str(cache), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def holds(database_url: str, proof: str) -> bool:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(proof).fetchone()  # type: ignore[arg-type]
        return row is not None and bool(row[0])


@pytest.mark.verify
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_commit_of_a_bad_migration_is_stopped_mended_and_runs(
    service: Path, tree: str, bad: Bad, database_url: str, tmp_path_factory: pytest.TempPathFactory
):
    layout = LAYOUTS[TREES[tree].language]
    cache = tmp_path_factory.getbasetemp() / "pre-commit"
    start = git(service, "rev-parse", "HEAD")
    succeed(service, "migrate", DATABASE_URL=database_url)
    migrations = service / layout.folder
    released = len(list(migrations.glob(layout.one_each)))
    write(service, tree, bad)

    stopped = commit(service, cache)
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "- hook id: migration-lint\n" in stopped.stderr
    assert f"[{bad.rule}]" in stopped.stderr
    reported = set(re.findall(rf"^({layout.folder}/\S+\.sql):\d", stopped.stderr, re.MULTILINE))
    assert reported <= {layout.up, layout.down}, "only what is new is reported"
    assert git(service, "rev-parse", "HEAD") == start

    mended = make(service, "lint-sql", "ARGS=--changed --fix", SENIOR_BACKEND=str(ROOT))
    assert mended.returncode == 0, mended.stdout + mended.stderr
    added = len(list(migrations.glob(layout.one_each))) - released
    assert min(bad.revisions, 2) <= added <= bad.revisions

    passed = commit(service, cache)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert git(service, "status", "--porcelain") == ""

    succeed(service, "migrate", DATABASE_URL=database_url)
    assert holds(database_url, bad.proof)
    succeed(service, "migrate", f"DOWN={TREES[tree].last_migration}", DATABASE_URL=database_url)
    succeed(service, "migrate", DATABASE_URL=database_url)
    assert holds(database_url, bad.proof)
    git(service, "reset", "--hard", "--quiet", start)


@pytest.mark.verify
def test_a_push_runs_what_it_holds_on_postgresql(
    service: Path, tree: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    cache = tmp_path_factory.getbasetemp() / "pre-commit"
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--bare", "--quiet", str(remote))
    start = git(service, "rev-parse", "HEAD")
    push = ["push", str(remote), "HEAD:refs/heads/main"]
    passed = typed(service, cache, *push)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "migration trace" in passed.stdout + passed.stderr

    write(service, tree, BAD["a unique constraint that builds its index under a lock"])
    committed = commit(service, cache, "--no-verify")
    assert committed.returncode == 0, committed.stdout + committed.stderr
    stopped = typed(service, cache, *push)
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode == 1, said
    assert "- hook id: migration-trace\n" in said
    assert LAYOUTS[TREES[tree].language].up in said
    assert "customers" in said
    assert git(remote, "rev-parse", "main") == start
    git(service, "reset", "--hard", "--quiet", start)
