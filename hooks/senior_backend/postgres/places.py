"""Where our files live: the cache, the throw-away servers, and durable data of root.

Each place belongs to one user, is checked with ``lstat`` before it is trusted, and, for root, can
be entered by the unprivileged server user without changing the mode of any folder above it.
"""

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from senior_backend.errors import NotRunError
from senior_backend.postgres.identity import User, may_enter

CACHE_VARIABLE = "SENIOR_BACKEND_CACHE"
DURABLE = (Path("/var/lib/senior-backend"), Path("/var/db/senior-backend"))


def cache(user: User | None) -> Path:
    """Binaries and initialised clusters; safe to delete at any time."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return _first_usable([Path(given).absolute()], user)
    # A home of mode 0700 is the rule for root, and the server user could not enter it.
    home = "/var/cache" if user else os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _first_usable([Path(os.path.expanduser(home)) / "senior-backend", _temporary()], user)  # noqa: PTH111 - pathlib's raises for a user without an account


def throw_away(user: User | None) -> Path:
    """The folder whose entries are throw-away servers, each removed with its server."""
    return _first_usable([_temporary(), Path("/tmp") / _temporary().name], user)  # noqa: S108


def durable(user: User) -> Path:
    """Data of persistent servers whose own folder the server user cannot enter."""
    return _first_usable(list(DURABLE), user)


def make(path: Path, user: User | None) -> None:
    """Make a folder for us alone, through which, for root, the server user may pass."""
    mode = 0o711 if user else 0o700
    path.mkdir(mode)
    path.chmod(mode)  # whatever the umask is


def has_line_break(path: Path) -> bool:
    """Whether PostgreSQL cannot keep data there: its pid file holds one fact a line."""
    return "\n" in str(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` exclusively; it is created when absent and never removed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / f"senior-backend-{os.geteuid()}"


def _first_usable(candidates: list[Path], user: User | None) -> Path:
    reasons = []
    for path in candidates:
        reason = _make_ours(path, user)
        if reason is None:
            return path
        reasons.append(f"{str(path)!r} {reason}" if has_line_break(path) else f"{path} {reason}")
    raise NotRunError(f"no folder to work in: {'; '.join(reasons)}: set {CACHE_VARIABLE} to one")


def _make_ours(path: Path, user: User | None) -> str | None:
    """Make ``path`` a folder of ours; the reason why it cannot be one, or ``None``."""
    if has_line_break(path):
        return "has a line break in its name"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            make(path, user)
        status = path.lstat()
    except OSError as error:
        return f"cannot be made ({error.strerror})"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a folder"
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if status.st_mode & 0o022:
        return "can be written by others"
    if not may_enter(user, path):
        return f"cannot be entered by `{user.name if user else 'you'}`"
    return None
