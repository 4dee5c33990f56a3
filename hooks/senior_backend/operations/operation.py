"""The base of all operations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that a statement does; ALTER TABLE with three actions is three operations.

    ``start`` and ``end`` are byte offsets into the data of the statement's text: of the action
    when there are several, else of the statement.
    """

    start: int = 0
    end: int = 0

    def place(self, start: int, end: int) -> None:
        """Say where it stands; for the reader that has just made it, and nobody else."""
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)
