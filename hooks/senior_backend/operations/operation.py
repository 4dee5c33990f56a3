"""The base of all operations, and the decorator that makes one."""

from dataclasses import dataclass, fields
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def operation(cls: type[T]) -> type[T]:
    """A dataclass with keyword arguments, which type checkers hold to be frozen.

    There are eighty, and a hook pays for making them on every commit: comparison, hash and text are
    written once in ``Operation`` instead of generated for each, and nothing guards assignments at
    run time.
    """
    return dataclass(slots=True, kw_only=True, eq=False, repr=False)(cls)


@operation
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

    def __eq__(self, other: object) -> bool:
        """Whether it is the same operation at the same place."""
        return type(other) is type(self) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((type(self), _values(self)))

    def __repr__(self) -> str:
        named = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self))
        return f"{type(self).__name__}({', '.join(named)})"


def _values(one: object) -> tuple[object, ...]:
    return tuple(getattr(one, f.name) for f in fields(one))  # type: ignore[arg-type]
