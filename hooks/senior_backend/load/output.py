"""The files a run leaves: checked before it starts, written at once or not at all.

A run may take hours, so everything that can be known about its files is known before: the folder
exists, can be written to, and nothing of somebody else's is in the way. What goes wrong later
(a full disk, a folder that is gone) must not cost the result: it goes to the temporary folder.
"""

import contextlib
import json
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from senior_backend.errors import InputError, NotRunError

Kind = Literal["result", "html", "report"]
"""A report in another format cannot be told from any text: as with every tool it is replaced. It
does not take the place of a result, which only a run can make again."""

HTML_MARK: Final = '<meta name="generator" content="senior-backend load'
"""What every page of ours has near its start."""

_START: Final = 4096  # where the mark of a page must be
_RESULT_KEYS: Final = {"version", "achieved_rate", "endpoints"}


@dataclass(frozen=True, slots=True)
class Destination:
    """A file that may be written."""

    option: str
    """What the user calls it: ``--output``."""
    path: Path
    """As given."""
    real: Path
    """With links followed: a link stays one."""
    device: bool
    """A pipe or a device, such as /dev/stdout: written to, never replaced."""


def prepare(option: str, path: Path, kind: Kind) -> Destination:
    """Make the folder of ``path`` and see that the file may be written; ``InputError`` if not."""
    where = f"{option} {path}"
    try:
        real = path.resolve()
        mode = real.stat().st_mode if real.exists() else None
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a NUL
        raise InputError(f"{where}: {_reason(error)}") from None
    if mode is not None and stat.S_ISDIR(mode):
        raise InputError(f"{where}: this is a folder; name a file in it")
    device = mode is not None and not stat.S_ISREG(mode)
    if device:
        if not os.access(real, os.W_OK):
            raise InputError(f"{where}: it cannot be written to")
        return Destination(option, path, path, device=True)
    if mode is not None and kind != "report" and not _is_ours(real, kind, where):
        what = "the result of a load test" if kind == "result" else "a page of a load test"
        raise InputError(f"{where}: a file is there that is not {what}; choose another name")
    if mode is not None and kind == "report" and _is_result(real, where):
        raise InputError(f"{where}: a result is there, and no report is one; choose another name")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        beside = _beside(real)
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        beside.unlink()
    except OSError as error:
        raise InputError(
            f"{where}: the folder cannot be written to: {_reason(error)}; choose another"
        ) from None
    return Destination(option, path, real, device=False)


def apart(destinations: list[Destination]) -> None:
    """Refuse two outputs in one file."""
    for number, first in enumerate(destinations):
        for second in destinations[:number]:
            if not first.device and first.real == second.real:
                raise InputError(f"{first.option} and {second.option} name the same file")


def _is_ours(path: Path, kind: Kind, where: str) -> bool:
    try:
        if path.stat().st_size == 0:
            return True
        if kind == "html":
            with path.open(encoding="utf-8", errors="replace") as file:
                return HTML_MARK in file.read(_START)
    except OSError as error:
        raise InputError(f"{where}: {_reason(error)}") from None
    return _is_result(path, where)


def _is_result(path: Path, where: str) -> bool:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{where}: {_reason(error)}") from None
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.keys() >= _RESULT_KEYS


def write(destination: Destination, text: str) -> None:
    """Write the file whole, or raise ``NotRunError`` naming where the text was put instead."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        _write(destination, data)
    except OSError as error:
        failure = f"{destination.option} {destination.path} could not be written: {_reason(error)}"
    else:
        return
    try:
        rescued = Path(tempfile.mkdtemp(prefix="senior-backend-load-")) / destination.path.name
        rescued.write_bytes(data)
    except OSError as error:
        raise NotRunError(
            f"{failure}; nor could a file in {tempfile.gettempdir()}: {_reason(error)}"
        ) from None
    raise NotRunError(f"{failure}; it is in {rescued}")


def _write(destination: Destination, data: bytes) -> None:
    if destination.device:
        with destination.real.open("wb", buffering=0) as file:
            _write_all(file.fileno(), data)
        return
    beside = _beside(destination.real)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            beside.chmod(stat.S_IMODE(destination.real.stat().st_mode))
        beside.replace(destination.real)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _beside(path: Path) -> Path:
    """A name in the same folder, so that the rename stays on one file system."""
    return path.with_name(f".senior-backend-{secrets.token_hex(6)}.tmp")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
