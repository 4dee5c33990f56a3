"""The migration runner of Node services and Prisma's own command can take over from each other.

Asked is Prisma's schema engine itself. Its command downloads it as a binary at first use; here it
is the same engine as WebAssembly, installed from the registry.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.template.make import environment
from tests.template.trees import EXAMPLES

pytestmark = pytest.mark.verify

SCRIPT = Path(__file__).parent / "files" / "prisma_engine.mjs"
ENGINE = "@prisma/schema-engine-wasm@8.1.0-2.59be4fda12412a79eeb9c2ae727b6aa723593323"
LIBRARIES = ["@prisma/adapter-pg@7.10.1", "@prisma/driver-adapter-utils@7.10.1"]
UP_TO_DATE = {
    "editedMigrationNames": [],
    "failedMigrationNames": [],
    "hasMigrationsTable": True,
    "history": None,
}

Prisma = Callable[[Path, str, str], Any]


@pytest.fixture(scope="module")
def prisma(tmp_path_factory: pytest.TempPathFactory) -> Prisma:
    """``prisma(service, "history", url)``: what the engine answers."""
    directory = tmp_path_factory.mktemp("prisma")
    (directory / "package.json").write_text('{"private": true}')
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", ENGINE, *LIBRARIES],
        cwd=directory,
        env=environment(),
        check=True,
    )
    script = directory / SCRIPT.name
    script.write_bytes(SCRIPT.read_bytes())

    def ask(service: Path, question: str, url: str) -> Any:
        result = subprocess.run(
            ["node", script, service / "prisma", question],
            env=environment(DATABASE_URL=url),
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(result.stdout)

    return ask


@pytest.fixture(params=EXAMPLES)
def service(request: pytest.FixtureRequest, installed: Callable[..., Path]) -> Path:
    return installed("express", request.param)


def migrate(service: Path, url: str, *arguments: str) -> None:
    subprocess.run(
        ["node", "dist/main.js", "migrate", *arguments],
        cwd=service,
        env=environment(DATABASE_URL=url),
        check=True,
    )


def names(service: Path) -> list[str]:
    return sorted(path.parent.name for path in service.glob("prisma/migrations/*/migration.sql"))


def test_prisma_finds_nothing_to_do_after_us(service: Path, database_url: str, prisma: Prisma):
    migrate(service, database_url)
    assert prisma(service, "history", database_url) == UP_TO_DATE
    assert prisma(service, "deploy", database_url) == {"appliedMigrationNames": []}


def test_we_find_nothing_to_do_after_prisma_and_take_back_what_it_applied(
    service: Path, database_url: str, prisma: Prisma
):
    applied = prisma(service, "deploy", database_url)
    assert applied == {"appliedMigrationNames": names(service)}
    migrate(service, database_url)
    assert prisma(service, "history", database_url) == UP_TO_DATE
    migrate(service, database_url, "--down", "base")
    behind = prisma(service, "history", database_url)
    assert behind["history"] == {
        "diagnostic": "databaseIsBehind",
        "unappliedMigrationNames": names(service),
    }
    assert prisma(service, "deploy", database_url) == applied


def test_the_schema_says_what_the_migrations_make(service: Path, database_url: str, prisma: Prisma):
    drift = prisma(service, "drift", database_url)
    assert drift == {"exitCode": 0, "stdout": "-- This is an empty migration.\n"}
