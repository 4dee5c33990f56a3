"""Migration folders for tests, written and shown as plain data."""

from collections.abc import Mapping
from pathlib import Path

from senior_backend.sources.discovery import Discovery, discover
from senior_backend.sources.migration import Folder, Segment


def plant(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write ``files`` below ``root``; gives ``root``."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def sql(segments: tuple[Segment, ...] | None) -> list[tuple[str, str]] | None:
    """Segments as (transaction, SQL without blank ends)."""
    if segments is None:
        return None
    return [(segment.transaction, segment.text.data.decode().strip()) for segment in segments]


def shape(folder: Folder) -> list[tuple[str, str, bool]]:
    """Migrations as (version, name, has a down)."""
    return [(one.version, one.name, one.down is not None) for one in folder.migrations]


def sources(discovery: Discovery) -> list[tuple[str, list[str]]]:
    """Folders as (source, paths of the migrations asked for)."""
    return [
        (found.folder.source, [migration.path for migration in found.asked])
        for found in discovery.found
    ]


def reasons(discovery: Discovery) -> dict[str, str]:
    """Everything not read, by path."""
    every = [*discovery.not_read]
    for found in discovery.found:
        every += found.not_read
        for migration in found.asked:
            every += migration.not_read
    return {item.path: item.reason for item in every}


def read(root: Path, files: Mapping[str, str | bytes]) -> Folder:
    """The one folder that ``files`` make."""
    (found,) = discover([plant(root, files)], root).found
    return found.folder
