"""What a worker and the process that started it say to each other: length-prefixed pickles.

To the worker: ``("job", Job)``, ``("start", t0)`` (when the warm-up begins, or the measured part
where there is none; nanoseconds of ``time.perf_counter_ns``, which is one clock for all processes
of a machine), ``("token", str)``, ``("stop",)`` (send nothing more, wait for what is under way),
``("end",)`` (stop now and report).

From the worker: ``("ready", Ready)`` once its connections are open, ``("window", Window)`` once a
second, ``("done", Done)`` as its last word, or ``("failed", str)``, one line for the user.
"""

import pickle
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from senior_backend.load.engine.settings import EngineSettings

if TYPE_CHECKING:  # only their names: a job's own modules are loaded when it is unpickled
    from senior_backend.load.arrivals import Schedule
    from senior_backend.load.scenario.model import Scenario
    from senior_backend.load.target import Target

Message = tuple[Any, ...]
"""A word, and what belongs to it."""

_LENGTH: Final = struct.Struct("!I")


@dataclass(slots=True)
class Job:
    """All that a worker needs to make its own plan and follow it."""

    scenario: "Scenario"
    target: "Target"
    schedule: "Schedule"
    settings: EngineSettings
    worker: int
    """This worker sends the arrivals k = worker (mod workers)."""
    workers: int
    nonce: int
    """Different in each run: idempotency keys must not repeat."""
    token: str | None = field(default=None, repr=False)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Data that the parent made by requests."""


@dataclass(slots=True)
class Ready:
    """A worker waits for the start."""

    open_connections: int
    failed: dict[str, int] = field(default_factory=dict)
    """Cause -> connections of the warm-up that could not be opened."""
    reason: str | None = None
    """The first of these in the system's words: ``certificate verify failed: …``."""


@dataclass(slots=True)
class Done:
    """How a worker fared."""

    cpu_s: float
    """Processor time since the start."""
    max_rss_bytes: int
    opened: int
    """Connections opened in all, those before the start included."""
    max_open: int
    connection_reason: str | None = None
    """The system's words for the last connection that could not be opened."""


def encode(*message: Any) -> bytes:  # noqa: ANN401 - any message
    """A message as it goes over the wire."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Messages from the bytes of a stream, however they are cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete with ``data``."""
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        while len(buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(buffer)[0]
            if len(buffer) < end:
                break
            # Both ends are this program: nothing foreign is ever unpickled.
            messages.append(pickle.loads(bytes(buffer[_LENGTH.size : end])))  # noqa: S301
            del buffer[:end]
        return messages
