"""Throw-away servers: started in about a tenth of a second, gone with the process that asked."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import cluster, own_extensions, places, supervisor
from senior_backend.postgres.address import LOOPBACK, own_url
from senior_backend.postgres.cache import forget
from senior_backend.postgres.databases import Databases
from senior_backend.postgres.identity import User, may_enter, server_user
from senior_backend.postgres.installation import Installation, resolve
from senior_backend.postgres.process import (
    free_port,
    port_is_taken,
    reason_in,
    server_of,
    socket_directory,
)
from senior_backend.postgres.settings import THROW_AWAY

_PORT_ATTEMPTS = 5
_RESTART_SECONDS = 10.0


class Server(Databases):
    """A PostgreSQL of our own: everything in one folder that is removed with it."""

    host = LOOPBACK

    def __init__(
        self,
        installation: Installation,
        directory: Path,
        port: int,
        password: str,
        channel: "_Channel",
        extensions: Path | None = None,
    ) -> None:
        super().__init__()
        self.installation = installation
        self.extensions = extensions
        """Where further extensions may be put while it runs; None: nowhere."""
        self.directory = directory
        self.port = port
        self._password = password
        self._channel = channel

    @property
    def major(self) -> int:
        """The major version, such as 18."""
        return self.installation.major

    @property
    def socket_directory(self) -> Path | None:
        """The folder of the Unix socket; ``None`` where its path would be too long for one."""
        return socket_directory(self.directory)

    @property
    def log(self) -> Path:
        """What the server has written; gone after ``stop``."""
        return self.directory / "log"

    def url(self, database: str | None = None) -> str:
        """The address, over TCP, of one of its databases; by default, of ``postgres``.

        It holds the superuser's password.
        """
        return own_url(self.port, database if database is not None else "postgres", self._password)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._channel.close()

    def pause(self) -> None:
        """Freeze every process of the server: connections stay open, nothing answers."""
        self._channel.ask("pause")

    def resume(self) -> None:
        """Undo ``pause``."""
        self._channel.ask("resume")

    def kill(self) -> None:
        """Take the server away as a crash does: connections cut, no checkpoint, port closed."""
        self._channel.ask("crash")

    def restart(self) -> None:
        """Start the server again, running or not, on the same port with the same data."""
        self._channel.ask("shutdown")
        # Another program may have the port for a moment, as its end of some connection.
        until = time.monotonic() + _RESTART_SECONDS
        while not _started(self._channel, self.port, self.log):
            if time.monotonic() > until:
                raise NotRunError(f"port {self.port} was taken while the server was away")
            time.sleep(0.05)


def start(
    *,
    pg: int | None = None,
    pg_bin: Path | None = None,
    directory: Path | None = None,
    settings: Mapping[str, str] | None = None,
    further_extensions: bool = False,
) -> Server:
    """Start a throw-away server, fresh and empty, on a free port of the loopback interface.

    ``pg`` is a major version (default: see decision 0003), ``pg_bin`` a folder with the server
    programs, ``directory`` a folder to make for its files (default: a temporary one), ``settings``
    server settings over ours (``settings.THROW_AWAY``; a crash of the machine loses the data),
    ``further_extensions`` whether to give it a folder of its own for them, where it can have one.

    The server ends at ``stop``, at the end of the ``with`` block, or when this process ends,
    whatever ends it. Raises ``InputError`` for what cannot be asked, ``NotRunError`` when there is
    no such PostgreSQL or it does not start.
    """
    user = server_user()
    installation = resolve(pg, pg_bin, user)
    home, lock = _home(directory, user)
    try:
        original, password = cluster.copy_of_initialised(installation, home / "data", user)
        try:
            chosen = THROW_AWAY | dict(settings or {})
            extensions = (
                own_extensions.make(installation, home, user) if further_extensions else None
            )
            return _launch(installation, home, lock, user, password, chosen, extensions)
        except NotRunError:
            # The cause may lie in the original: have the next start make a new one.
            forget(original)
            raise
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    finally:
        os.close(lock)  # the supervisor holds it from here on


def _launch(
    installation: Installation,
    home: Path,
    lock: int,
    user: User | None,
    password: str,
    settings: Mapping[str, str],
    extensions: own_extensions.OwnExtensions | None,
) -> Server:
    sockets = cluster.make_socket_directory(home, user)
    program = installation.bin_dir / "postgres"
    if extensions is not None:
        program, settings = extensions.program, {**settings, **extensions.settings}
    order = supervisor.Order(
        command=cluster.server_command(program, home / "data", sockets, settings),
        environment=cluster.environment(home),
        user=[user.uid, user.gid] if user else None,
        directory=str(home),
        data=str(home / "data"),
        log=str(home / "log"),
    )
    channel = _Channel(order, lock)
    try:
        port = _start_on_a_free_port(channel, home / "log")
    except BaseException:
        channel.close()
        raise
    folder = extensions.folder if extensions is not None else None
    return Server(installation, home, port, password, channel, folder)


def _start_on_a_free_port(channel: "_Channel", log: Path) -> int:
    # Between the choice and the start another program may take the port.
    for _ in range(_PORT_ATTEMPTS):
        port = free_port()
        if _started(channel, port, log):
            return port
    raise NotRunError(f"another program took the port in {_PORT_ATTEMPTS} attempts")


def _started(channel: "_Channel", port: int, log: Path) -> bool:
    """Start the server; ``False`` when another program has the port."""
    before = log.stat().st_size if log.exists() else 0
    try:
        channel.ask(f"start {port}")
    except NotRunError:
        with log.open(errors="replace") as lines:
            lines.seek(before)
            written = lines.read()
        if port_is_taken(written):
            return False
        raise NotRunError(f"PostgreSQL did not start: {reason_in(written)}") from None
    return True


def _home(directory: Path | None, user: User | None) -> tuple[Path, int]:
    """A new folder for one server, and its lock, which the supervisor holds while it lives."""
    if directory is not None:
        home = directory.absolute()
        if places.has_line_break(home):
            raise InputError(
                f"{str(home)!r} has a line break in its name, which PostgreSQL cannot take: "
                "name another folder"
            )
        try:
            places.make(home, user)
        except OSError as error:
            raise InputError(
                f"{directory} cannot be made for a server ({error.strerror}): name a new folder"
            ) from None
        if not may_enter(user, home):
            home.rmdir()
            raise InputError(
                f"{directory} cannot be entered by `{user.name if user else ''}`, who runs "
                "PostgreSQL for root: name a folder that others may reach"
            )
        return home, _held(home)
    shelf = places.throw_away(user)
    with places.locked(shelf / ".lock"):
        _sweep(shelf)
        home = Path(tempfile.mkdtemp(dir=shelf, prefix="pg-"))
        home.chmod(0o711)
        return home, _held(home)


def _held(home: Path) -> int:
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _sweep(shelf: Path) -> None:
    """Remove servers whose supervisor was killed itself: nobody holds their lock.

    One that cannot be looked into or ended is left for a start that can.
    """
    for home in shelf.glob("pg-*"):
        with contextlib.suppress(OSError, NotRunError):
            lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails: alive
                pid = server_of(home / "data")
                if pid is not None:
                    supervisor.signal_all([pid, *supervisor.descendants(pid)], signal.SIGKILL)
                shutil.rmtree(home, ignore_errors=True)
            finally:
                os.close(lock)


class _Channel:
    """Our end of the life line to a supervisor."""

    def __init__(self, order: supervisor.Order, lock: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            pass_fds=[lock],
            bufsize=0,
        )
        self._commands = cast(BinaryIO, self._process.stdin)
        self._answers = cast(BinaryIO, self._process.stdout)
        self._turn = threading.Lock()
        self._send(json.dumps(order))
        # At the end of the interpreter too, and then without leaving a zombie behind.
        self.close = weakref.finalize(self, _hang_up, self._process, self._commands, self._answers)
        _open_channels.add(self)

    def ask(self, command: str) -> None:
        """Send a command and wait for the answer; raises ``NotRunError`` when it failed."""
        with self._turn:
            self._send(command)
            answer = self._answers.readline().decode().strip()
        if not answer.startswith("ok "):
            raise NotRunError(f"the server is gone: {answer.partition(' ')[2] or 'stopped'}")

    def disown(self) -> None:
        """Close our copy of the life line: this process is a fork and must not hold it."""
        self.close.detach()
        self._commands.close()
        self._answers.close()

    def _send(self, line: str) -> None:
        try:
            self._commands.write(line.encode() + b"\n")
        except (OSError, ValueError):
            raise NotRunError("the server was stopped") from None


def _hang_up(process: subprocess.Popen[bytes], *pipes: BinaryIO) -> None:
    for pipe in pipes:
        with contextlib.suppress(OSError):
            pipe.close()
    process.wait()


_open_channels: weakref.WeakSet[_Channel] = weakref.WeakSet()


def _disown_all() -> None:
    for channel in list(_open_channels):
        channel.disown()


# A child that is forked without exec (multiprocessing) would keep the server alive.
os.register_at_fork(after_in_child=_disown_all)
