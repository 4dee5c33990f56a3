"""The data type of the readers."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Read:
    """One place where code reads a variable.

    ``names`` are alternatives: the code is content with any of them. A name with ``*`` is one that
    the code puts together at run time; such a read proves that an entry is used, but when all
    names are of that kind no entry can be called missing.
    """

    names: tuple[str, ...]
    line: int

    @property
    def name(self) -> str | None:
        """The name to document, or None when it is only known at run time."""
        return next((name for name in self.names if "*" not in name), None)

    def accepts(self, entry: str) -> bool:
        """Whether the variable ``entry`` satisfies this read."""
        return any(fnmatchcase(entry, name) for name in self.names)
