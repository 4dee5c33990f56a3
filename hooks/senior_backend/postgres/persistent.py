"""Servers that stay: started in a directory of their own, found again, stopped, their data kept."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import cluster, secret
from senior_backend.postgres.address import own_url
from senior_backend.postgres.directory import (
    Record,
    claim_data,
    known,
    locked,
    make,
    orphans,
    read,
    write,
)
from senior_backend.postgres.identity import User, may_enter, server_user
from senior_backend.postgres.installation import Installation, Origin, described, resolve
from senior_backend.postgres.process import (
    backends_remain,
    free_port,
    listening,
    port_is_taken,
    reason_in,
    server_of,
    works_in,
)
from senior_backend.postgres.settings import COMMON
from senior_backend.postgres.supervisor import is_ready

# Crash recovery of a large database takes its time.
_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
# Backends of a crashed server end by themselves, a busy one not at once.
_BACKENDS_SECONDS = 10.0
_PORT_ATTEMPTS = 5


@dataclass(frozen=True)
class RunningServer:
    """A persistent server that accepts connections."""

    directory: Path
    data: Path
    pid: int
    port: int
    major: int
    password: str | None = field(repr=False)

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases; it holds the superuser's password."""
        return own_url(self.port, database, self.password)


def up(
    directory: Path,
    *,
    pg: int | None = None,
    pg_bin: Path | None = None,
    port: int | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> RunningServer:
    """Have the server of ``directory`` run; a running one is left as it is.

    ``port`` is the one to listen on (default: that of the last time if it is free, else a free
    one); ``note`` is told what the user may want to know.

    Raises ``InputError`` for a directory that is not ours or holds another major, ``NotRunError``
    when the server does not start.
    """
    user = server_user()
    directory = directory.resolve()
    if read(directory) is None:
        resolve(pg, pg_bin, user)  # what cannot run leaves no directory
        make(directory, user)
    with locked(directory):
        record = known(directory)
        if user is not None:
            claim_data(directory, record, user)
            for home in _end_orphans(directory, remove=False)[1]:
                note(
                    f"{home} holds the data of an earlier {directory.name}, removed or moved away: "
                    f"`rm -rf {home}` if it is not needed"
                )
        running = _running(directory, record)
        if running is None:
            running = _start(directory, record, user, pg, pg_bin, port)
        else:
            _refuse_other(running, pg, port)
        if running.password is None:
            note(
                f"{directory.name} was made by an earlier version and asks for no password: "
                "`down --remove`, then `up`, if its data is not needed"
            )
        return running


def down(directory: Path, *, remove: bool = False) -> bool:
    """Stop the server of ``directory`` if it runs; whether it did.

    With ``remove``, the directory and its data are removed too. Raises ``InputError`` for a
    directory that is not ours.
    """
    directory = directory.resolve()
    record = read(directory)
    if record is None:
        return _end_orphans(directory, remove=remove)[0]
    with locked(directory):
        stopped = _stop(directory / record.data)
        if remove:
            _remove((directory / record.data).parent)
            _remove(directory)
    return stopped


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass  # by hand, earlier or just now; what is left of it goes with the next attempt
    except OSError as error:
        raise NotRunError(f"{error.filename} cannot be removed: {error.strerror}") from None


def status(directory: Path) -> RunningServer | None:
    """The server of ``directory`` if it runs; raises ``InputError`` as ``down`` does."""
    directory = directory.resolve()
    record = read(directory)
    return _running(directory, record) if record is not None else None


def _running(directory: Path, record: Record) -> RunningServer | None:
    """The server if its process exists, once it accepts connections."""
    data = directory / record.data
    pid = server_of(data)
    if pid is None:
        return None
    until = time.monotonic() + _START_SECONDS
    while not is_ready(data, pid):
        if server_of(data) is None:
            return None
        if time.monotonic() > until:
            raise NotRunError(f"the server in {directory} does not become ready: see its log")
        time.sleep(0.02)
    return RunningServer(directory, data, pid, listening(data), _major(data), record.password)


def _refuse_other(running: RunningServer, pg: int | None, port: int | None) -> None:
    _refuse_other_major(running.directory, running.major, pg)
    if port is not None and port != running.port:
        raise InputError(
            f"{running.directory} runs on port {running.port}: "
            "`senior-backend postgres down` first, then `up --port`"
        )


def _refuse_other_major(directory: Path, major: int, wanted: int | None) -> None:
    if wanted is not None and wanted != major:
        raise InputError(
            f"{directory} holds data of PostgreSQL {major}, and {wanted} was asked for: "
            "name another directory with --dir, or remove this one (`down --remove`)"
        )


def _major(data: Path) -> int:
    return int((data / "PG_VERSION").read_text())


def _start(
    directory: Path,
    record: Record,
    user: User | None,
    pg: int | None,
    pg_bin: Path | None,
    port: int | None,
) -> RunningServer:
    data = directory / record.data
    if user is not None and data.exists():
        user = _owner(data)
    installation = _installation(directory, record, user, pg, pg_bin)
    if user is not None and not may_enter(user, data.parent):
        raise InputError(
            f"{data.parent} can no longer be entered by `{user.name}`, who runs PostgreSQL for "
            "root: let that user pass, or name another directory with --dir"
        )
    if not data.exists():
        # A run that was killed may have left half a cluster under the other name.
        fresh = data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        # Noted before there is a cluster that asks for it.
        record = replace(record, password=secret.fresh())
        write(directory, record)
        cluster.initialise(installation, fresh, user, str(record.password), durable=True)
        fresh.rename(data)
    _mend_pid_file(data)
    sockets = cluster.make_socket_directory(data.parent, user)
    command = cluster.server_command(installation.bin_dir / "postgres", data, sockets, COMMON)
    chosen = _launch(directory, data, command, user, _ports(record, port))
    write(directory, replace(record, port=chosen, bin_dir=str(installation.bin_dir)))
    running = _running(directory, record)
    if running is None:
        raise NotRunError(f"the server in {directory} ended at once: see {directory / 'log'}")
    return running


def _owner(data: Path) -> User:
    """The user of a cluster made earlier: a package may have brought `postgres` since."""
    status = data.stat()
    try:
        return User(pwd.getpwuid(status.st_uid).pw_name, status.st_uid, status.st_gid)
    except KeyError:
        raise InputError(
            f"{data} belongs to user {status.st_uid}, who does not exist here: "
            "name another directory with --dir"
        ) from None


def _mend_pid_file(data: Path) -> None:
    """Have PostgreSQL pass over the number in a pid file that a crash or a reboot left.

    If that number is another program's by now, PostgreSQL would take it for a running server and
    refuse. The file itself must stay: its shared memory key keeps a new server out while backends
    of the crashed one live. PostgreSQL passes over the number of its own parent, which is us.
    """
    path = data / "postmaster.pid"
    try:
        _, rest = path.read_bytes().split(b"\n", 1)
    except (FileNotFoundError, ValueError):
        return
    path.write_bytes(b"%d\n%s" % (os.getpid(), rest))


def _installation(
    directory: Path, record: Record, user: User | None, pg: int | None, pg_bin: Path | None
) -> Installation:
    data = directory / record.data
    if not data.exists():
        return resolve(pg, pg_bin, user)
    try:
        major = _major(data)
    except (OSError, ValueError):
        raise InputError(
            f"{data} holds no PostgreSQL cluster: remove {directory} (`down --remove`) and start "
            "again"
        ) from None
    _refuse_other_major(directory, major, pg)
    if pg_bin is not None:
        installation = resolve(None, pg_bin, user)
        _refuse_other_major(directory, major, installation.major)
        return installation
    if record.bin_dir is not None:
        try:
            installation = described(Path(record.bin_dir), Origin.GIVEN, user)
        except NotRunError:
            pass  # uninstalled since
        else:
            if installation.major == major:
                return installation
    return resolve(major, None, user)


def _ports(record: Record, wanted: int | None) -> list[int | None]:
    """Ports to try, in order; ``None`` stands for any free one."""
    if wanted is not None:
        return [wanted]
    return [*([record.port] if record.port else []), *[None] * _PORT_ATTEMPTS]


def _launch(
    directory: Path, data: Path, command: list[str], user: User | None, ports: list[int | None]
) -> int:
    """Start ``postgres`` on the first port that can be had; returns that port."""
    for wanted in ports:
        port = wanted if wanted is not None else free_port()
        written = _attempt(directory, data, [*command, "-c", f"port={port}"], user)
        until = time.monotonic() + _BACKENDS_SECONDS
        while written is not None and backends_remain(written) and time.monotonic() < until:
            time.sleep(0.1)
            written = _attempt(directory, data, [*command, "-c", f"port={port}"], user)
        if written is None:
            return port
        if not port_is_taken(written):
            raise NotRunError(
                f"PostgreSQL did not start: {reason_in(written)} (see {directory / 'log'})"
            )
    if len(ports) == 1:
        raise InputError(f"port {ports[0]} is in use: choose another with --port")
    raise NotRunError("no free port was found: try again, or choose one with --port")


def _attempt(directory: Path, data: Path, command: list[str], user: User | None) -> str | None:
    """Start ``postgres`` in a session of its own; what it wrote if it ended, ``None`` if ready."""
    path = directory / "log"
    with path.open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=cluster.environment(data.parent),
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            start_new_session=True,
        )
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None:
        if is_ready(data, process.pid):
            return None
        if time.monotonic() > until:
            process.send_signal(signal.SIGQUIT)
            raise NotRunError(f"PostgreSQL does not become ready: see {path}")
        time.sleep(0.01)
    with path.open("rb") as written:
        written.seek(before)
        return written.read().decode(errors="replace")


def _stop(data: Path) -> bool:
    """Stop the server of a data directory, by force if it does not listen; whether it ran."""
    pid = server_of(data)
    if pid is None:
        return False
    for number in (signal.SIGINT, signal.SIGQUIT):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        except PermissionError:
            raise NotRunError(
                f"the server (process {pid}) may not be stopped by us: run this as the user who "
                "started it (in a container: with capability KILL)"
            ) from None
        until = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < until:
            if not works_in(pid, data):
                return True
            time.sleep(0.01)
    raise NotRunError(f"the server (process {pid}) does not stop")


def _end_orphans(directory: Path, *, remove: bool) -> tuple[bool, list[Path]]:
    """Stop every server whose directory was removed by hand.

    Returns whether one of ``directory`` ran, and the folders that still hold data of it. These are
    left for a person to judge, because the directory may as well have been moved away, unless
    ``remove`` is given.
    """
    user = server_user()
    if user is None:
        return False, []
    stopped, homes = False, []
    for home, owner in orphans(user):
        try:
            ran = _stop(home / "data")
        except NotRunError:
            if owner == directory:
                raise
            continue  # another directory's, and no reason not to serve this one
        if owner == directory:
            stopped = stopped or ran
            homes.append(home)
    if remove:
        for home in homes:
            _remove(home)
    return stopped, [home for home in homes if home.exists()]
