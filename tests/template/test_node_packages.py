"""The packages of a Node service: one lock file that npm takes and leaves, whatever the answers."""

import itertools
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.template import git
from tests.template.make import PATH, environment
from tests.template.trees import OPTIONS

pytestmark = pytest.mark.verify

# What the licence changes is the same in both trees.
ANSWERS = [
    *itertools.product(["express"], OPTIONS["cache"], OPTIONS["license"]),
    *itertools.product(["graphql"], OPTIONS["cache"], ["MIT"]),
]


def npm(service: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """npm as a machine has it on which nothing was ever set, but for the registry it uses."""
    return subprocess.run(
        ["npm", *arguments],
        cwd=service,
        env=environment(**{"NO_UPDATE_NOTIFIER": "1", **variables}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module", params=ANSWERS, ids="-".join)
def service(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    generate: Callable[..., Path],
) -> Path:
    framework, cache, license_ = request.param
    directory = tmp_path_factory.mktemp("packages") / "payments-api"
    text = 'Quotes " and \\ and ü'
    answers = {"framework": framework, "cache": cache, "license": license_}
    return generate(directory, description=text, **answers)


def test_npm_accepts_the_lock_and_leaves_it_as_it_is(service: Path):
    accepted = npm(service, "ci", "--dry-run", "--no-audit")
    assert accepted.returncode == 0, accepted.stderr
    unchanged = npm(service, "install", "--package-lock-only", "--no-audit")
    assert unchanged.returncode == 0, unchanged.stderr
    assert git(service, "status", "--porcelain") == ""


def test_the_lock_names_versions_and_checksums_and_no_registry(service: Path):
    lock = json.loads((service / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 300
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert entry["integrity"].startswith("sha512-"), name
        entry.pop("funding", None)
        assert "://" not in json.dumps(entry), name


def test_redis_is_there_when_it_was_asked_for(service: Path):
    package = json.loads((service / "package.json").read_text())
    lock = json.loads((service / "package-lock.json").read_text())["packages"]
    cache = (service / ".copier-answers.yml").read_text().partition("cache: ")[2].split()[0]
    assert ("ioredis" in package["dependencies"]) == (cache == "redis")
    assert ("node_modules/ioredis" in lock) == (cache == "redis")


def test_no_script_of_npm_has_a_part_that_its_settings_switch_off(service: Path):
    """`ignore-scripts` also means the `pre` and `post` scripts of the service itself."""
    scripts = json.loads((service / "package.json").read_text())["scripts"]
    assert {"generate", "lint", "test", "build", "start"} <= scripts.keys()
    assert [name for name in scripts if re.fullmatch(r"(pre|post)(.+)", name)] == []


@pytest.mark.parametrize("command", [("ci",), ("install",), ("run", "lint")], ids=" ".join)
def test_npm_names_the_node_that_is_wanted_and_the_one_there_is(
    generate: Callable[..., Path], tmp_path: Path, command: tuple[str, ...]
):
    """Played from the other side: the service asks for a Node that nobody has."""
    service = generate(tmp_path / "svc", framework="express")
    for name in ("package.json", "package-lock.json"):
        text = (service / name).read_text()
        wanted = text.replace("^22.18.0 || ^24.0.0 || >=26.0.0", ">=999.1")
        assert wanted != text
        (service / name).write_text(wanted)
    refused = npm(service, *command)
    assert refused.returncode != 0
    found = subprocess.run(
        ["node", "--version"], env={"PATH": PATH}, capture_output=True, text=True, check=True
    )
    assert ">=999.1" in refused.stderr
    assert found.stdout.strip().removeprefix("v") in refused.stderr
    assert not (service / "node_modules").exists()
