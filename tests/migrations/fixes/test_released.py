"""What `--fix` leaves alone: files that may have run. And that it mends all of the others."""

from collections.abc import Callable

import pytest

from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.test_applied import TOOLS

Make = Callable[[Files], Repository]

COLUMN = "ALTER TABLE orders ADD COLUMN {} text;\nALTER TABLE orders ADD COLUMN {}2 text;\n"
INDEX = "CREATE INDEX orders_note_idx ON orders (note);\n"
TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
PRISMA = "prisma/migrations/2025010{}000000_{}/{}.sql"
LOCK = {"prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n'}


def prisma(*ups: str, down: bool = False) -> Files:
    """A folder of Prisma with these migrations: a, b, c."""
    files: dict[str, str | bytes] = dict(LOCK)
    for number, up in enumerate(ups):
        files[PRISMA.format(number + 1, "abcdef"[number], "migration")] = up
    if down:
        files[PRISMA.format(1, "a", "down")] = "DROP TABLE orders;\n"
    return files


def text(made: Repository, number: int, name: str, kind: str = "migration") -> str:
    return (made.root / PRISMA.format(number, name, kind)).read_text()


@pytest.mark.parametrize("up", [COLUMN.format("a", "a"), INDEX], ids=["lock_timeout", "index"])
@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_committed_stays_as_it_is_in_every_tool(
    repository: Make, tool: str, up: str
) -> None:
    made = repository(TOOLS[tool](up, "SELECT 1;", TABLE, "DROP TABLE orders;\n"))
    made.commit()
    run = made.run("lint", "--fix")
    assert made.git("status", "--porcelain") == ""
    assert "not automatic: it is committed, so it may have run" in run.out
    assert "--fix mends" not in run.out


@pytest.mark.parametrize("options", [(), ("--changed",)])
def test_all_of_a_stack_that_is_not_committed_is_mended(
    repository: Make, options: tuple[str, ...]
) -> None:
    made = repository(prisma(TABLE, COLUMN.format("a", "a")))
    made.commit()
    new = [COLUMN.format(name, name) for name in "bc"]
    made.write(prisma(TABLE, COLUMN.format("a", "a"), *new))
    made.run("lint", "--fix", *options)
    assert text(made, 2, "b") == COLUMN.format("a", "a")
    for number, name, up in ((3, "c", new[0]), (4, "d", new[1])):
        assert text(made, number, name) == f"SET LOCAL lock_timeout = '5s';\n{up}"


def test_what_only_the_branch_holds_is_mended_when_that_is_said(repository: Make) -> None:
    made = repository(prisma(TABLE))
    made.commit()
    made.git("checkout", "-qb", "feature")
    made.write(prisma(TABLE, INDEX))
    made.commit()
    made.run("lint", "--fix")
    assert text(made, 2, "b") == INDEX
    made.run("lint", "--fix", "--since", "main")
    assert "CONCURRENTLY" in text(made, 2, "b")


def test_what_a_file_was_called_before_does_not_count(repository: Make) -> None:
    made = repository(prisma(TABLE, INDEX))
    made.commit()
    old, new = (made.root / PRISMA.format(n, "b", "migration") for n in (2, 3))
    old.parent.rename(new.parent)
    run = made.run("lint", "--fix")
    assert new.read_text() == INDEX
    assert "it may have run" in run.out


def test_what_is_being_merged_in_may_have_run(repository: Make) -> None:
    made = repository(prisma(TABLE))
    made.commit()
    made.git("checkout", "-qb", "feature")
    made.write({"README": "x"})
    made.commit()
    made.git("checkout", "-q", "main")
    made.write(prisma(TABLE, INDEX))
    made.commit()
    made.git("checkout", "-q", "feature")
    made.git("merge", "-q", "--no-commit", "--no-ff", "main")
    made.run("lint", "--fix", "--changed")
    assert text(made, 2, "b") == INDEX


def test_where_git_knows_no_migration_only_the_newest_is_mended(repository: Make) -> None:
    ups = [COLUMN.format(name, name) for name in "ab"]
    made = repository(prisma(TABLE, *ups))
    run = made.run("lint", "--fix")
    assert text(made, 2, "b") == ups[0]
    assert text(made, 3, "c").startswith("SET LOCAL lock_timeout")
    assert "not automatic: it is not the newest migration" in run.out


def test_a_plan_says_that_a_file_may_have_run(repository: Make) -> None:
    made = repository(prisma(TABLE, "ALTER TABLE orders DROP COLUMN note;\nSELECT 1;\n"))
    made.commit()
    assert "it is committed, so it may have run" in made.run("plan").err


ALTERED = "-- AlterTable\nALTER TABLE orders ADD COLUMN region text;\n"
MENDED = ALTERED.replace("ALTER TABLE", "SET LOCAL lock_timeout = '5s';\nALTER TABLE")


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize(
    ("up", "after", "count"),
    [
        pytest.param(ALTERED, MENDED, 1, id="column alone"),
        pytest.param(
            f"-- CreateIndex\n{INDEX}\n{ALTERED}",
            f"-- CreateIndex\n\n{MENDED}",
            2,
            id="index and column",
        ),
    ],
)
def test_what_is_promised_is_mended(
    repository: Make, up: str, after: str, count: int, committed: bool
) -> None:
    made = repository(prisma(TABLE))
    if committed:
        made.commit()
    made.write(prisma(TABLE, up))
    assert f"--fix mends {count}\n" in made.run("lint").out
    assert made.lint("--fix").found == []
    assert text(made, 2, "b") == after


def test_what_refuses_a_transaction_gets_no_second_statement(repository: Make) -> None:
    made = repository(prisma(TABLE, "REINDEX SCHEMA public;\n"))
    made.run("lint", "--fix", "--disable", "reindex-not-concurrent")
    assert text(made, 2, "b") == "REINDEX SCHEMA public;\n"


@pytest.mark.parametrize("comment", ["", "-- CreateIndex\n"])
def test_no_blank_line_is_left_where_settings_were(repository: Make, comment: str) -> None:
    settings = "SET LOCAL lock_timeout = '5s';\nSET LOCAL statement_timeout = '5s';\n\n"
    made = repository(prisma(TABLE, settings + comment + INDEX))
    made.run("lint", "--fix")
    index = INDEX.replace("INDEX", "INDEX CONCURRENTLY")
    assert text(made, 2, "b") == comment + index


def test_an_index_that_is_mended_where_it_is_gets_its_down(repository: Make) -> None:
    made = repository(prisma(TABLE, INDEX, down=True))
    assert made.lint("--fix").found == []
    assert text(made, 2, "b", "down") == "DROP INDEX CONCURRENTLY orders_note_idx;\n"


def test_a_down_that_is_missing_says_why_it_is_not_written(repository: Make) -> None:
    column = "SET LOCAL lock_timeout = '5s';\nALTER TABLE orders ADD COLUMN a text;\n"
    made = repository(prisma(TABLE, column, down=True))
    assert "not automatic: a way back throws away what was written since" in made.run("lint").out
