"""Which PostgreSQL is used: the documented order, as a table over described machines."""

import re
import sys
from pathlib import Path

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import Session, fetched, installation, start
from senior_backend.postgres.identity import server_user
from senior_backend.postgres.installation import Installation, Origin, choose, resolve, version_in
from senior_backend.postgres.package import INSTALL


def system(version: str) -> Installation:
    return Installation(Path(f"/usr/lib/postgresql/{version}/bin"), version, Origin.SYSTEM)


def wheel(version: str) -> Installation:
    return Installation(Path("/cache/bin"), version, Origin.WHEEL)


@pytest.mark.parametrize(
    ("major", "installed", "in_wheel", "chosen"),
    [
        # Without a wish: the wheel, the same on every machine, else the newest installed.
        (None, ["15.18", "17.2"], "18.6", wheel("18.6")),
        (None, ["15.18", "17.2", "16.1"], None, system("17.2")),
        (None, ["13.4"], None, None),
        (None, [], None, None),
        # With a major: installed before the wheel (it has the machine's extensions), never another.
        (18, ["18.1"], "18.6", system("18.1")),
        (18, ["15.18"], "18.6", wheel("18.6")),
        (15, ["15.9", "15.18"], "18.6", system("15.18")),
        (16, ["15.18", "17.2"], "18.6", None),
        (13, ["13.4"], None, None),
        # A beta is older than its release.
        (None, ["19beta1", "18.6"], None, system("19beta1")),
        (19, ["19beta1", "19.0"], None, system("19.0")),
    ],
)
def test_order_of_choice(major, installed, in_wheel, chosen):
    found = choose(major, map(system, installed), wheel(in_wheel) if in_wheel else None)
    assert found == chosen


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ("postgres (PostgreSQL) 18.6", "18.6"),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
        ("postgres (PostgreSQL) 19beta1", "19beta1"),
        ("postgres (PostgreSQL) 19devel", "19devel"),
        ("psql: command not found", None),
    ],
)
def test_version_from_what_the_server_prints(banner, version):
    assert version_in(banner) == version


class TestGivenFolder:
    def test_is_used(self):
        bin_dir = resolve(None, None, server_user()).bin_dir
        given = resolve(None, bin_dir, server_user())
        assert (given.bin_dir, given.origin) == (bin_dir, Origin.GIVEN)

    def test_without_a_server_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="no `postgres` there; name the folder"):
            resolve(None, tmp_path, None)

    def test_of_another_major_than_asked_for_is_refused(self):
        present = resolve(None, None, server_user())
        with pytest.raises(InputError, match=rf"is PostgreSQL {present.version}, .*--pg 14"):
            resolve(14, present.bin_dir, server_user())

    def test_with_programs_that_do_not_run_is_an_error(self, tmp_path):
        for name in ("postgres", "initdb"):
            (tmp_path / name).write_text("#!/bin/sh\necho broken library >&2; exit 1\n")
            (tmp_path / name).chmod(0o755)
        with pytest.raises(NotRunError, match="does not run: broken library"):
            resolve(None, tmp_path, None)


def test_nobody_is_told_to_install_this_package_by_name_alone():
    """The name is not in the package index: whoever takes it would be installed instead."""
    package = Path(installation.__file__).parents[1]
    told = {
        f"{path.relative_to(package)}: {line.strip()}"
        for path in package.rglob("*.py")
        for line in path.read_text().splitlines()
        if re.search(r"\b(install|add|uvx|--with|--from) \W?senior-backend", line)
        and "git+https://" not in line
    }
    assert told == set()
    assert "senior-backend[postgres] @ git+https://" in INSTALL


class TestDriverIsMissing:
    def test_remedy_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(NotRunError) as error:
            Session("postgresql://127.0.0.1:1/x")
        assert str(error.value) == f"the PostgreSQL driver is missing: {INSTALL}"


@pytest.mark.usefixtures("permissions_hold")
def test_a_folder_of_the_path_that_may_not_be_entered_is_passed_over(monkeypatch, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    monkeypatch.setenv("PATH", f"{closed}:{tmp_path}")
    assert all(closed not in one.bin_dir.parents for one in installation._system(None))
    with pytest.raises(InputError, match="no `postgres` there"):
        resolve(None, closed, None)


class TestNothingFits:
    @pytest.fixture(autouse=True)
    def bare_machine(self, monkeypatch):
        """No PostgreSQL anywhere."""
        monkeypatch.setattr(installation, "_wheel", lambda user: None)
        monkeypatch.setattr(installation, "_system", lambda user: [])

    def test_remedies_are_named(self):
        with pytest.raises(NotRunError) as error:
            resolve(None, None, None)
        for remedy in (INSTALL, "--pg-bin", "install postgresql"):
            assert remedy in str(error.value)

    def test_major_that_nobody_packages(self):
        with pytest.raises(NotRunError, match="no PostgreSQL 99 found"):
            resolve(99, None, None)

    def test_major_that_is_too_old(self):
        with pytest.raises(InputError, match="PostgreSQL 13 is too old: 14 and newer"):
            resolve(13, None, None)

    def test_major_that_cannot_be_fetched(self, monkeypatch, tmp_path):
        monkeypatch.setenv("SENIOR_BACKEND_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(
            fetched, "_downloader", lambda _: ["sh", "-c", "echo error: offline >&2; exit 1"]
        )
        with pytest.raises(
            NotRunError, match=r"16 is not installed and .* \(error: offline\): apt inst"
        ):
            resolve(16, None, None)


def test_libraries_that_a_fetched_server_lacks():
    ldd = """
    /x/postgres: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /x/postgres)
        linux-vdso.so.1 (0x00007ffc)
        libxml2.so.2 => not found
        libssl.so.3 => /lib/libssl.so.3 (0x00007f)
        libxml2.so.2 => not found
    """
    assert fetched.missing_libraries(ldd) == ["libxml2.so.2", "GLIBC_2.38"]


@pytest.mark.verify
def test_major_that_is_not_installed_is_fetched_and_runs():
    # 14 is too old to be the system's, and no wheel has it.
    with start(pg=14) as server, server.session() as session:
        assert session.execute("show server_version_num")[0][0].startswith("14")
