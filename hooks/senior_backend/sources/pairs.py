"""Migrations whose way up and way down are files of their own, paired by name."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from senior_backend.sources import naming
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import Migration, NotRead, Segment, Transaction
from senior_backend.sources.reading import read_sql

Direction = Literal["up", "down"]


class SqlFile(NamedTuple):
    """A file, which way it leads, and its name without ending and mark: equal for a pair."""

    directory: Directory
    name: str
    stem: str
    direction: Direction


@dataclass(slots=True)
class _Pair:
    up: list[SqlFile] = field(default_factory=list)
    down: list[SqlFile] = field(default_factory=list)


def migrations(
    source: str, files: Iterable[SqlFile], transaction: Transaction
) -> tuple[Migration, ...]:
    """Migrations of ``files`` in the order of their numbers, each file one segment.

    A down that has no up of its name belongs to the only up of its number.
    """
    pairs: dict[str, _Pair] = {}
    lonely: list[SqlFile] = []
    by_version: dict[tuple[int, ...], list[str]] = {}
    files = list(files)
    for file in files:
        if file.direction == "up":
            pairs.setdefault(file.stem, _Pair()).up.append(file)
            key = naming.order(*naming.stem_of(file.stem))[0]
            by_version.setdefault(key, []).append(file.stem)
    for file in files:
        if file.direction == "down":
            if file.stem in pairs:
                pairs[file.stem].down.append(file)
            else:
                lonely.append(file)
    for file in lonely:
        key = naming.order(*naming.stem_of(file.stem))[0]
        same = by_version.get(key, []) if key else []
        stem = same[0] if len(same) == 1 and not pairs[same[0]].down else file.stem
        pairs.setdefault(stem, _Pair()).down.append(file)
    return tuple(
        _migration(source, stem, pair, transaction)
        for stem, pair in sorted(
            pairs.items(), key=lambda item: naming.order(*naming.stem_of(item[0]))
        )
    )


def _migration(source: str, stem: str, pair: _Pair, transaction: Transaction) -> Migration:
    version, name = naming.stem_of(stem)
    not_read: list[NotRead] = []
    first = (pair.up or pair.down)[0]
    return Migration(
        source,
        first.directory.shown_path(first.name),
        version,
        name,
        up=segments(pair.up, transaction, not_read),
        down=segments(pair.down, transaction, not_read, may_be_empty=True) if pair.down else None,
        not_read=tuple(not_read),
        files=tuple(file.directory.shown_path(file.name) for file in (*pair.up, *pair.down)),
    )


def segments(
    files: Iterable[SqlFile],
    transaction: Transaction,
    not_read: list[NotRead],
    *,
    may_be_empty: bool = False,
) -> tuple[Segment, ...]:
    """A segment for each file that can be read; reasons for the others go to ``not_read``."""
    found: list[Segment] = []
    for file in files:
        text = read_sql(file.directory, file.name)
        if isinstance(text, NotRead):
            if not (may_be_empty and text.reason == "is empty"):
                not_read.append(text)
        else:
            found.append(Segment(text, transaction))
    return tuple(found)
