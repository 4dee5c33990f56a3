"""What the answers render: whole files that parse, and the recorded list of them.

Copied by the plain command, which stops where two roots of the template render one path.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.fixtures.template import ROOT, answer_flags, commit_all, copier
from tests.template import file_list
from tests.template.make import environment
from tests.template.trees import EACH_ANSWER, PAIRWISE, TREES, Answers, name_of

RECORDED = Path(__file__).parent / "files"

# Written by Copier itself and by the tools that may run in a tree.
IGNORED = {".git"}

LEFTOVER_JINJA = re.compile(r"\{\{[- ]|\{%[- ]|\{#[- ]")
INDEX_HOST = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org|--index-url|--find-links"
)

# The nouns of the example; "in order" and "ordering" are ordinary words.
ORDERS_DOMAIN = re.compile(r"\b([Cc]ustomers?|[Oo]rders|Order|Shipping)\b|order_(id|item)")


def files_of(directory: Path) -> list[str]:
    """Every file, relative to `directory`, sorted."""
    return sorted(
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file() and path.relative_to(directory).parts[0] not in IGNORED
    )


def texts_of(directory: Path) -> dict[str, str]:
    return {name: (directory / name).read_text() for name in files_of(directory)}


def without_workflow_expressions(text: str) -> str:
    """GitHub's own ``${{ ... }}`` looks like Jinja and is not."""
    return re.sub(r"\$\{\{.*?\}\}", "", text)


@pytest.fixture(scope="session")
def rendered(
    tmp_path_factory: pytest.TempPathFactory, template_repository: Path
) -> Callable[[Answers], Path]:
    """``rendered(answers)``: the service that they give, copied at first use."""
    made: dict[str, Path] = {}

    def service(answers: Answers) -> Path:
        name = name_of(answers)
        if name not in made:
            directory = tmp_path_factory.mktemp("rendered") / name
            flags = answer_flags({"project_name": "payments-api", **answers})
            result = copier("copy", "--defaults", *flags, template_repository, directory)
            assert result.returncode == 0, result.stderr
            made[name] = directory
        return made[name]

    return service


SERVICES = [
    pytest.param(answers, marks=[] if answers in EACH_ANSWER else pytest.mark.verify)
    for answers in PAIRWISE
]


@pytest.fixture(scope="module", params=SERVICES, ids=map(name_of, PAIRWISE))
def answers(request: pytest.FixtureRequest) -> Answers:
    return request.param


@pytest.fixture(scope="module")
def service(answers: Answers, rendered: Callable[[Answers], Path]) -> Path:
    return rendered(answers)


@pytest.mark.verify
@pytest.mark.parametrize("framework", TREES)
def test_the_list_of_files_says_when_each_is_there(
    framework: str, rendered: Callable[[Answers], Path]
):
    """RECORD=1 writes the lists anew; a renamed or moved path costs users their edits on update."""
    services = [
        (answers, files_of(rendered(answers)))
        for answers in PAIRWISE
        if answers["framework"] == framework
    ]
    recorded = RECORDED / f"{framework}.txt"
    if os.environ.get("RECORD"):
        RECORDED.mkdir(exist_ok=True)
        file_list.write(recorded, file_list.infer(services))
    assert file_list.read(recorded) == file_list.infer(services)


def test_a_service_has_the_files_that_are_recorded(service: Path, answers: Answers):
    sections = file_list.read(RECORDED / f"{answers['framework']}.txt")
    assert files_of(service) == file_list.expected(sections, answers)


def test_only_a_go_service_is_asked_for_its_module(service: Path, answers: Answers):
    recorded = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert ("go_module" in recorded) == (answers["framework"] == "go")


def test_no_jinja_is_left(service: Path):
    for name, text in texts_of(service).items():
        assert not name.endswith(".jinja")
        assert not LEFTOVER_JINJA.search(without_workflow_expressions(text)), name
        assert not re.search(r"[{}]", name), "a condition in a path was not rendered"


def test_every_file_parses(service: Path):
    for name, text in texts_of(service).items():
        if name.endswith((".yml", ".yaml")):
            yaml.safe_load(text)
        elif name.endswith(".json"):
            json.loads(text)
        elif name.endswith(".toml"):
            tomllib.loads(text)
        elif name.endswith(".py"):
            compile(text, name, "exec")


# What Node does to run TypeScript without a build: it refuses what it cannot erase, such as enums.
STRIP_TYPES = """\
const { readFileSync } = require("node:fs");
const { stripTypeScriptTypes } = require("node:module");
let wrong = 0;
for (const file of process.argv.slice(1)) {
  try {
    stripTypeScriptTypes(readFileSync(file, "utf8"));
  } catch (error) {
    console.error(`${file}: ${error.message}`);
    wrong = 1;
  }
}
process.exit(wrong);
"""


def test_node_can_run_every_source_as_it_is(service: Path, answers: Answers):
    sources = [name for name in files_of(service) if name.endswith((".ts", ".js"))]
    assert bool(sources) == (TREES[answers["framework"]].language == "node")
    if not sources:
        return
    result = subprocess.run(
        ["node", "--no-warnings", "--eval", STRIP_TYPES, *sources],
        cwd=service,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_gofmt_would_write_every_source_as_it_is(service: Path, answers: Answers):
    sources = [name for name in files_of(service) if name.endswith(".go")]
    assert bool(sources) == (answers["framework"] == "go")
    if not sources:
        return
    result = subprocess.run(
        ["gofmt", "-d", *sources],
        cwd=service,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "command",
    [
        ("migrations", "lint", "--fail-on", "note"),
        ("check", "env-example-in-sync"),
        ("check", "no-conflict-markers"),
    ],
    ids=" ".join,
)
def test_our_own_checks_find_nothing(service: Path, command: tuple[str, ...]):
    if not (service / ".git").exists():
        commit_all(service, "Start the service")
    result = subprocess.run(
        [sys.executable, "-m", "senior_backend", *command],
        cwd=service,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    # What sqlc reads is SQL, and no migration.
    left_out = r"(; 1 left out \(holds queries by its name: 1\))?"
    nothing = rf"[1-9]\d* (statements|files) checked; nothing found{left_out}\n\Z"
    assert re.search(nothing, result.stdout)


def test_files_are_clean_text(service: Path):
    for name, text in texts_of(service).items():
        assert text == "" or text.endswith("\n"), f"{name}: no newline at the end"
        assert not text.endswith("\n\n"), f"{name}: blank lines at the end"
        assert "\r" not in text, f"{name}: carriage returns"
        for number, line in enumerate(text.splitlines(), start=1):
            assert line == line.rstrip(), f"{name}:{number}: trailing white space"


def test_nothing_of_the_machine_or_of_an_index_is_rendered(
    service: Path, template_repository: Path
):
    """The template's own address is the one path that a service may hold."""
    machine_paths = [str(ROOT), str(Path.home()) + "/", str(service)]
    for name, text in texts_of(service).items():
        text = text.replace(str(template_repository), "")
        for path in machine_paths:
            assert path not in text, f"{name}: {path}"
        assert not INDEX_HOST.search(text), f"{name}: {INDEX_HOST.search(text)}"


def test_only_programs_are_executable(service: Path):
    for name in files_of(service):
        program = (service / name).read_bytes().startswith(b"#!")
        assert os.access(service / name, os.X_OK) == program, name


def test_example_none_leaves_no_trace_of_the_orders_domain(service: Path, answers: dict[str, str]):
    if answers["example"] == "orders":
        assert any("orders" in name for name in files_of(service))
        return
    for name, text in texts_of(service).items():
        assert not ORDERS_DOMAIN.search(f"{name}\n{text}"), f"{name}: {ORDERS_DOMAIN.search(text)}"


def test_no_cache_leaves_no_trace_of_redis(service: Path, answers: Answers):
    """But in lock files, which are one for both: they may hold more than is asked for."""
    named = [
        name
        for name, text in texts_of(service).items()
        if name not in {"package-lock.json", "go.sum"}
        and re.search(r"(?i)\b(io)?redis(?!tribut)", f"{name}\n{text}")
    ]
    assert bool(named) == (answers["cache"] == "redis"), named


def test_two_roots_that_render_one_path_stop_a_plain_copy(tmp_path: Path, template_folder: Path):
    """So the copies above prove that no two roots do."""
    template = shutil.copytree(template_folder, tmp_path / "template")
    twin = template / "template" / "{% if framework == 'fastapi' %}.{% endif %}" / "compose.yml"
    twin.write_text("services: {}\n")
    result = copier("copy", "--defaults", template, tmp_path / "svc")
    assert result.returncode != 0
    assert "compose.yml" in result.stderr
