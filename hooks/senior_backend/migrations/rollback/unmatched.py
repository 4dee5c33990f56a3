"""Statements that found no row to change: whether a down gives values back is not seen."""

from collections.abc import Iterator, Sequence
from typing import Final

from senior_backend.migrations.trace.observed import ObservedStatement
from senior_backend.migrations.trace.observing.pieces import Piece, pieces
from senior_backend.sources.migration import Migration

_CHANGING: Final = {"UpdateStmt": "updates", "DeleteStmt": "deletes", "MergeStmt": "merges"}


def notes(migration: Migration, ran: Sequence[ObservedStatement]) -> Iterator[str]:
    """One for each statement of an up that changed no made-up row."""
    places = {(piece.path, piece.line): piece for piece in changing(migration)}
    for one in ran:
        piece = places.get((one.path, one.line))
        if piece is not None and one.rows == 0 and one.error is None and one.not_run is None:
            yield (
                f"{one.path}:{one.line}: {_CHANGING[piece.kind]} none of the made-up rows, so "
                "nothing is said of the values that it changes"
            )


def changing(migration: Migration) -> Iterator[Piece]:
    """The statements of an up that change rows that are there."""
    for segment in migration.up:
        yield from (piece for piece in pieces(segment.text) if piece.kind in _CHANGING)
