"""SIGTERM and SIGHUP end a run as Ctrl-C does: what is ours on somebody's server is dropped."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
_KILLED_BY: Final = 128


@contextlib.contextmanager
def cleaning_up() -> Iterator[None]:
    """While this lasts, those signals raise ``SystemExit`` with what a shell reports for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(_KILLED_BY + number)

    # What `nohup` has us ignore stays ignored.
    heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
