"""Projects of the tools that people use, and both trees of the template: traced, proved, undone."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from senior_backend.postgres.identity import User, server_user
from tests.migrations.trace.projects import PROJECTS

pytestmark = [pytest.mark.verify, pytest.mark.xdist_group("majors")]

MAJORS = range(14, 19)


def traced(
    where: Path,
    *arguments: str,
    user: User | None = None,
    interpreter: str = sys.executable,
    **environment: str,
) -> Any:
    """The document; nothing may be on standard error."""
    done = subprocess.run(
        [
            interpreter,
            "-m",
            "senior_backend",
            "migrations",
            "trace",
            "--format",
            "json",
            *arguments,
        ],
        cwd=where,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def ran(where: Path, *arguments: str) -> tuple[int, Any]:
    """How a command of the migration tool ended, and its document."""
    done = subprocess.run(
        [sys.executable, "-m", "senior_backend", "migrations", *arguments, "--format", "json"],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def statements(document: Any, *, of: str = "", direction: str = "up") -> list[Any]:
    return [
        statement
        for migration in document["migrations"]
        if migration["path"].startswith(of) and migration["direction"] == direction
        for statement in migration["statements"]
    ]


@pytest.fixture(scope="module")
def repository() -> Iterator[Path]:
    """All projects side by side, in a folder that anybody may read."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for files in PROJECTS.values():
            for name, content in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
        root.chmod(0o755)
        yield root


def says_what_each_project_does(document: Any) -> None:
    assert document["problems"] == []
    for statement in statements(document) + statements(document, direction="down"):
        assert (statement["error"], statement["not_run"]) == (None, None), statement
    (foreign_key,) = [s for s in statements(document, of="shop") if "Order_userId_fkey" in s["sql"]]
    assert foreign_key["locks"] == []  # both tables are of the same transaction
    (added,) = [s for s in statements(document, of="shop") if '"status" "OrderStatus"' in s["sql"]]
    assert [(lock["relation"], lock["mode"], lock["blocks"]) for lock in added["locks"]] == [
        ('"Order"', "ACCESS EXCLUSIVE", ["reads", "writes"])
    ]
    (alone,) = [s for s in statements(document, of="svc") if "CONCURRENTLY" in s["sql"]]
    assert alone["transaction"] is None
    assert alone["waits_for"] == ["older transactions"]
    (validated,) = [s for s in statements(document, of="db") if "VALIDATE" in s["sql"]]
    assert "m_entries" in validated["scans"]
    bio, _ = statements(document, of="app")[-2:]
    assert [lock["blocks"] for lock in bio["locks"]] == [["reads", "writes"]]
    assert {"extension pg_net", "role anon"} <= set(document["stubbed"])


@pytest.mark.parametrize("major", MAJORS)
def test_projects_of_every_tool_are_traced(
    major: int, repository: Path, python_with_alembic: str
) -> None:
    document = traced(repository, "--pg", str(major), "--down", "--python", python_with_alembic)
    assert document["postgres"].startswith(f"{major}.")
    says_what_each_project_does(document)
    assert document["notes"] == []
    created = [s["sql"] for s in statements(document, of="api") if "CREATE INDEX" in s["sql"]]
    assert len(created) == 3  # those of the loop, which only Alembic itself can tell
    (alone,) = [s for s in statements(document, of="api") if "CONCURRENTLY" in s["sql"]]
    assert alone["transaction"] is None


@pytest.mark.parametrize("major", [14, 18])
def test_the_ways_back_of_the_projects_are_tried(
    major: int, repository: Path, python_with_alembic: str
) -> None:
    code, document = ran(
        repository, "rollback", "--pg", str(major), "--python", python_with_alembic
    )
    verdicts = {one["path"]: one["verdict"] for one in document["migrations"]}
    assert code == 1
    assert verdicts == {
        "api/alembic/versions/0001_items.py": "identical",
        "api/alembic/versions/0002_price.py": "physical residue",
        "db/migrations/000001_accounts.up.sql": "identical",
        "db/migrations/000002_fk.up.sql": "identical",
        "db/migrations/000003_validate.up.sql": "different",  # a VALIDATE cannot be taken back
        "svc/migrations/00001_orders.sql": "identical",
        "svc/migrations/00002_index.sql": "identical",
    }


@pytest.mark.parametrize("major", [14, 18])
def test_the_fixes_of_the_projects_hold(major: int, repository: Path) -> None:
    _, document = ran(repository, "lint", "--prove", "--pg", str(major), ".")
    fixed = [one["fix"] for one in document["proofs"] if one["fix"] is not None]
    assert fixed
    assert [one["failure"] for one in fixed if one["failure"] is not None] == []


def test_without_alembic_its_revisions_are_read_and_that_is_said(repository: Path) -> None:
    document = traced(repository, "--python", f"{sys.executable}-none", "api")
    (note,) = document["notes"]
    assert note.startswith("Alembic's revisions were read without running Alembic")
    assert statements(document, of="api/alembic/versions/0002")


def usable_by(user: User, environment: dict[str, str]) -> str | None:
    """An interpreter that the user may run, and that finds the package and the driver there."""
    for interpreter in (
        sys.executable,
        *Path("/usr").glob("bin/python3*"),
        *Path("/usr").glob("local/bin/python3*"),
    ):
        try:
            found = subprocess.run(
                [interpreter, "-c", "import senior_backend, psycopg, psycopg_binary, postgast"],
                user=user.uid,
                group=user.gid,
                extra_groups=[],
                cwd="/",
                env=os.environ | environment,
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if found.returncode == 0:
            return str(interpreter)
    return None


def test_the_same_as_an_unprivileged_user(repository: Path) -> None:
    user = server_user()  # None: we are one
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if user is not None:
            os.chown(home, user.uid, user.gid)
        home.chmod(0o700)
        places = {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "TMPDIR": str(home),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        interpreter = sys.executable if user is None else usable_by(user, places)
        if interpreter is None:
            pytest.skip("the other user reaches no interpreter of this version")
        document = traced(
            repository, "shop", "app", "svc", "db", user=user, interpreter=interpreter, **places
        )
        says_what_each_project_does(document)
        assert not list(home.glob("senior-backend-*/pg-*"))


@pytest.mark.parametrize("major", [14, 18])
@pytest.mark.parametrize(
    ("tree", "folder"), [("express", "prisma/migrations"), ("fastapi", "migrations")]
)
def test_the_migrations_of_a_new_service_block_nobody(
    major: int, tree: str, folder: str, tmp_path: Path, generate: Callable[..., Path]
) -> None:
    service = generate(tmp_path / "svc", framework=tree, example="orders")
    document = traced(service, "--pg", str(major), "--down", "--fail-on", "blocking", folder)
    assert document["problems"] == []
    code, undone = ran(service, "rollback", "--pg", str(major), folder)
    assert (code, {one["verdict"] for one in undone["migrations"]}) == (0, {"identical"})
    for direction in ("up", "down"):
        found = statements(document, direction=direction)
        assert found
        assert {(s["error"], s["not_run"]) for s in found} == {(None, None)}
