"""``migrations lint --prove``: bad examples of rules with their fixes, as a user sees them.

``UPDATE_EXPECTED=1 pytest tests/migrations/prove`` writes what is expected anew: look at what
changed.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from senior_backend.migrations.prove import document
from senior_backend.migrations.rules import registry as rules
from senior_backend.postgres import Databases
from senior_backend.postgres.package import INSTALL
from tests.migrations.conftest import Files, Repository, Run

EXPECTED = Path(__file__).parent / "expected"
SCHEMA = Path(document.__file__).parents[2] / "schemas/proof.json"
Make = Callable[[Files], Repository]

# Rule -> how its bad example is run: in a transaction, or each statement on its own.
FAST = {"index-not-concurrent": "goose"}
SLOW = {
    "fk-without-not-valid": "psql",
    "add-column-volatile-default": "goose",
    "check-without-not-valid": "goose",
    "column-type-rewrite": "goose",
    "concurrently-in-transaction": "goose",
    "ddl-plus-backfill-in-one-transaction": "goose",
    "drop-column": "goose",
    "rename-column": "goose",
    "set-not-null-scan": "goose",
    "statement-while-holding-access-exclusive": "goose",
    "unbatched-backfill": "psql",
    "unique-without-index": "goose",
    "validate-in-same-transaction": "goose",
}


def files(rule: str, tool: str) -> Files:
    """The bad example of a rule after its setup, in a tool's form."""
    bad = rules.rule(rule).bad
    if tool == "psql":
        return {"db/001_a.sql": bad.setup, "db/002_b.sql": bad.sql}
    return {
        "db/00001_a.sql": f"-- +goose Up\n{bad.setup}",
        "db/00002_b.sql": f"-- +goose Up\n{bad.sql.strip()}\n",
    }


def steady(text: str) -> str:
    """Without what differs from run to run: versions and measures."""
    text = re.sub(r"run on \d+(\.\d+)?", "run on N", text)
    return re.sub(r"took +[\d.]+ m?s( +WAL +[\d.]+ [kM]?B)?", "took N", text)


def prove(repository: Repository, server: Databases, *arguments: str) -> Run:
    return repository.run("lint", "--prove", "--server", server.url(), *arguments)


def tree(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every file of a user's folder, and when it was written."""
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("rule", "tool"),
    [
        *FAST.items(),
        *(pytest.param(*one, marks=pytest.mark.verify) for one in SLOW.items()),
    ],
)
def test_a_bad_example_and_its_fix_are_as_recorded(rule, tool, repository: Make, postgres_server):
    made = repository(files(rule, tool))
    before = tree(made.root)
    run = prove(made, postgres_server, "--format", "markdown", max(files(rule, tool)))
    assert run.code == 1, run.err
    written = steady(run.out)
    file = EXPECTED / f"{rule}.md"
    if os.environ.get("UPDATE_EXPECTED"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(written)
    assert written == file.read_text()
    assert tree(made.root) == before


SETUP = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);\n"
INDEX = "CREATE INDEX orders_customer_id_idx ON orders (customer_id);\n"
CLEAN = "CREATE TABLE refunds (id bigint PRIMARY KEY);\n"
EXCUSED = f"""\
-- senior-backend-ignore-file index-not-concurrent, missing-lock-timeout: the table is tiny
{INDEX}"""
REFUSED = "ALTER TABLE nowhere ADD COLUMN a int;\n"

CASES = {
    "nothing is found": (CLEAN, 0, ["finds nothing", "nobody waits"]),
    "all is suppressed": (
        EXCUSED,
        0,
        ["suppressed: the table is tiny", "writes to orders wait while the index is built"],
    ),
    "it is found and mended": (INDEX, 1, ["as fixed by --fix", "ends the same", "lint --fix db/"]),
    "the server refuses it": (
        REFUSED,
        1,
        ['does not run: db/002_b.sql:1: relation "nowhere" does not exist'],
    ),
}


@pytest.mark.parametrize(("sql", "code", "said"), CASES.values(), ids=CASES)
def test_the_exit_code_says_whether_there_is_something_to_do(
    sql, code, said, repository: Make, postgres_server
):
    made = repository({"db/001_a.sql": SETUP, "db/002_b.sql": sql})
    run = prove(made, postgres_server, "db/002_b.sql")
    assert (run.code, run.err) == (code, "")
    for text in said:
        assert text in run.out


@pytest.mark.verify
def test_of_a_folder_what_has_findings_is_proved(repository: Make, postgres_server):
    made = repository(
        {"db/001_a.sql": SETUP, "db/002_b.sql": INDEX, "db/003_c.sql": CLEAN, "db/004_d.sql": ""}
    )
    made.write({"db/004_d.sql": INDEX.replace("_idx", "_again")})
    run = prove(made, postgres_server, "--format", "json", "db")
    proofs = run.document["proofs"]
    assert [(one["path"], one["earlier_migrations"]) for one in proofs] == [
        ("db/002_b.sql", 1),
        ("db/004_d.sql", 3),
    ]
    # The index of the older file is there already when the later ones have run.
    assert all(one["fix"]["end"]["same"] for one in proofs)
    assert not any(one["problems"] for one in proofs)


def test_the_document_has_both_sides_and_their_verdicts(repository: Make, postgres_server):
    made = repository({"db/001_a.sql": SETUP, "db/002_b.sql": INDEX})
    run = prove(made, postgres_server, "--format", "json", "db/002_b.sql")
    Draft202012Validator(document.schema()).validate(run.document)
    (proof,) = run.document["proofs"]
    (pair,) = proof["pairs"]
    assert (pair["before"]["grade"], pair["after"]["grade"]) == ("writes wait", "nobody waits")
    assert "index-not-concurrent" in pair["rules"]
    (written,) = proof["as_written"]["migrations"]
    assert written["statements"][0]["locks"][0]["blocks"] == ["writes"]
    assert "CONCURRENTLY" in proof["fix"]["diff"]


@pytest.mark.verify
def test_a_committed_migration_is_proved_and_said_to_be_left_alone(
    repository: Make, postgres_server
):
    made = repository({"db/001_a.sql": SETUP, "db/002_b.sql": INDEX})
    made.commit()
    run = prove(made, postgres_server, "db/002_b.sql")
    assert "nobody waits while the index is built" in run.out
    assert "it is committed, so it may have run" in " ".join(run.out.split())
    assert "--fix" not in run.out


@pytest.mark.verify
def test_a_file_of_another_repository_is_proved_in_its_own(
    repository: Make, tmp_path: Path, postgres_server
):
    made = repository({"one/db/001_a.sql": SETUP, "one/db/002_b.sql": INDEX, "two/x.txt": ""})
    inner = Repository(made.root / "two")
    inner.git("init", "-q")
    run = prove(inner, postgres_server, str(made.root / "one/db/002_b.sql"))
    assert run.code == 1, run.err
    assert "ends the same" in run.out


BAD_USAGE = {
    ("--format", "sarif"): "--prove prints terminal, markdown, json; --format sarif cannot",
    ("--fix",): "leave out --fix",
    ("--stdin",): "leave out --fix, --diff, --stdin",
    ("db/none.sql",): "db/none.sql: no such file or directory",
}


@pytest.mark.parametrize(("arguments", "said"), BAD_USAGE.items())
def test_bad_usage_is_one_line(arguments, said, repository: Make, postgres_server):
    made = repository({"db/001_a.sql": SETUP})
    run = prove(made, postgres_server, *arguments)
    assert run.code == 2
    assert said in run.err
    assert run.err.count("\n") == 1
    assert run.out == ""


def test_a_server_alone_is_no_use(repository: Make):
    made = repository({"db/001_a.sql": SETUP})
    run = made.run("lint", "--server", "postgresql://localhost/x", "db")
    assert (run.code, "--server is for --prove" in run.err) == (2, True)


def test_a_server_that_does_not_answer_is_one_line(repository: Make):
    made = repository({"db/001_a.sql": SETUP, "db/002_b.sql": INDEX})
    run = made.run("lint", "--prove", "--server", "postgresql://127.0.0.1:1/x", "db/002_b.sql")
    assert run.code == 3
    assert "cannot connect" in run.err
    assert run.err.count("\n") == 1


def test_nothing_of_ours_is_left_on_a_given_server(repository: Make, postgres_server):
    def databases() -> set[str]:
        with postgres_server.session() as session:
            return {name for (name,) in session.execute("select datname from pg_database")}

    made = repository({"db/001_a.sql": SETUP, "db/002_b.sql": INDEX})
    before = databases()
    prove(made, postgres_server, "db/002_b.sql")
    assert databases() <= before


def test_the_published_schema_is_that_of_the_document():
    written = json.dumps(document.schema(), indent=2) + "\n"
    if os.environ.get("UPDATE_EXPECTED"):
        SCHEMA.write_text(written)
    assert SCHEMA.read_text() == written
    Draft202012Validator.check_schema(document.schema())


@pytest.mark.parametrize("package", ["rich", pytest.param("psycopg", marks=pytest.mark.verify)])
def test_a_missing_package_is_one_line_that_says_how_to_install_it(
    package, repository: Make, monkeypatch
):
    made = repository({"db/001_a.sql": SETUP, "db/002_b.sql": INDEX})
    monkeypatch.setitem(sys.modules, package, None)
    run = made.run("lint", "--prove", "db/002_b.sql")
    assert (run.code, run.err.count("\n")) == (3, 1)
    assert INSTALL in run.err


@pytest.mark.verify
def test_on_a_server_that_is_given_roles_are_left_alone(
    repository: Make, postgres_server: Databases
) -> None:
    made = repository(
        {
            "db/00001_a.sql": "-- +goose Up\ncreate role prove_a; create table t (id int);\n",
            "db/00002_b.sql": "-- +goose Up\ncreate role prove_b; create index on t (id);\n",
        }
    )
    run = prove(made, postgres_server, "db/00002_b.sql")
    assert "reaches beyond the scratch database" in run.out
    with postgres_server.session() as session:
        assert session.execute("select rolname from pg_roles where rolname ~ '^prove_'") == []
