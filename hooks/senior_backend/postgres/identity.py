"""Who runs PostgreSQL: the caller, or, for root, an unprivileged user (PostgreSQL refuses root)."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from senior_backend.errors import NotRunError

# `postgres` exists where a server is packaged; `nobody` exists everywhere. A bare number would
# not do: initdb looks its user up in the password database.
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class User:
    """An account that programs are started under."""

    name: str
    uid: int
    gid: int


def server_user() -> User | None:
    """The user that root drops to; ``None`` means that the caller runs the server itself.

    Raises ``NotRunError`` when PostgreSQL can run neither as the caller nor as another.
    """
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise NotRunError(
                f"PostgreSQL needs an account for user id {os.geteuid()}, and there is none: add "
                "it to /etc/passwd, or set TEST_DATABASE_URL to a server"
            ) from None
        return None
    for name in _UNPRIVILEGED:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, account.pw_uid, account.pw_gid)
    raise NotRunError(
        "PostgreSQL refuses to run as root and there is no user `postgres` or `nobody`"
    )


def run_as(
    user: User | None, command: Sequence[str | Path], *, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program as ``user`` (``None``: as we are) from ``/`` and capture what it prints.

    Raises ``OSError`` when the program cannot be executed by that user, ``NotRunError`` when we
    may not become that user (a container without the right to change users).
    """
    if user is not None:
        _assert_may_become(user)
    return subprocess.run(
        [str(part) for part in command],
        cwd="/",
        env=dict(environment),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )


def _assert_may_become(user: User) -> None:
    """Tell `we may not become that user` from `that user may not execute the program`.

    Both are ``PermissionError`` to subprocess; only the second is about the program.
    """
    if user.name in _allowed:
        return
    try:
        subprocess.run(
            ["/bin/sh", "-c", ":"],
            check=True,
            cwd="/",
            user=user.uid,
            group=user.gid,
            extra_groups=[],
        )
    except (OSError, subprocess.SubprocessError):
        raise NotRunError(
            f"PostgreSQL refuses root, and this process may not become `{user.name}`: "
            "run as an ordinary user, or set TEST_DATABASE_URL to a server"
        ) from None
    _allowed.add(user.name)


_allowed: set[str] = set()


def may_enter(user: User | None, directory: Path) -> bool:
    """Whether ``user`` can reach ``directory`` through all its parents."""
    if user is None:
        return os.access(directory, os.X_OK)
    script: list[str | Path] = ["/bin/sh", "-c", 'cd -- "$1"', "sh", directory]
    return run_as(user, script, environment={}).returncode == 0
