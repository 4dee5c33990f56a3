"""The image file, Compose file, CI and Renovate file, by the linters of their fields."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.template.pipeline import FILES, read
from tests.template.trees import TREES

TOOLS = Path(sys.executable).parent
ZIZMOR_SETTINGS = Path(__file__).with_name("zizmor.yml")


@pytest.fixture(scope="module", params=TREES)
def framework(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=FILES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def service(framework: str, kind: str, tmp_path_factory: pytest.TempPathFactory, generate) -> Path:
    """With a cache, since that is one server more."""
    directory = tmp_path_factory.mktemp("static") / framework
    answers = {"framework": framework, "ci": kind, "cache": "redis"}
    return generate(directory, project_name="payments-api", **answers)


def lint(service: Path, program: str, *arguments: str) -> None:
    """Run one of this environment's linters in the service; it must find nothing."""
    result = subprocess.run(
        [TOOLS / program, *arguments], cwd=service, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("hadolint", "Dockerfile"),
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yml"),
        ("check-jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json"),
        ("pre-commit", "validate-config"),
    ],
    ids=lambda command: " ".join(command[::2]),
)
def test_the_linters_find_nothing(service: Path, command: tuple[str, ...]):
    lint(service, *command)


LINTERS = {
    "github": [
        ("zizmor", "--offline", "--quiet", "--config", str(ZIZMOR_SETTINGS), "."),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", FILES["github"]),
        (
            "check-jsonschema",
            "--builtin-schema",
            "custom.github-workflows-require-timeout",
            FILES["github"],
        ),
    ],
    "gitlab": [
        (
            "check-jsonschema",
            "--builtin-schema",
            "vendor.gitlab-ci",
            "--data-transform",
            "gitlab-ci",
            FILES["gitlab"],
        ),
    ],
}


def test_the_linters_of_continuous_integration_find_nothing(service: Path, kind: str):
    for command in LINTERS[kind]:
        lint(service, *command)


def images_of(service: Path, kind: str) -> list[str]:
    """Every image that the service names, wherever it does."""
    dockerfile = (service / "Dockerfile").read_text()
    named = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    named += re.findall(r"^\s+image: (\S+)$", (service / "compose.yml").read_text(), re.MULTILINE)
    named += [image for job in read(service, kind).values() for image in job.images]
    return [image for image in named if image != "payments-api"]


# Distroless has no tags of versions; Renovate is told to pin its digest.
WITHOUT_VERSIONS = "gcr.io/distroless/static-debian13:nonroot"


def test_images_are_named_by_exact_tag(service: Path, kind: str):
    images = images_of(service, kind)
    assert len(images) >= 5
    if WITHOUT_VERSIONS in images:
        images.remove(WITHOUT_VERSIONS)
        rules = json.loads((service / "renovate.json").read_text())["packageRules"]
        pinned = [rule["matchPackageNames"] for rule in rules if rule.get("pinDigests")]
        assert pinned == [["gcr.io/distroless/**"]]
    for image in images:
        if image.startswith("gcr.io/distroless/"):
            continue  # it has no tags of versions: Renovate pins what they are at by digest
        assert re.fullmatch(r"[a-z./-]+:\d+\.\d+(\.\d+)?-[a-z0-9-]+", image), image


def test_development_and_ci_run_the_same_servers_and_languages(service: Path, kind: str):
    versions: dict[str, set[str]] = {}
    for image in images_of(service, kind):
        name, tag = image.split(":")
        versions.setdefault(name, set()).add(tag.split("-")[0])
    assert {"postgres", "redis"} <= versions.keys()
    assert {name: seen for name, seen in versions.items() if len(seen) > 1} == {}


def test_the_image_runs_the_service_as_nobody_in_particular(service: Path):
    dockerfile = (service / "Dockerfile").read_text()
    final_stage = dockerfile.rpartition("FROM ")[2]
    user = re.search(r"^USER (\d+):(\d+)$", final_stage, re.MULTILINE)
    assert user
    assert int(user[1]) > 999
    assert re.search(r"^HEALTHCHECK ", final_stage, re.MULTILINE)
    assert "APP_ENV=production" in final_stage
    assert "--mount" not in dockerfile, "any builder can build it"
    assert not dockerfile.startswith("# syntax"), "no front end to fetch"


def test_the_image_can_take_only_what_it_names(service: Path):
    """What the Dockerfile copies exists and passes .dockerignore; nothing else does."""
    copied = set()
    for line in (service / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            copied |= {Path(name).parts[0] for name in line.split()[1:-1]}
    ignore = (service / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied
    assert [name for name in copied if not (service / name).exists()] == []


def test_compose_listens_on_this_machine_only(service: Path):
    compose = yaml.safe_load((service / "compose.yml").read_text())
    published = [port for part in compose["services"].values() for port in part.get("ports", [])]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_compose_uses_its_own_database_whatever_the_env_file_names(service: Path):
    services = yaml.safe_load((service / "compose.yml").read_text())["services"]
    for part in ("migrate", "service"):
        own = services[part]["environment"]
        assert own["DATABASE_URL"].startswith("postgresql://postgres:postgres@database:5432/")
        assert (own["DATABASE_DIRECT_URL"], own["DATABASE_POOLED"]) == ("", "false")


def test_compose_starts_each_part_when_what_it_needs_is_ready(service: Path):
    services = yaml.safe_load((service / "compose.yml").read_text())["services"]
    assert services["database"]["healthcheck"]["test"][1] == "pg_isready"
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["redis"]["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"]
    assert services["service"]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
    }


def test_a_job_has_what_it_needs_and_no_more(service: Path, kind: str):
    text = (service / FILES[kind]).read_text()
    document = yaml.safe_load(text)
    assert "secrets." not in text
    if kind == "github":
        assert document["permissions"] == {"contents": "read"}
        assert not [job for job in document["jobs"].values() if "permissions" in job]
    for job in read(service, kind).values():
        assert job.minutes <= 15
        for value in job.environment.values():
            assert not re.search(r"\$(?!CI_PROJECT_DIR\b)", value), "nothing that has to be set"


def test_what_is_superseded_stops(service: Path, kind: str):
    document = yaml.safe_load((service / FILES[kind]).read_text())
    if kind == "github":
        assert document["concurrency"]["cancel-in-progress"] is True
    else:
        assert document["default"]["interruptible"] is True
        assert document["workflow"]["auto_cancel"] == {"on_new_commit": "interruptible"}


def test_a_change_is_checked_once(service: Path, kind: str):
    """The default branch and requests to merge: a branch with a request would run twice."""
    document = yaml.safe_load((service / FILES[kind]).read_text())
    if kind == "github":
        assert document[True] == {"push": {"branches": ["main"]}, "pull_request": None}
    else:
        assert [rule["if"] for rule in document["workflow"]["rules"]] == [
            '$CI_PIPELINE_SOURCE == "merge_request_event"',
            "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
        ]


def test_the_cache_of_a_pipeline_is_named_by_a_lock_file_and_outside_of_git(
    service: Path, kind: str
):
    if kind == "gitlab":
        job = yaml.safe_load((service / FILES[kind]).read_text())["check"]
        (lock,) = job["cache"]["key"]["files"]
        assert (service / lock).exists()
        (folder,) = job["cache"]["paths"]
        assert f"$CI_PROJECT_DIR/{folder}" in job["variables"].values()
        assert f"{folder.split('/')[0]}/" in (service / ".gitignore").read_text().splitlines()


def test_the_servers_are_met_where_they_are(service: Path, kind: str):
    job = read(service, kind)["check"]
    used = [urlsplit(value) for value in job.environment.values() if "://" in value]
    assert {(url.hostname, url.port) for url in used} == job.addresses
    assert len(job.addresses) == 2


def test_continuous_integration_runs_what_the_people_run(service: Path, framework: str, kind: str):
    jobs = {name: job.lines for name, job in read(service, kind).items()}
    check, migrations, load = jobs.pop("check"), jobs.pop("migrations"), jobs.pop("load")
    if framework == "go":
        assert jobs.pop("vulnerabilities") == ["make vulnerabilities"]
    (image,) = jobs.values()
    assert check[:4] == ["make setup", "make lint", "make test", "make migrate"]
    assert re.fullmatch(r"make migrate DOWN=\w+", check[4])
    assert check[5:] == ["make migrate"]
    assert migrations == ["make lint-sql"]
    assert image[-1] == "make build"
    assert load.index("make setup") == (0 if "apt-get" not in load[0] else 1)
    asked = [re.sub(r"make (-s )?| .*", "", line) for line in load if line.startswith("make ")]
    assert asked[:3] == ["setup", "load-test", "load-test-report"]
    assert set(asked[3:]) <= {"load-test-report"}
    targets = set(re.findall(r"^([a-z-]+):", (service / "Makefile").read_text(), re.MULTILINE))
    for line in check + migrations + load + image:
        if line.startswith("make "):
            assert line.removeprefix("make ").removeprefix("-s ").split()[0] in targets, line


def test_the_load_test_is_shown_also_when_it_fails(service: Path, kind: str):
    """The reason for a red job: a summary or a report of tests, and all files to look at."""
    job = yaml.safe_load((service / FILES[kind]).read_text())[
        "jobs" if kind == "github" else "load"
    ]
    if kind == "github":
        *_, summary, _, upload = job["load"]["steps"]
        assert [step["if"] for step in (summary, upload)] == ["${{ !cancelled() }}"] * 2
        assert '>> "$GITHUB_STEP_SUMMARY"' in summary["run"]
        assert upload["with"]["path"] == "results"
    else:
        assert job["artifacts"]["when"] == "always"
        assert job["artifacts"]["paths"] == ["results/"]
        (script,) = job["after_script"]
        assert f"--output {job['artifacts']['reports']['junit']}" in script


# Renovate's managers that have something to do in a service, with the files of theirs.
MANAGED = {
    "dockerfile": ["Dockerfile"],
    "docker-compose": ["compose.yml"],
    "pre-commit": [".pre-commit-config.yaml"],
}
MANAGED_BY_LANGUAGE = {
    "python": {
        "pep621": ["pyproject.toml"],
        "pip_requirements": ["requirements.txt", "requirements-dev.txt"],
    },
    "node": {"npm": ["package.json", "package-lock.json"]},
    "go": {"gomod": ["go.mod", "tools/go.mod"]},
}
MANAGED_BY_CI = {
    "github": {"github-actions": [".github/workflows/ci.yml"]},
    "gitlab": {"gitlabci": [".gitlab-ci.yml"]},
}


def test_renovate_finds_what_it_is_to_keep_current(service: Path, framework: str, kind: str):
    """Its own patterns find these names; its rules name no manager without a file."""
    managed = MANAGED | MANAGED_BY_LANGUAGE[TREES[framework].language] | MANAGED_BY_CI[kind]
    for files in managed.values():
        assert [name for name in files if not (service / name).exists()] == []
    rules = json.loads((service / "renovate.json").read_text())["packageRules"]
    for rule in rules:
        assert set(rule.get("matchManagers", [])) <= managed.keys(), rule["description"]


def test_renovate_leaves_the_revision_of_our_hooks_alone(service: Path):
    """Only `copier update` moves it: otherwise the next update would conflict at that line."""
    hooks = yaml.safe_load((service / ".pre-commit-config.yaml").read_text())["repos"][0]["repo"]
    rules = json.loads((service / "renovate.json").read_text())["packageRules"]
    (rule,) = [rule for rule in rules if rule.get("matchManagers") == ["pre-commit"]]
    assert rule["enabled"] is False
    (pattern,) = rule["matchPackageNames"]
    assert re.search(pattern.removeprefix("/").removesuffix("/"), hooks)
    assert not re.search(pattern.removeprefix("/").removesuffix("/"), "pre-commit/pre-commit-hooks")
