"""What a lint printed, kept for as long as nothing that it read has changed.

An entry is found by the command, the place, the day (ignore comments expire) and this program's own
files. It holds what the run opened and listed, a digest of all that was there, and the output. As
Python itself tells of every file that is opened (audit events), nothing is forgotten. Not kept is
what wrote a file, started another program than Git to ask for the last commit, said something on
standard error, failed, or could not read something.

Entries lie in the user's own cache folder, which nobody else may write. One that is damaged counts
as none. All of it may be deleted at any time.
"""

import contextlib
import importlib.util
import io
import os
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final

MOST_BYTES: Final = 64_000_000
"""Of all entries together; the least recently used go first."""

_NEVER: Final = frozenset(
    {"--no-cache", "--from", "--stdin", "--fix", "--since", "--changed", "--prove"}
)
_DIGEST: Final = 32
_GIT: Final = (["git", "rev-parse"], ["git", "ls-tree"])
"""What they say hangs on where ``.git`` is, and on the files in it that their callers read too."""
_TICK_NS: Final = 20_000_000
"""A file's time is that of the last tick of the kernel's clock (at most 10 ms), which lags behind
``time.time_ns()``."""
_COARSE_NS: Final = 2_000_000_000
"""The same where file systems keep whole seconds (FAT: every other one)."""
_DEVICES: Final = ("/dev/", "/proc/", "/sys/")
_MEMORY: Final = "/dev/shm/"  # noqa: S108
"""A file system like any other, though it lies among devices."""
_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120


def _installed() -> str:
    """Where packages are installed: this folder changes whenever one is."""
    spec = importlib.util.find_spec("click")
    return os.path.dirname(os.path.dirname(spec.origin)) if spec and spec.origin else _PACKAGE  # noqa: PTH120


def answer(arguments: Sequence[str]) -> int | None:
    """Print again what the same command line printed last time, and give its exit code.

    None when something has changed, or nothing is known.
    """
    entry = _entry(arguments)
    known = _read(entry) if entry else None
    if known is None:
        return None
    code, output = known
    _print(output)
    return code


def keep(arguments: Sequence[str], command: Callable[[], int]) -> int:
    """Run a command line, keep what it prints to ``sys.stdout``, and give its exit code."""
    entry = _entry(arguments)
    if entry is None:
        return command()
    began = time.time_ns()
    reads = _Reads()
    with _captured(reads) as output:
        code = command()
    if reads.complete:
        with contextlib.suppress(OSError):
            _write(entry, code, output(), reads.places(), began)
            _tidy(os.path.dirname(entry))  # noqa: PTH120
    return code


def _entry(arguments: Sequence[str]) -> str | None:
    """The file for a command line; None when what it prints is not to be kept."""
    # A server's statistics change and no file with them: `--from DSN`, `--from=DSN`.
    named = {argument.partition("=")[0] for argument in arguments}
    folder = _folder() if _NEVER.isdisjoint(named) else None
    return f"{folder}/{_key(arguments)}" if folder else None


def _folder() -> str | None:
    """The folder of the entries, made when it is missing; None when it cannot be ours alone."""
    home = os.environ.get("SENIOR_BACKEND_CACHE")
    if not home:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
        home = f"{base}/senior-backend"
    folder = f"{os.path.abspath(home)}/lint"  # noqa: PTH100
    try:
        os.makedirs(folder, 0o700, exist_ok=True)  # noqa: PTH103
        status = os.lstat(folder)
    except OSError:
        return None
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return folder if ours and not status.st_mode & 0o022 else None


def _key(arguments: Sequence[str]) -> str:
    stream = (sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.errors)
    installed = os.stat(_installed()).st_mtime_ns  # noqa: PTH116
    said = (tuple(arguments), os.getcwd(), time.strftime("%F"), stream, sys.version, installed)  # noqa: PTH109
    digest = blake2b(repr(said).encode("utf-8", "surrogateescape"), digest_size=_DIGEST)
    for name, status in sorted(_sources(_PACKAGE)):
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _sources(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == "__pycache__":
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _sources(entry.path)
            else:
                yield entry.path, entry.stat()


class _Reads:
    """What a run reads. ``complete`` until it does what cannot be told by files."""

    def __init__(self) -> None:
        self.complete = True
        self.files: dict[str, None] = {}
        self.folders: dict[str, None] = {}

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event in (see Python's documentation, "Audit events table")."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int):
                return
            path = os.fsdecode(path)
            if not flags & (os.O_WRONLY | os.O_RDWR):
                self.files[path] = None
            elif "__pycache__" not in path and not _is_device(path):
                self.complete = False
        elif event in ("os.scandir", "os.listdir"):
            if isinstance(arguments[0], int):
                self.complete = False
            else:
                self.folders[os.fsdecode(arguments[0] or ".")] = None
        elif event == "subprocess.Popen" and list(arguments[1])[:2] not in _GIT:
            self.complete = False

    def places(self) -> list[str]:
        """``d`` and a folder, ``f`` and a file, ``e`` and what only has to be there or not.

        In that order. Git finds a repository by the ``.git`` in it. For the files of Python, of
        packages and of this one the key stands.
        """
        own = (_PACKAGE, _installed(), os.path.dirname(os.__file__))  # noqa: PTH120
        apart = tuple(f"{path}/" for path in own)
        places = [
            kind + path
            for kind, paths in (("d", self.folders), ("f", self.files))
            for path in dict.fromkeys(map(os.path.abspath, paths))
            if not (f"{path}/".startswith(apart) or _is_device(f"{path}/"))
        ]
        above = os.getcwd()  # noqa: PTH109
        while True:
            places.append(f"e{above.rstrip('/')}/.git")
            if above == "/":
                return places
            above = os.path.dirname(above)  # noqa: PTH120


def _is_device(path: str) -> bool:
    """Whether a path leads to what is no file that people write."""
    return path.startswith(_DEVICES) and not path.startswith(_MEMORY)


_watching: list[_Reads] = []
_hooked: list[bool] = []
_EVENTS: Final = frozenset({"open", "os.scandir", "os.listdir", "subprocess.Popen"})


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in _EVENTS:
        _watching[-1].note(event, arguments)


class _Output(io.TextIOWrapper):
    """Keeps what is written, and says of itself what the stream that it stands for says."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever stands as sys.stdout
        super().__init__(io.BytesIO(), stream.encoding, stream.errors, newline="\n")
        self._stream = stream

    def isatty(self) -> bool:
        """Whether people read it."""
        return bool(self._stream.isatty())


@contextlib.contextmanager
def _captured(reads: _Reads) -> Iterator[Callable[[], bytes]]:
    """Watch a run; what it printed is printed in the end, also when it fails."""
    if not _hooked:  # a hook cannot be taken off again
        sys.addaudithook(_audit)
        _hooked.append(True)
    output, errors = _Output(sys.stdout), _Output(sys.stderr)

    def printed(stream: _Output) -> bytes:
        stream.flush()
        data: bytes = stream.buffer.getvalue()  # type: ignore[attr-defined]
        return data

    _watching.append(reads)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            yield lambda: printed(output)
    finally:
        _watching.pop()
        if said := printed(errors):
            reads.complete = False
            sys.stderr.flush()
            sys.stderr.buffer.write(said)
            sys.stderr.flush()
        _print(printed(output))


def _print(output: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(output)
    sys.stdout.flush()


def _state(places: Sequence[str], before: int | None = None) -> bytes:
    """A digest of what is at all the places.

    Raises:
        OSError: something is there and cannot be read, or is younger than ``before`` (nanoseconds
            since 1970), so that the run may have seen another.
    """
    digest = blake2b(digest_size=_DIGEST)
    for place in places:
        kind, path = place[0], place[1:]
        try:
            if kind == "f":
                content = _content(path, before)
            elif kind == "d":
                content = _names(path, before)
            else:
                content = b"%d" % os.path.lexists(path)
        except (FileNotFoundError, NotADirectoryError):
            content = b"\0"
        digest.update(b"%s%d:" % (kind.encode(), len(content)))
        digest.update(content)
    return digest.digest()


def _content(path: str, before: int | None) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or _is_younger(status, before):
            raise OSError(path)
        # One read of all that there is; only what has grown meanwhile takes another.
        data = os.read(descriptor, status.st_size + 1)
        while len(data) >= status.st_size and (more := os.read(descriptor, 1 << 20)):
            data += more
    finally:
        os.close(descriptor)
    return data


def _is_younger(status: os.stat_result, before: int | None) -> bool:
    """Whether it may have been written at ``before`` or later, by a time as coarse as it is."""
    if before is None:
        return False
    time_ns = status.st_mtime_ns
    return time_ns >= before - (_TICK_NS if time_ns % 1_000_000_000 else _COARSE_NS)


def _names(path: str, before: int | None) -> bytes:
    # In a folder above, such as /tmp, others come and go all the time.
    is_above = os.getcwd().startswith(f"{path.rstrip('/')}/")  # noqa: PTH109
    if before and not is_above and _is_younger(os.stat(path), before):  # noqa: PTH116
        raise OSError(path)
    with os.scandir(path) as entries:
        found = [
            f"{'d' if e.is_dir(follow_symlinks=False) else 'f' if e.is_file() else 'o'}{e.name}"
            for e in entries
        ]
    found.sort()
    return "\0".join(found).encode("utf-8", "surrogateescape")


def _write(entry: str, code: int, output: bytes, places: list[str], began: int) -> None:
    state = _state(places, began)
    head = "\0".join((str(code), state.hex(), *places)).encode("utf-8", "surrogateescape")
    body = zlib.compress(head + b"\0\0" + output, 1)
    beside = f"{entry}.{os.getpid()}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_checksum(body) + body)
    os.replace(beside, entry)  # noqa: PTH105


def _read(entry: str) -> tuple[int, bytes] | None:
    """The exit code and the output of an entry that still holds, else None."""
    try:
        descriptor = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(descriptor).st_uid != os.geteuid():
                return None
            data = file.read()
        if _checksum(data[_DIGEST:]) != data[:_DIGEST]:
            return None
        head, _, output = zlib.decompress(data[_DIGEST:]).partition(b"\0\0")
        code, state, *places = head.decode("utf-8", "surrogateescape").split("\0")
        if _state(places).hex() != state:
            return None
        os.utime(entry)
        return int(code), output
    except (OSError, ValueError, zlib.error):
        return None


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST).digest()


def _tidy(folder: str) -> None:
    """Remove the entries that were not used for the longest time, down to ``MOST_BYTES``."""
    with os.scandir(folder) as entries:
        found = [
            (status.st_mtime_ns, status.st_size, e.path) for e in entries if (status := e.stat())
        ]
    left = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if left <= MOST_BYTES:
            break
        os.unlink(path)  # noqa: PTH108
        left -= size
