"""Progress for people: one line on standard error that is written over, on terminals only."""

import shutil
import sys
import threading
from types import TracebackType
from typing import Final, Self

_CLEAR: Final = "\r\x1b[K"


class ProgressLine:
    """A context manager; ``say`` may be called by several threads."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._turn = threading.Lock()

    def say(self, step: str) -> None:
        """Show what is being done now."""
        if self._is_shown:
            width = shutil.get_terminal_size().columns - 1
            text = "".join(c if c.isprintable() else "?" for c in step)[:width]
            with self._turn:
                sys.stderr.write(f"{_CLEAR}{text}")
                sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        if self._is_shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
