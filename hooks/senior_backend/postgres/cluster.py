"""Clusters: the data directory that ``initdb`` makes, and copies of one made earlier."""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from senior_backend.errors import NotRunError
from senior_backend.postgres import secret
from senior_backend.postgres.address import SUPERUSER
from senior_backend.postgres.cache import cached
from senior_backend.postgres.identity import User, run_as
from senior_backend.postgres.installation import Installation
from senior_backend.postgres.places import cache
from senior_backend.postgres.process import socket_directory
from senior_backend.postgres.settings import arguments, list_of


def environment(home: Path) -> dict[str, str]:
    """What PostgreSQL's programs may see of ours: no ``PG*`` variable, no locale, no secrets."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(home)}


def initdb_options(major: int) -> Sequence[str]:
    """Options for UTF-8, byte order, and the case rules of Unicode, the same on every machine."""
    if major >= 17:
        locale = ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    else:
        character_type = "en_US.UTF-8" if platform.system() == "Darwin" else "C.UTF-8"
        locale = ["--no-locale", f"--lc-ctype={character_type}"]
    # Whoever has an account on the machine reaches the port, and a superuser runs programs as the
    # server's user. Into the folder of the socket only that user gets, and root.
    access = ["--auth-host=scram-sha-256", "--auth-local=trust"]
    return [f"--username={SUPERUSER}", *access, "--encoding=UTF8", *locale]


def initialise(
    installation: Installation, data: Path, user: User | None, password: str, *, durable: bool
) -> None:
    """Run ``initdb`` for the new directory ``data``; its parent stays as it is.

    ``password`` is the superuser's.
    """
    data.mkdir(mode=0o700)
    if user is not None:
        os.chown(data, user.uid, user.gid)
    # A file, because everybody sees command lines, and the user may not open a pipe of root's.
    password_file = data.with_name(f"{data.name}.password")
    command: list[str | Path] = [
        installation.bin_dir / "initdb",
        "--pgdata",
        data,
        "--pwfile",
        password_file,
        "--no-instructions",
    ]
    options = [*initdb_options(installation.major), *([] if durable else ["--no-sync"])]
    try:
        secret.write(password_file, password, reader=user)
        answer = run_as(user, [*command, *options], environment=environment(data.parent))
    finally:
        password_file.unlink(missing_ok=True)
    if answer.returncode != 0:
        lines = (answer.stderr or answer.stdout).strip().splitlines()
        reason = next((line for line in lines if "error:" in line), lines[-1] if lines else "")
        raise NotRunError(f"initdb of {installation} failed: {reason}")


def make_socket_directory(home: Path, user: User | None) -> Path | None:
    """Make the folder of the Unix socket below ``home``, for its server's user alone.

    What an earlier server left there is removed: the process number in its lock file may be
    another program's by now.
    """
    sockets = socket_directory(home)
    if sockets is not None:
        shutil.rmtree(sockets, ignore_errors=True)
        sockets.mkdir(mode=0o700)
        if user is not None:
            os.chown(sockets, user.uid, user.gid)
    return sockets


def server_command(
    program: Path, data: Path, sockets: Path | None, settings: Mapping[str, str]
) -> list[str]:
    """The command line of ``program``, a ``postgres``, on a data directory, all but the port."""
    directories = list_of(str(sockets)) if sockets else ""
    options = arguments({**settings, "unix_socket_directories": directories})
    return [str(program), "-D", str(data), *options]


def copy_of_initialised(
    installation: Installation, data: Path, user: User | None
) -> tuple[Path, str]:
    """Make ``data`` a copy of the cached cluster of this installation.

    Returns the original and the superuser's password, one for all clusters of the cache.
    """
    options = initdb_options(installation.major)
    # PostgreSQL starts only on a cluster of its own user, and which one that is may change.
    owner = user.name if user else ""
    # Part of the key: a cluster and the password to it can never be of different times.
    password = secret.kept_in(cache(user) / "clusters.password")
    seed = "\0".join([str(installation.bin_dir), owner, password, *options])
    key = f"{installation.version}-{hashlib.sha256(seed.encode()).hexdigest()[:12]}"

    def build(target: Path) -> None:
        initialise(installation, target / "data", user, password, durable=False)

    original = cached("clusters", key, user, build)
    # As the caller (root may read everything), keeping owner and mode; `cp` clones blocks where
    # the file system can.
    answer = subprocess.run(
        ["cp", "-Rp", original / "data", data], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        reason = (answer.stderr.strip().splitlines() or [f"exit status {answer.returncode}"])[0]
        raise NotRunError(f"copying the initialised cluster failed: {reason}")
    return original, password
