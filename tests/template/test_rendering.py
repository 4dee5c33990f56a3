"""What the answers render: whole, parseable files, and the recorded list of them."""

import filecmp
import json
import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.fixtures.template import ROOT, answer_flags, commit_all, copier, snapshot
from tests.template.trees import PAIRWISE, name_of

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


@pytest.fixture(scope="module", params=PAIRWISE, ids=name_of)
def answers(request: pytest.FixtureRequest) -> dict[str, str]:
    return request.param


@pytest.fixture(scope="module")
def service(answers: dict[str, str], copie_session, template_repository: Path) -> Path:
    """The service that these answers give, rendered in this process."""
    given = {"project_name": "payments-api", **answers}
    result = copie_session.copy(extra_answers=given, template_dir=template_repository)
    assert result.exit_code == 0, result.exception
    return result.project_dir


def test_the_files_are_those_recorded(service: Path, answers: dict[str, str]):
    """RECORD=1 writes the lists anew; a renamed or moved path costs users their edits on update."""
    recorded = RECORDED / f"{answers['framework']}-{answers['example']}-{answers['ci']}.txt"
    files = [name for name in files_of(service) if name != "LICENSE"]
    if os.environ.get("RECORD"):
        RECORDED.mkdir(exist_ok=True)
        recorded.write_text("\n".join(files) + "\n")
    assert files == recorded.read_text().splitlines()
    assert (service / "LICENSE").exists() == (answers["license"] != "none")


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


def test_plain_copier_renders_the_same_without_trust(
    service: Path, answers: dict[str, str], template_repository: Path, tmp_path: Path
):
    """pytest-copie always trusts the template, so it cannot see that trust has become necessary."""
    given = {"project_name": "payments-api", **answers}
    plain = tmp_path / "plain"
    result = copier("copy", "--defaults", *answer_flags(given), template_repository, plain)
    assert result.returncode == 0, result.stderr
    assert files_of(plain) == files_of(service)
    # pytest-copie asks for HEAD, plain Copier for the newest tag; here both are one commit.
    _, different, unreadable = filecmp.cmpfiles(service, plain, files_of(service), shallow=False)
    assert (different, unreadable) == ([], [])


def test_two_roots_that_render_one_path_stop_a_plain_copy(tmp_path: Path):
    """So the copies above prove that no two roots do."""
    template = snapshot(tmp_path / "template")
    twin = template / "template" / "{% if framework == 'fastapi' %}.{% endif %}" / "compose.yml"
    twin.write_text("services: {}\n")
    commit_all(template, "The same path from another root")
    result = copier("copy", "--defaults", "--vcs-ref", "HEAD", template, tmp_path / "svc")
    assert result.returncode != 0
    assert "compose.yml" in result.stderr
