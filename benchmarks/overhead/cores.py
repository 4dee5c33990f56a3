"""Who runs where: the measured servers on one core, client and database on the others.

Where they share cores they take each other's caches, and the results spread twice as far. On a
machine with a single core they share it all the same.
"""

import os


def leave_one_free() -> int | None:
    """Move this process, and what it starts from now on, off one core; the number of that core.

    ``None``: there is only one.
    """
    *others, last = sorted(os.sched_getaffinity(0))
    if not others:
        return None
    os.sched_setaffinity(0, others)
    return last


def move(pid: int, core: int | None) -> None:
    """Put a process that has just started on a core, with all threads it will have."""
    if core is not None:
        os.sched_setaffinity(pid, {core})
