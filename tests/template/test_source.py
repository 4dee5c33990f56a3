"""Where a service finds senior-backend again: one address that git takes, one that uv takes."""

import os
import re
from pathlib import Path

import pytest
import yaml
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from tests.fixtures.template import ROOT, TAG, commit_all, copier, git

HASH = "0123456789abcdef0123456789abcdef01234567"

# What the user typed for Copier -> what git and pre-commit take.
ADDRESSES = {
    "gh:org/senior-backend": "https://github.com/org/senior-backend",
    "gh:org/senior-backend.git": "https://github.com/org/senior-backend",
    "gh:/org/senior-backend": "https://github.com/org/senior-backend",
    "gl:team/tools/senior-backend": "https://gitlab.com/team/tools/senior-backend",
    "gl:team/senior-backend.git": "https://gitlab.com/team/senior-backend",
    "https://github.com/org/senior-backend": "https://github.com/org/senior-backend",
    "https://git.example.com/x/senior-backend.git": "https://git.example.com/x/senior-backend.git",
    "git+https://git.example.com/x/senior-backend": "https://git.example.com/x/senior-backend",
    "ssh://git@git.example.com:2222/x/y.git": "ssh://git@git.example.com:2222/x/y.git",
    "git+ssh://git@git.example.com/x/y.git": "ssh://git@git.example.com/x/y.git",
    "git@github.com:org/senior-backend.git": "ssh://git@github.com/org/senior-backend.git",
    "git@git.example.com:/srv/git/y.git": "ssh://git@git.example.com/srv/git/y.git",
    "git+git@github.com:org/senior-backend.git": "ssh://git@github.com/org/senior-backend.git",
    "git+file:///srv/git/senior-backend": "file:///srv/git/senior-backend",
    "/srv/git/senior-backend": "file:///srv/git/senior-backend",
    "/srv/git/senior-backend.git": "file:///srv/git/senior-backend.git",
    "/home/me/my work/senior-backend": "file:///home/me/my%20work/senior-backend",
}


@pytest.fixture(scope="module")
def source():
    """The macros, in an environment like Copier's: sandboxed, strict, with its filters."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(ROOT),
        undefined=StrictUndefined,
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    )
    return environment.get_template("extensions/source.jinja").module


@pytest.mark.parametrize(("typed", "address"), ADDRESSES.items())
def test_address_for_git_and_for_uv(source, typed: str, address: str):
    assert source.address(typed) == address
    assert source.requirement(typed, HASH) == f"senior-backend @ git+{address}@{HASH}"
    assert source.is_address(typed) == "yes"


def test_extras_stand_before_the_address(source):
    requirement = source.requirement("gh:org/x", HASH, "[postgres]")
    assert requirement == f"senior-backend[postgres] @ git+https://github.com/org/x@{HASH}"


# The same -> a file of it as an editor fetches it, and as a person reads it.
FILES = {
    "gh:org/x": (
        "https://raw.githubusercontent.com/org/x/HEAD/docs/a.md",
        "https://github.com/org/x/blob/HEAD/docs/a.md",
    ),
    "https://github.com/org/x.git": (
        "https://raw.githubusercontent.com/org/x/HEAD/docs/a.md",
        "https://github.com/org/x/blob/HEAD/docs/a.md",
    ),
    "gl:team/tools/x": (
        "https://gitlab.com/team/tools/x/-/raw/HEAD/docs/a.md",
        "https://gitlab.com/team/tools/x/-/blob/HEAD/docs/a.md",
    ),
    "https://git.example.com/x.git": ("", "docs/a.md in the repository of the template"),
    "git@github.com:org/x.git": ("", "docs/a.md in the repository of the template"),
    "/srv/git/x": ("", "docs/a.md in the repository of the template"),
}


@pytest.mark.parametrize(("typed", "shown"), FILES.items())
def test_where_a_file_of_the_template_can_be_read(source, typed: str, shown: tuple[str, str]):
    assert (source.raw_file(typed, "docs/a.md"), source.page(typed, "docs/a.md")) == shown


@pytest.mark.parametrize("commit", [None, ""])
def test_a_template_without_git_has_no_commit_to_pin(source, commit: str | None):
    assert source.revision(commit) == "HEAD"


@pytest.mark.parametrize("typed", [".", "..", "senior-backend", "./senior-backend", "../x/y"])
def test_a_relative_path_is_no_address(source, typed: str):
    assert source.is_address(typed) == ""


def rendered_source(service: Path) -> tuple[str, str, str]:
    """Repository and revision of the service's pre-commit configuration, and uv's requirement."""
    hooks = yaml.safe_load((service / ".pre-commit-config.yaml").read_text())["repos"][0]
    makefile = (service / "Makefile").read_text()
    pinned = re.search(r"^SENIOR_BACKEND_SOURCE \?= (.+)$", makefile, re.MULTILINE)
    assert pinned
    return hooks["repo"], hooks["rev"], pinned[1]


def untagged(repository: Path) -> list[str]:
    git(repository, "tag", "--delete", TAG)
    return []


def on_the_tag(repository: Path) -> list[str]:
    return []


def past_the_tag(repository: Path) -> list[str]:
    (repository / "README.md").write_text("One commit later.\n")
    commit_all(repository, "One commit later")
    return ["--vcs-ref", "HEAD"]


@pytest.mark.parametrize("prefix", ["", "git+file://"], ids=["path", "git+file"])
@pytest.mark.parametrize("state", [untagged, on_the_tag, past_the_tag])
def test_the_pinned_commit_can_be_fetched(
    tmp_path: Path, template_repository: Path, state, prefix: str
):
    repository = tmp_path / "senior backend"
    git(tmp_path, "clone", "--quiet", str(template_repository), str(repository))
    arguments = state(repository)
    quoted = str(repository).replace(" ", "%20") if prefix else str(repository)
    service = tmp_path / "svc"
    result = copier("copy", "--defaults", *arguments, f"{prefix}{quoted}", service)
    assert result.returncode == 0, result.stderr

    address, revision, requirement = rendered_source(service)
    assert revision == git(repository, "rev-parse", "HEAD")
    assert requirement.endswith(f"git+{address}@{revision}")
    # What pre-commit and uv do with it: fetch that very commit from that address.
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--no-checkout", address, str(clone))
    assert git(clone, "cat-file", "-t", revision) == "commit"


def test_a_hosted_address_is_stored_as_typed_and_rendered_for_git(
    tmp_path: Path, template_repository: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = tmp_path / "gitconfig"
    hosted = "https://github.com/org/senior-backend"
    settings.write_text(f'[url "file://{template_repository}"]\n  insteadOf = {hosted}.git\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    service = tmp_path / "svc"
    result = copier("copy", "--defaults", "gh:org/senior-backend", service)
    assert result.returncode == 0, result.stderr
    address, revision, requirement = rendered_source(service)
    assert (address, revision) == (hosted, git(template_repository, "rev-parse", "HEAD"))
    assert requirement == f"senior-backend[$(EXTRAS)] @ git+{hosted}@{revision}"


def test_a_relative_path_is_refused_with_the_remedy(tmp_path: Path, template_repository: Path):
    relative = os.path.relpath(template_repository, tmp_path)
    result = copier("copy", "--defaults", relative, "svc", cwd=tmp_path)
    assert result.returncode != 0
    assert "give its absolute path" in result.stderr
    assert not (tmp_path / "svc").exists()
