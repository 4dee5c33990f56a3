"""The cache: complete or absent, whoever asks, whatever happened to it."""

import shutil
from pathlib import Path

import pytest

from senior_backend.errors import NotRunError
from senior_backend.postgres import start
from senior_backend.postgres.cache import cached, forget
from senior_backend.postgres.identity import run_as, server_user
from senior_backend.postgres.installation import resolve
from senior_backend.postgres.places import cache
from tests.postgres.processes import needs_root


@pytest.fixture(scope="module")
def programs() -> Path:
    """Server programs from the cache that everybody shares."""
    return resolve(None, None, server_user()).bin_dir


@pytest.fixture(autouse=True)
def own_cache(programs, monkeypatch, open_path):
    monkeypatch.setenv("SENIOR_BACKEND_CACHE", str(open_path / "cache"))


class Builder:
    """Makes a folder with two files, and counts how often it was asked to."""

    def __init__(self):
        self.builds = 0

    def __call__(self, folder: Path):
        self.builds += 1
        (folder / "sub").mkdir()
        (folder / "sub/a").write_text("alpha")
        (folder / "b").write_text("beta")


def test_is_built_once():
    build = Builder()
    first = cached("kind", "key", None, build)
    assert cached("kind", "key", None, build) == first
    assert (first / "sub/a").read_text() == "alpha"
    assert build.builds == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "sub/a").unlink(),
        lambda folder: (folder / "b").write_text("b"),
        lambda folder: shutil.rmtree(folder),
        forget,
    ],
    ids=["file lost", "file cut", "folder lost", "declared bad"],
)
def test_damage_is_seen_and_mended(damage):
    build = Builder()
    folder = cached("kind", "key", None, build)
    damage(folder)
    cached("kind", "key", None, build)
    assert (folder / "sub/a").read_text() == "alpha"
    assert (folder / "b").read_text() == "beta"
    assert build.builds == 2


def test_failed_build_leaves_nothing():
    def fail(folder: Path):
        (folder / "half").touch()
        raise NotRunError("disk full")

    with pytest.raises(NotRunError, match="disk full"):
        cached("kind", "key", None, fail)
    assert [path.name for path in cache(None).joinpath("kind").iterdir()] == ["key.lock"]


def test_damaged_cluster_is_initialised_anew(programs):
    start(pg_bin=programs).stop()
    (control,) = cache(server_user()).glob("clusters/*/data/global/pg_control")
    control.unlink()
    with start(pg_bin=programs) as server:
        server.session().close()
    assert control.exists()


def test_password_of_a_cluster_is_in_no_command_line(programs, monkeypatch):
    seen = []

    def watched(user, command, **options):
        (file,) = (part for part in command if str(part).endswith(".password"))
        seen.append((Path(file).read_text(), Path(file).stat().st_mode & 0o777, command))
        return run_as(user, command, **options)

    monkeypatch.setattr("senior_backend.postgres.cluster.run_as", watched)
    with start(pg_bin=programs) as server:
        ((password, mode, command),) = seen
        assert f":{password}@" in server.url()
        assert mode == 0o600
        assert password not in " ".join(map(str, command))
    # initdb's copy is gone, ours stays.
    kept = cache(server_user()) / "clusters.password"
    assert list(cache(server_user()).rglob("*password")) == [kept]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("half")])
def test_password_that_was_lost_is_made_anew_with_a_cluster_that_knows_it(programs, damage):
    with start(pg_bin=programs) as server:
        lost = server.url()
    damage(cache(server_user()) / "clusters.password")
    with start(pg_bin=programs) as server:
        server.session().close()
        assert server.url().partition("@")[0] != lost.partition("@")[0]


def test_folder_that_others_can_write_is_not_trusted(open_path):
    (open_path / "cache").mkdir()
    (open_path / "cache").chmod(0o777)
    with pytest.raises(NotRunError, match="can be written by others: set SENIOR_BACKEND_CACHE"):
        cache(None)


def test_line_break_in_its_name_is_refused_in_one_line(open_path, monkeypatch):
    monkeypatch.setenv("SENIOR_BACKEND_CACHE", str(open_path / "a\nb"))
    with pytest.raises(NotRunError, match=r"^no folder .*/a\\nb' has a line break in its name"):
        cache(None)


def test_link_is_not_trusted(open_path):
    (open_path / "elsewhere").mkdir()
    (open_path / "cache").symlink_to(open_path / "elsewhere")
    with pytest.raises(NotRunError, match="is not a folder"):
        cache(None)


@needs_root
def test_folder_of_another_user_is_not_trusted(open_path):
    import os

    (open_path / "cache").mkdir(mode=0o755)
    os.chown(open_path / "cache", 12345, 12345)
    with pytest.raises(NotRunError, match="belongs to another user"):
        cache(None)
