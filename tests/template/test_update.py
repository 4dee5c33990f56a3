"""`copier update`: newer patterns arrive, edits stay, and nothing is lost in silence."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.fixtures.template import TAG, answer_flags, commit_all, copier, git, snapshot
from tests.template.trees import TREES

pytestmark = pytest.mark.verify

NEXT_TAG = "v1.1.0"


def replace(path: Path, old: str, new: str) -> None:
    """Change `path` where it says `old`, which it must."""
    text = path.read_text()
    assert old in text, f"{path.name} no longer says {old!r}"
    path.write_text(text.replace(old, new, 1))


def release(template: Path) -> str:
    """Change the template as a new version would, and tag it; the commit's hash."""
    files = template / "template"
    replace(files / "Makefile.jinja", "\tdocker build --tag", "\tdocker build --pull --tag")
    replace(files / "README.md.jinja", "## Change it", "## Change it, then test it")
    (files / "SUPPORT.md.jinja").write_text("Ask the {{ project_name }} team.\n")
    given = ["loadtest/scenario.yml.jinja"]
    for name, tree in TREES.items():
        root = files / f"{{% if framework == '{name}' %}}.{{% endif %}}"
        given += [
            str(path.relative_to(files))
            for theirs in (tree.custom_routes, *tree.also_theirs)
            for path in (
                root / theirs,
                root / f"{theirs}.jinja",
                root / f"{{% if example == 'orders' %}}{theirs}{{% endif %}}",
            )
            if path.exists()
        ]
    assert len(given) >= 1 + len(TREES)
    for theirs in ("local.mk", "compose.override.yml", *given):
        (files / theirs).write_text("# The template's own text.\n")
    commit = commit_all(template, "A newer version")
    git(template, "tag", NEXT_TAG)
    return commit


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tagged versions of the template, and a commit after the second."""
    repository = snapshot(tmp_path_factory.mktemp("update") / "senior-backend")
    release(repository)
    (repository / "template" / "UNRELEASED.md").write_text("Not in any version yet.\n")
    commit_all(repository, "Work after the newer version")
    return repository


@pytest.fixture(scope="module")
def first_version(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_service(template, tmp_path_factory.mktemp("first") / "payments-api", TAG)


@pytest.fixture
def service(first_version: Path, tmp_path: Path) -> Path:
    """A service of the first version, committed; the test's own."""
    return shutil.copytree(first_version, tmp_path / "payments-api", symlinks=True)


def new_service(template: Path, directory: Path, version: str, **answers: str) -> Path:
    flags = ["--defaults", "--vcs-ref", version, *answer_flags(answers)]
    result = copier("copy", *flags, template, directory)
    assert result.returncode == 0, result.stderr
    commit_all(directory, "Start the service")
    return directory


def update(service: Path, *arguments: str, **answers: str) -> None:
    """Commit what the people did and update without trust; Copier exits 0 even on conflicts."""
    commit_all(service, "Our own work")
    result = copier("update", "--defaults", *arguments, *answer_flags(answers), cwd=service)
    assert result.returncode == 0, result.stderr


def check_conflict_markers(service: Path) -> subprocess.CompletedProcess[str]:
    """The hook that the service's own pre-commit configuration names."""
    git(service, "add", "--all")
    command = [sys.executable, "-m", "senior_backend", "check", "no-conflict-markers"]
    return subprocess.run(command, cwd=service, capture_output=True, text=True, check=False)


def assert_clean(service: Path) -> None:
    assert git(service, "diff", "--name-only", "--diff-filter=U") == "", "unmerged files"
    result = check_conflict_markers(service)
    assert result.returncode == 0, result.stdout + result.stderr


def hooks_of(service: Path) -> list[dict]:
    return yaml.safe_load((service / ".pre-commit-config.yaml").read_text())["repos"]


def test_edits_are_kept_and_news_arrives(template: Path, service: Path):
    replace(service / "README.md", "## Run it\n", "## Run it\n\nAsk Ada first.\n")
    with (service / ".env.example").open("a") as example:
        example.write("\n# Where the ledger is.\nLEDGER_URL=\n")
    replace(service / "Makefile", "DB ?= embedded", "DB ?= compose")
    (service / "OURS.md").write_text("Ours.\n")

    update(service)

    assert_clean(service)
    readme = (service / "README.md").read_text()
    assert "Ask Ada first." in readme
    assert "## Change it, then test it" in readme
    assert "LEDGER_URL=" in (service / ".env.example").read_text()
    makefile = (service / "Makefile").read_text()
    assert "DB ?= compose" in makefile
    assert "docker build --pull --tag payments-api" in makefile
    assert (service / "OURS.md").read_text() == "Ours.\n"
    assert (service / "SUPPORT.md").read_text() == "Ask the payments-api team.\n"


def test_the_newest_tag_is_taken_not_the_newest_commit(template: Path, service: Path):
    update(service)
    assert not (service / "UNRELEASED.md").exists()
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert answers["_commit"] == NEXT_TAG


def test_hooks_and_tools_move_to_the_same_commit(template: Path, service: Path):
    old, new = (git(template, "rev-parse", tag) for tag in (TAG, NEXT_TAG))
    update(service)
    assert_clean(service)
    assert hooks_of(service)[0]["rev"] == new
    makefile = (service / "Makefile").read_text()
    assert makefile.count(new) == 1
    assert old not in makefile


OWN_REPOSITORY = """\
  - repo: https://github.com/example/hooks
    rev: v3.2.1
    hooks:
      - id: theirs
"""


def own_repository_above(text: str) -> str:
    return text.replace("repos:\n", f"repos:\n{OWN_REPOSITORY}\n")


def own_repository_below(text: str) -> str:
    return f"{text}\n{OWN_REPOSITORY}"


def own_local_hook(text: str) -> str:
    return f"{text}      - {{id: ours, name: ours, entry: make ours, language: system}}\n"


def arguments_on_a_hook_of_ours(text: str) -> str:
    marker = "      - id: env-example-in-sync\n"
    return text.replace(marker, f"{marker}        args: [--format=github]\n")


def one_hook_switched_off(text: str) -> str:
    return text.replace("      - id: env-example-in-sync\n", "")


@pytest.mark.parametrize(
    "edit",
    [
        own_repository_above,
        own_repository_below,
        own_local_hook,
        arguments_on_a_hook_of_ours,
        one_hook_switched_off,
    ],
)
def test_hook_edits_are_kept_while_rev_moves(
    template: Path, service: Path, edit: Callable[[str], str]
):
    path = service / ".pre-commit-config.yaml"
    edited = edit(path.read_text())
    assert edited != path.read_text()
    path.write_text(edited)

    update(service)

    assert_clean(service)
    old, new = (git(template, "rev-parse", tag) for tag in (TAG, NEXT_TAG))
    assert path.read_text() == edited.replace(old, new)


def test_a_conflict_is_caught_before_it_is_committed(service: Path):
    replace(service / "Makefile", "\tdocker build --tag", "\tpodman build --tag")
    update(service)
    assert git(service, "diff", "--name-only", "--diff-filter=U") == "Makefile"
    result = check_conflict_markers(service)
    assert result.returncode == 1
    assert "Makefile" in result.stdout


def test_rejected_hunks_are_caught_before_they_are_committed(service: Path):
    replace(service / "Makefile", "\tdocker build --tag", "\tpodman build --tag")
    update(service, "--conflict", "rej")
    assert (service / "Makefile.rej").exists()
    result = check_conflict_markers(service)
    assert result.returncode == 1
    assert "Makefile.rej" in result.stdout


@pytest.mark.parametrize("framework", TREES)
def test_files_of_the_people_are_never_touched(template: Path, tmp_path: Path, framework: str):
    service = new_service(template, tmp_path / "payments-api", TAG, framework=framework)
    theirs = {
        "local.mk": "ours:\n\t@echo ours\n",
        "compose.override.yml": "services:\n  mail:\n    image: axllent/mailpit:v1.27\n",
        "loadtest/scenario.yml": "name: our own load\n",
    }
    tree = TREES[framework]
    given = {"loadtest/scenario.yml", tree.custom_routes, *tree.also_theirs}
    theirs |= dict.fromkeys(given - theirs.keys(), "Ours.\n")
    for name, text in theirs.items():
        assert (service / name).exists() == (name in given)
        (service / name).write_text(text)
    update(service)
    assert_clean(service)
    assert {name: (service / name).read_text() for name in theirs} == theirs


def test_a_file_that_the_people_deleted_stays_deleted(service: Path):
    (service / "renovate.json").unlink()
    update(service)
    assert_clean(service)
    assert not (service / "renovate.json").exists()


@pytest.mark.parametrize("framework", TREES)
def test_switching_the_example_off_removes_it_and_nothing_else(
    template: Path, tmp_path: Path, framework: str
):
    service = new_service(template, tmp_path / "payments-api", TAG, framework=framework)
    ours = service / TREES[framework].code / "ledger.txt"
    ours.write_text("Ours.\n")
    before = set(git(service, "ls-files").splitlines())
    update(service, example="none")
    assert_clean(service)
    after = set(git(service, "ls-files").splitlines())
    gone = before - after
    assert any("orders" in name for name in gone)
    assert not [name for name in after if "orders" in name or "customers" in name]
    assert ours.exists()


@pytest.mark.parametrize("framework", TREES)
def test_choosing_a_cache_later_and_then_none(template: Path, tmp_path: Path, framework: str):
    service = new_service(template, tmp_path / "payments-api", TAG, framework=framework)
    update(service, cache="redis")
    assert_clean(service)
    assert "REDIS_URL" in (service / ".env.example").read_text()
    update(service, cache="none")
    assert_clean(service)
    assert "REDIS_URL" not in (service / ".env.example").read_text()


def test_switching_continuous_integration_off_and_on(service: Path):
    workflow = service / ".github" / "workflows" / "ci.yml"
    update(service, ci="none")
    assert_clean(service)
    assert not workflow.exists()
    update(service, ci="github")
    assert_clean(service)
    assert workflow.exists()


def test_choosing_a_licence_later(service: Path):
    assert not (service / "LICENSE").exists()
    update(service, license="Apache-2.0")
    assert_clean(service)
    assert "Apache License" in (service / "LICENSE").read_text()


def test_from_an_untagged_commit_that_is_tagged_later(tmp_path: Path):
    """A describe string would re-render differently once the commit has a tag, and conflict."""
    template = snapshot(tmp_path / "senior-backend", tag=None)
    service = new_service(template, tmp_path / "payments-api", "HEAD")
    git(template, "tag", TAG)
    commit = release(template)
    update(service)
    assert_clean(service)
    assert hooks_of(service)[0]["rev"] == commit


def test_an_update_to_the_same_version_changes_nothing(template: Path, service: Path):
    update(service)
    commit_all(service, "Update from the template")
    update(service)
    assert git(service, "status", "--porcelain") == ""
