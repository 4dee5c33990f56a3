"""Where the template comes from, in the order: checkout, installation, home."""

import json
import os
from pathlib import Path

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.scaffold import source
from senior_backend.scaffold.source import Source, git_url, named, of_checkout, of_installation
from tests.fixtures.template import commit_all, git

HASH = "a" * 40


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"url": "https://git.example/x", "vcs_info": {"vcs": "git", "commit_id": HASH}},
         Source("git+https://git.example/x", HASH)),
        ({"url": "ssh://git@git.example/x.git",
          "vcs_info": {"vcs": "git", "commit_id": HASH, "requested_revision": "v1"}},
         Source("git+ssh://git@git.example/x.git", HASH)),
        ({"url": "file:///srv/x", "vcs_info": {"vcs": "git", "commit_id": HASH}},
         Source("git+file:///srv/x", HASH)),
        ({"url": "https://x/y", "vcs_info": {"vcs": "hg", "commit_id": HASH}}, None),
        ({"url": "https://x/y.whl", "archive_info": {}}, None),
        ({"url": "file:///no/such/folder", "dir_info": {}}, None),
    ],
)  # fmt: skip
def test_an_installation_knows_its_repository(
    record: dict[str, object], expected: Source | None
) -> None:
    assert of_installation(json.dumps(record)) == expected


def test_an_index_installation_knows_none() -> None:
    assert of_installation(None) is None


def test_a_folder_that_pip_installed_from_is_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    commit = commit_all(tmp_path, "one")
    record = json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    assert of_installation(record) == Source(f"git+{tmp_path.as_uri()}", commit)


def test_a_checkout_is_taken_at_its_last_commit_and_says_what_is_left_out(tmp_path: Path) -> None:
    root = tmp_path / "with space"
    root.mkdir()
    (root / "a").touch()
    commit = commit_all(root, "one")
    address = f"git+file://{tmp_path}/with%20space"
    assert of_checkout(root) == Source(address, commit)
    assert Source(address).local == root
    (root / "b").touch()
    assert of_checkout(root) == Source(
        address,
        commit,
        f"uncommitted changes in {root} are not included; commit them to generate from them",
    )


def test_a_folder_inside_a_repository_is_not_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    commit_all(tmp_path, "one")
    assert of_checkout(tmp_path / "a") is None


def test_a_folder_without_git_is_not_a_checkout(tmp_path: Path) -> None:
    assert of_checkout(tmp_path) is None


def test_a_checkout_without_a_commit_is_told_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(NotRunError) as refused:
        of_checkout(tmp_path)
    assert str(refused.value) == f"{tmp_path} has no commit to generate from; commit it first"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_checkout_of_another_user_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    commit_all(tmp_path, "one")
    for path in (tmp_path, tmp_path / ".git"):
        os.chown(path, 12345, 12345)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    with pytest.raises(NotRunError) as refused:
        of_checkout(tmp_path)
    assert f"git config --global --add safe.directory {tmp_path}" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("gh:org/x", "gh:org/x"),
        ("gl:org/x", "gl:org/x"),
        ("git@git.example:org/x.git", "git@git.example:org/x.git"),
        ("git+https://git.example/x", "git+https://git.example/x"),
        # Copier takes these for folders unless they end in .git.
        ("https://git.example/x", "git+https://git.example/x"),
        ("ssh://git@git.example/x", "git+ssh://git@git.example/x"),
        ("file:///srv/x", "git+file:///srv/x"),
    ],
)
def test_addresses_that_a_user_may_name(text: str, address: str) -> None:
    assert named(text, "v1") == Source(address, "v1")


def test_a_local_repository_is_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    commit_all(tmp_path / "t", "one")
    monkeypatch.chdir(tmp_path)
    assert named("./t") == Source(f"git+file://{tmp_path}/t", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("./none", (
            "--from ./none: no such folder and no Git address; "
            "give gh:OWNER/NAME, a Git URL or a local repository"
        )),
        (".", "--from .: is not the top folder of a Git repository"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        named(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("gh:org/x", "https://github.com/org/x"),
        ("gl:/org/x", "https://gitlab.com/org/x"),
        ("git+file:///srv/x", "file:///srv/x"),
        ("git+ssh://git@h/x", "ssh://git@h/x"),
        ("git@h:x", "git@h:x"),
        ("/srv/x", "/srv/x"),
    ],
)
def test_a_recorded_address_as_git_takes_it(address: str, url: str) -> None:
    assert git_url(address) == url


def test_without_checkout_and_installation_the_template_is_at_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source.bundle, "checkout", lambda: None)
    monkeypatch.setattr(source, "_direct_url", lambda: None)
    assert source.find() == Source("gh:org/senior-backend")
    assert source.find("v1.2.0") == Source("gh:org/senior-backend", "v1.2.0")
