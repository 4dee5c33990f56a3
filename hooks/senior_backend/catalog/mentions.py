"""Finding what names something, without a look at all that there is."""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from senior_backend.operations.names import Name

V = TypeVar("V")


class Mentions(dict[Name, V], Generic[V]):
    """A dictionary that also gives the values that mention a name, in its own order.

    ``names_in`` tells the bare names that a value mentions. A value may be changed after it was
    put in, up to the next ``settle``: replay puts a copy in its place first and changes it then.
    """

    def __init__(
        self, names_in: Callable[[V], Iterable[str]], content: Mapping[Name, V] | None = None
    ) -> None:
        super().__init__()
        self._names_in = names_in
        self._keys: dict[str, frozenset[Name]] = {}
        self._names: dict[Name, frozenset[str]] = {}
        self._place: dict[Name, int] = {}
        self._places = 0
        self._unsettled: set[Name] = set()
        for key, value in (content or {}).items():
            self[key] = value

    def mentioning(self, name: str) -> list[V]:
        """The values that mention a name, perhaps of another schema."""
        for key in self._unsettled:
            self._read(key)
        keys = self._keys.get(name)
        if not keys:
            return []
        if len(keys) == 1:
            return [self[key] for key in keys]
        return [self[key] for key in sorted(keys, key=self._place.__getitem__)]

    def settle(self) -> None:
        """What was put in is not changed any more."""
        for key in self._unsettled:
            self._read(key)
        self._unsettled.clear()

    def copy(self) -> "Mentions[V]":
        """A shallow copy."""
        copy: Mentions[V] = Mentions(self._names_in)
        dict.update(copy, self)
        copy._keys, copy._names = self._keys.copy(), self._names.copy()
        copy._place, copy._places = self._place.copy(), self._places
        copy._unsettled = self._unsettled.copy()
        return copy

    def __setitem__(self, key: Name, value: V) -> None:
        """Put a value in; one that is there already keeps its place."""
        if key not in self:
            self._places += 1
            self._place[key] = self._places
        self._unsettled.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: Name) -> None:
        """Take a value out."""
        super().__delitem__(key)
        self._unsettled.add(key)

    def pop(self, key: Name, *default: object) -> V:
        """Take a value out."""
        self._unsettled.add(key)
        return super().pop(key, *default)

    def _read(self, key: Name) -> None:
        before = self._names.get(key, frozenset())
        now = frozenset(self._names_in(self[key])) if key in self else frozenset()
        if now == before:
            return
        self._names[key] = now
        for name in before - now:
            self._keys[name] -= {key}
        for name in now - before:
            self._keys[name] = self._keys.get(name, frozenset()) | {key}
