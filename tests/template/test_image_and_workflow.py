"""The image file, Compose file, workflow and Renovate file, by the linters of their fields."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.template.trees import EXAMPLES, TREES

TOOLS = Path(sys.executable).parent
ZIZMOR_SETTINGS = Path(__file__).with_name("zizmor.yml")


@pytest.fixture(scope="module", params=TREES)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, generate
) -> Path:
    directory = tmp_path_factory.mktemp("static") / request.param
    return generate(directory, framework=request.param, project_name="payments-api")


@pytest.mark.parametrize(
    "command",
    [
        ("hadolint", "Dockerfile"),
        ("zizmor", "--offline", "--quiet", "--config", str(ZIZMOR_SETTINGS), "."),
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yml"),
        (
            "check-jsonschema",
            "--builtin-schema",
            "vendor.github-workflows",
            ".github/workflows/ci.yml",
        ),
        (
            "check-jsonschema",
            "--builtin-schema",
            "custom.github-workflows-require-timeout",
            ".github/workflows/ci.yml",
        ),
        ("check-jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json"),
        ("pre-commit", "validate-config"),
    ],
    ids=lambda command: " ".join(command[::2]),
)
def test_the_linters_find_nothing(service: Path, command: tuple[str, ...]):
    program, *arguments = command
    result = subprocess.run(
        [TOOLS / program, *arguments], cwd=service, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def images_of(service: Path) -> list[str]:
    """Every image that the service names, wherever it does."""
    dockerfile = (service / "Dockerfile").read_text()
    named = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    for document in ("compose.yml", ".github/workflows/ci.yml"):
        named += re.findall(r"^\s+image: (\S+)$", (service / document).read_text(), re.MULTILINE)
    return [image for image in named if image != "payments-api"]


def test_images_are_named_by_exact_tag(service: Path):
    images = images_of(service)
    assert len(images) >= 4
    for image in images:
        assert re.fullmatch(r"[a-z./-]+:\d+\.\d+(\.\d+)?-[a-z0-9-]+", image), image
    postgres = {image for image in images if image.startswith("postgres:")}
    assert len(postgres) == 1, "development and CI run the same server"


def test_the_image_runs_the_service_as_nobody_in_particular(service: Path):
    dockerfile = (service / "Dockerfile").read_text()
    final_stage = dockerfile.rpartition("FROM ")[2]
    user = re.search(r"^USER (\d+):(\d+)$", final_stage, re.MULTILINE)
    assert user
    assert int(user[1]) > 999
    assert "/livez" in final_stage
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
    assert services["service"]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"}
    }


def test_the_workflow_may_read_and_no_more(service: Path):
    workflow = yaml.safe_load((service / ".github/workflows/ci.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 15


def test_the_workflow_runs_what_the_people_run(service: Path):
    workflow = yaml.safe_load((service / ".github/workflows/ci.yml").read_text())
    runs = "\n".join(
        step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]
    ).splitlines()
    assert {"make setup", "make lint", "make test", "make migrate", "make build"} <= set(runs)
    assert runs.index("make migrate") < runs.index("make migrate DOWN=base")


@pytest.mark.parametrize("example", EXAMPLES)
def test_continuous_integration_can_be_left_out(tmp_path: Path, generate, example: str):
    service = generate(tmp_path / "svc", ci="none", example=example)
    assert not (service / ".github").exists()
