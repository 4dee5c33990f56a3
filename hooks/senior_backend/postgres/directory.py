"""The directory of a persistent server: made whole, recognised by its marker, locked, left alone.

It holds::

    server.json   the marker: made by us, where the data is, the port of last time, the password;
                  nobody else may read it
    .gitignore    `*`
    lock          held by the command that changes something
    log           what the server wrote
    data/         the cluster
    socket/       its Unix socket

For root the server runs as an unprivileged user. Where that user cannot enter the directory (a
home of mode 0700) the data is kept in ``/var/lib/senior-backend/ID`` and ``server.json`` names it;
no mode of a folder above is ever changed.
"""

import json
import os
import pwd
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import places, secret
from senior_backend.postgres.identity import User, may_enter

MARKER = "server.json"
_MADE_BY = "senior-backend postgres up"
# In a folder of /var/lib: which directory it belongs to.
_OWNER = "directory"


@dataclass(frozen=True)
class Record:
    """What ``server.json`` holds."""

    id: str
    data: str
    """The cluster, relative to the directory, or absolute where it is elsewhere."""
    port: int | None = None
    """The port of the last start, tried first at the next, so that URLs stay valid."""
    bin_dir: str | None = None
    password: str | None = field(default=None, repr=False)
    """The superuser's; ``None`` before the cluster is made."""
    made_by: str = _MADE_BY


def read(directory: Path) -> Record | None:
    """The record of a directory of ours; ``None`` for none at all, or an empty one."""
    if places.has_line_break(directory):
        raise InputError(
            f"{str(directory)!r} has a line break in its name, which PostgreSQL cannot take: "
            "name another directory with --dir"
        )
    try:
        entries = os.listdir(directory)  # noqa: PTH208 - only whether there are any
        owner = directory.stat().st_uid
        if MARKER not in entries:
            if entries:
                raise _foreign(directory)
            return None
        if owner != os.geteuid():
            raise InputError(
                f"{directory} belongs to {_name(owner)}: run this as {_name(owner)}, "
                "or name another directory with --dir"
            )
        content = json.loads((directory / MARKER).read_text())
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise InputError(f"{directory} is not a directory: name another with --dir") from None
    except OSError as error:
        raise InputError(f"{directory} cannot be read: {error.strerror}") from None
    except ValueError:
        raise _foreign(directory) from None
    if not isinstance(content, dict) or content.get("made_by") != _MADE_BY:
        raise _foreign(directory)
    try:
        record = Record(**content)
    except TypeError:
        raise InputError(
            f"{directory / MARKER} is of another version of senior-backend: use that version, "
            "or name another directory with --dir"
        ) from None
    texts = [record.id, record.data, record.bin_dir or "", record.password or ""]
    if not all(isinstance(text, str) for text in texts) or not isinstance(record.port, int | None):
        raise _foreign(directory)
    # A marker that came with somebody's repository must not lead us to other folders.
    elsewhere = [root / record.id / "data" for root in places.DURABLE]
    if not re.fullmatch(r"[0-9a-f]{12}", record.id) or (
        record.data != "data" and Path(record.data) not in elsewhere
    ):
        raise _foreign(directory)
    return record


def _foreign(directory: Path) -> InputError:
    return InputError(
        f"{directory} was not made by `{_MADE_BY}`, so it is left alone: "
        "name another directory with --dir"
    )


def _name(uid: int) -> str:
    try:
        return f"user `{pwd.getpwuid(uid).pw_name}`"
    except KeyError:
        return f"user {uid}"


def known(directory: Path) -> Record:
    """The record of a directory that was ours a moment ago."""
    record = read(directory)
    if record is None:
        raise NotRunError(f"{directory} was removed meanwhile: run the command again")
    return record


def make(directory: Path, user: User | None) -> None:
    """Make the directory with its marker at once: another `up` never sees half of it."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", dir=directory.parent))
    except OSError as error:
        raise InputError(f"{directory} cannot be made: {error.strerror}") from None
    identity = secrets.token_hex(6)
    data = "data"
    elsewhere = None
    try:
        fresh.chmod(0o711 if user else 0o700)
        if user is not None and not may_enter(user, fresh):
            elsewhere = places.durable(user) / identity
            places.make(elsewhere, user)
            (elsewhere / _OWNER).write_bytes(os.fsencode(directory))
            data = str(elsewhere / "data")
        (fresh / ".gitignore").write_text("*\n")
        (fresh / "lock").touch(mode=0o600)
        write(fresh, Record(identity, data))
        fresh.rename(directory)
    except OSError as error:
        if elsewhere is not None:
            shutil.rmtree(elsewhere, ignore_errors=True)
        # Another `up` was first, which is fine, or the place cannot be used.
        if read(directory) is None:
            raise InputError(f"{directory} cannot be made: {error.strerror}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write(directory: Path, record: Record) -> None:
    """Replace ``server.json``: whoever reads it sees the old or the new one."""
    content = {key: value for key, value in asdict(record).items() if value is not None}
    fresh = directory / f"{MARKER}.new"
    secret.write(fresh, json.dumps(content, indent=2) + "\n")
    fresh.rename(directory / MARKER)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory against other commands that change it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(places.locked(directory / "lock"))
        except OSError as error:
            raise NotRunError(f"{directory / 'lock'} cannot be held: {error.strerror}") from None
        yield


def claim_data(directory: Path, record: Record, user: User) -> None:
    """Note in a folder of ``/var/lib`` which directory it belongs to; a copy cannot share it."""
    home = (directory / record.data).parent
    if home == directory:
        return
    try:
        owner = Path(os.fsdecode((home / _OWNER).read_bytes()))
    except FileNotFoundError:  # removed by hand: the cluster will be a new one
        shutil.rmtree(home, ignore_errors=True)
        places.durable(user)  # that may have gone with it
        try:
            places.make(home, user)
        except OSError as error:
            raise NotRunError(
                f"{home}, which held the data of {directory}, cannot be made: {error.strerror}: "
                "`down --remove` and start again"
            ) from None
        owner = directory
    if owner != directory and _id_of(owner) == record.id:
        raise InputError(
            f"{directory} is a copy of {owner}, whose data is in {home}: remove "
            "the copy and run `up` again"
        )
    (home / _OWNER).write_bytes(os.fsencode(directory))


def _id_of(directory: Path) -> object:
    """The id in a marker of any version; raises ``NotRunError`` when it cannot be read."""
    try:
        content = json.loads((directory / MARKER).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise NotRunError(f"{directory / MARKER} cannot be read: {error.strerror}") from None
    return content.get("id") if isinstance(content, dict) else None


def orphans(user: User) -> Iterator[tuple[Path, Path]]:
    """(folder in ``/var/lib``, the directory it belonged to) where that one is gone."""
    for owner in sorted(places.durable(user).glob(f"*/{_OWNER}")):
        try:
            directory = Path(os.fsdecode(owner.read_bytes()))
        except FileNotFoundError:
            continue  # removed by another command just now
        try:
            gone = _id_of(directory) != owner.parent.name
        except NotRunError:
            continue  # it cannot be told, so its server is left alone
        if gone:
            yield owner.parent, directory
