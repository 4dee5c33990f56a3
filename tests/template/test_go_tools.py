"""The tools of a Go service: which Go it wants, what `make lint` finds and says, what is locked."""

import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.template import git
from tests.template.make import PATH, make, succeed
from tests.template.trees import NAME, OPTIONS

MODULE = f"example.com/{NAME}"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory, generate: Callable[..., Path]) -> Path:
    directory = tmp_path_factory.mktemp("go") / "svc"
    return generate(directory, framework="go", project_name=NAME)


# ---- Which Go -----------------------------------------------------------------------------


def machine(directory: Path, go: str | None) -> str:
    """A PATH with make, and a Go that says it is of this version."""
    directory.mkdir()
    for name in ("make", "sh"):
        program = shutil.which(name, path=PATH)
        assert program, name
        (directory / name).symlink_to(program)
    if go is not None:
        program = directory / "go"
        program.write_text(f"#!/bin/sh\necho {go}\n")
        program.chmod(0o755)
    return str(directory)


def test_a_machine_without_go_is_told_so(generated: Path, tmp_path: Path):
    result = make(generated, "setup", PATH=machine(tmp_path / "bin", go=None))
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == "make: Go is missing: install Go 1.26 or newer"
    assert "Error 3" in result.stderr


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("go1.9", False),
        ("go1.19.8", False),
        ("go1.22.12", False),
        ("go1.25.9", False),
        ("go1.26.0", True),
        ("go1.26rc1", True),
        ("go1.26.8", True),
        ("go1.29", True),
        ("go1.30.1", True),
    ],
)
def test_the_go_of_a_machine_is_named_when_it_is_too_old(
    generated: Path, tmp_path: Path, version: str, wanted: bool
):
    result = make(generated, "go", PATH=machine(tmp_path / "bin", go=version))
    assert (result.returncode == 0) == wanted
    if not wanted:
        assert result.stderr.splitlines()[0] == (
            f"make: Go 1.26 or newer is wanted, and {tmp_path}/bin/go is {version}"
        )


# ---- What is locked -----------------------------------------------------------------------

ANSWERS = list(itertools.product(OPTIONS["cache"], OPTIONS["example"], ("postgres", "supabase")))


@pytest.mark.verify
@pytest.mark.parametrize("answers", ANSWERS, ids="-".join)
def test_go_takes_the_locked_modules_and_leaves_them_as_they_are(
    generate: Callable[..., Path], answers: tuple[str, ...], tmp_path: Path
):
    named = dict(zip(("cache", "example", "database"), answers, strict=True))
    service = generate(tmp_path / "svc", framework="go", go_module="github.com/acme/pay", **named)
    succeed(service, "lock")
    assert git(service, "status", "--porcelain") == ""
    assert ("redis" in (service / "go.mod").read_text()) == (named["cache"] == "redis")


# ---- What `make lint` finds ---------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A change that must not pass, and what names it."""

    file: str
    text: str
    """Added at the end of the file."""
    said: str
    target: str = "lint"


FAULTS = {
    "not formatted": Fault(
        "internal/about/more.go",
        "package about\n\nfunc  unformatted() {}\n",
        r"^internal/about/more\.go$(.|\n)*not as gofmt has them: run 'make format'",
    ),
    "vet": Fault(
        "internal/about/more.go",
        'package about\n\nimport "fmt"\n\nfunc init() { fmt.Printf("%d", "text") }\n',
        r"internal/about/more\.go:5:\d+: fmt\.Printf format %d",
    ),
    "staticcheck": Fault(
        "internal/about/more.go",
        "package about\n\nfunc nobodyCalls() {}\n",
        r"internal/about/more\.go:3:6: func nobodyCalls is unused",
    ),
    "an import that points up": Fault(
        "internal/domain/more.go",
        f'package domain\n\nimport _ "{MODULE}/internal/telemetry"\n',
        r"internal/domain/more\.go:3: imports telemetry, and imports point down: domain may use",
        target="layers",  # of lint, as the next ones are
    ),
    "two of one line": Fault(
        "internal/about/more.go",
        f'package about\n\nimport _ "{MODULE}/internal/domain"\n',
        r"internal/about/more\.go:3: imports domain, and imports point down",
        target="layers",
    ),
    "a package without a place": Fault(
        "internal/helpers/helpers.go",
        "// Package helpers holds what found no place.\npackage helpers\n",
        r"internal/helpers/helpers\.go: its package has no place in the layers",
        target="layers",
    ),
    "a query that nothing was generated from": Fault(
        "db/queries/idempotency_keys.sql",
        "\n-- name: CountKeys :one\nselect count(*) from idempotency_keys;\n",
        r"CountKeys(.|\n)*is not what db/queries says: run 'make generate' and commit it",
    ),
    "a module that nobody imports": Fault(
        "go.sum",
        f"golang.org/x/exp v0.1.0 h1:{'A' * 43}=\n",
        r"-golang\.org/x/exp(.|\n)*is not what is imported: run 'make lock' and commit it",
    ),
}


@pytest.fixture
def service(installed: Callable[..., Path]) -> Iterator[Path]:
    """An installed service, put back to its first commit afterwards."""
    directory = installed("go", "none")
    yield directory
    git(directory, "reset", "--hard", "--quiet")
    git(directory, "clean", "-d", "--force", "--quiet")


@pytest.mark.verify
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_lint_names_what_is_wrong_and_where(service: Path, fault: Fault):
    file = service / fault.file
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as opened:
        opened.write(fault.text)
    result = make(service, fault.target)
    assert result.returncode != 0
    assert re.search(fault.said, result.stdout + result.stderr, re.MULTILINE), result


@pytest.mark.verify
def test_formatting_and_generating_mend_it(service: Path):
    (service / "internal" / "about" / "about.go").open("a").write("\n\n\n")
    queries = service / "db" / "queries" / "idempotency_keys.sql"
    original = queries.read_text()
    queries.write_text(
        original + "\n-- name: CountKeys :one\nselect count(*) from idempotency_keys;\n"
    )
    succeed(service, "format")
    succeed(service, "generate")
    succeed(service, "lint")
    queries.write_text(original)
    succeed(service, "generate")
    assert git(service, "status", "--porcelain") == ""


# ---- Known vulnerabilities ----------------------------------------------------------------


AFFECTED = "github.com/jackc/pgx/v5"


def vulnerability(symbols: list[str]) -> dict[str, object]:
    """An entry as the database of Go has them: every version of the module is affected."""
    return {
        "schema_version": "1.3.1",
        "id": "GO-2026-9999",
        "modified": "2026-01-01T00:00:00Z",
        "published": "2026-01-01T00:00:00Z",
        "summary": "Planted by a test",
        "details": "Planted by a test",
        "affected": [
            {
                "package": {"name": AFFECTED, "ecosystem": "Go"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
                "ecosystem_specific": {
                    "imports": [{"path": f"{AFFECTED}/pgxpool", "symbols": symbols}]
                },
            }
        ],
        "references": [],
        "database_specific": {"url": "https://pkg.go.dev/vuln/GO-2026-9999"},
    }


def database(folder: Path, symbols: list[str]) -> str:
    """The address of a database with one entry."""
    entry = vulnerability(symbols)
    modified = entry["modified"]
    files = {
        "index/db.json": {"modified": modified},
        "index/modules.json": [
            {"path": AFFECTED, "vulns": [{"id": entry["id"], "modified": modified}]}
        ],
        "index/vulns.json": [{"id": entry["id"], "modified": modified, "aliases": []}],
        f"ID/{entry['id']}.json": entry,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder.as_uri()


@pytest.mark.verify
@pytest.mark.parametrize(
    ("symbols", "found"),
    [(["ParseConfig"], True), (["NobodyCallsThis"], False)],
    ids=["called", "not called"],
)
def test_a_known_vulnerability_is_told_where_the_code_reaches_it(
    service: Path, tmp_path: Path, symbols: list[str], found: bool
):
    address = database(tmp_path / "vulnerabilities", symbols)
    result = make(service, "vulnerabilities", f"ARGS=-db {address}")
    said = result.stdout + result.stderr
    assert (result.returncode != 0) == found, said
    assert ("GO-2026-9999" in said) == found, said
    if found:
        assert re.search(r"internal/\S+\.go:\d+:\d+: .* calls pgxpool\.ParseConfig", said), said
