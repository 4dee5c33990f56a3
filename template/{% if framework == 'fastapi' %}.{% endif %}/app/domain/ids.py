"""UUIDv7 identifiers (RFC 9562, section 5.7): unique, and ordered by the time of their making.

Time order is what makes a list pageable by id alone, and keeps index inserts at the right-hand edge.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

_COUNTER_BITS = 42
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class IdGenerator:
    """Makes strictly increasing UUIDv7 values, also within a millisecond and when the clock steps back.

    Layout: 48 bits of Unix milliseconds, then a 42-bit counter that starts at a random 41-bit
    value each millisecond (RFC 9562, section 6.2, method 1), then 32 random bits.
    """

    def __init__(self, clock: Callable[[], int] = _now_ms) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._millisecond = 0
        self._counter = 0

    def __call__(self) -> UUID:
        """The next identifier."""
        random = int.from_bytes(os.urandom(10))
        with self._lock:
            now = self._clock()
            if now > self._millisecond:
                self._millisecond = now
                self._counter = random >> 39  # 41 bits: half the range is left to count in
            else:
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    self._millisecond += 1
                    self._counter = random >> 39
            millisecond, counter = self._millisecond, self._counter
        return UUID(
            int=millisecond << 80
            | _VERSION_AND_VARIANT
            | (counter >> 30) << 64
            | (counter & 0x3FFF_FFFF) << 32
            | random & 0xFFFF_FFFF
        )


new_id = IdGenerator()


def time_of(made: UUID) -> datetime:
    """The millisecond in which a UUIDv7 was made."""
    return _EPOCH + (made.int >> 80) * _MILLISECOND


def first_id_from(moment: datetime) -> UUID:
    """The bound that an id is not below exactly when its `time_of` is not before `moment`."""
    milliseconds = -((_EPOCH - moment) // _MILLISECOND)  # rounded up
    return UUID(int=max(milliseconds, 0) << 80)
