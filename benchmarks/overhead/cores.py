"""Who runs where: the measured servers on one core, client and database on the others.

Where they share cores they take each other's caches, and the results spread twice as far. On a
machine with a single core they share it all the same.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def leave_one_free() -> int:
    """Move this process, and what it starts from now on, off one core; the number of that core."""
    *others, last = sorted(os.sched_getaffinity(0))
    if others:
        os.sched_setaffinity(0, others)
    return last


@contextmanager
def placed(core: int | None) -> Iterator[None]:
    """Start what is started in this block on `core`: all of its threads, from the first one on.

    ``None``: wherever there is room.
    """
    if core is None:
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
