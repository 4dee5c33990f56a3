"""From what was there before and after a statement to its rewrites, scans and index builds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from senior_backend.migrations.trace.observed import IndexBuild
from senior_backend.migrations.trace.observing.messages import Told
from senior_backend.migrations.trace.observing.pieces import Piece
from senior_backend.migrations.trace.observing.relations import Relation, label

_OPAQUE: Final = frozenset({"DoStmt", "SelectStmt", "CallStmt"})
"""What they run does not stand in them: only the server's word for a rewrite counts."""


@dataclass(slots=True)
class Work:
    """Labels of tables, and sentences; all in the order in which they were seen."""

    rewrites: list[str] = field(default_factory=list)
    scans: list[str] = field(default_factory=list)
    builds: list[IndexBuild] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def work(
    piece: Piece,
    told: Told,
    before: Mapping[int, Relation],
    after: Mapping[int, Relation],
    scanned: Collection[int],
    validated: Collection[int],
) -> Work:
    """What a statement did to the relations in ``before``, of which some may be gone ``after``.

    ``scanned`` are those for which the server counted a sequential scan, ``validated`` the tables
    on both sides of the foreign keys that it said to validate.
    """
    done = Work()
    renewed = set()
    for oid, was in sorted(before.items()):  # as they were made: the catalog has no order
        now = after.get(oid)
        if now is not None and was.holds_rows and was.file != now.file:
            note = _no_rewrite(piece, told, was)
            if note:
                renewed.add(oid)
                done.notes.append(note)
            else:
                done.rewrites.append(was.label)
    if piece.kind == "TruncateStmt" or piece.without_data:
        return done
    # Messages tell names only: what is gone may have left its name to a new relation.
    tables = {
        one.name: one
        for oid, one in before.items()
        if one.holds_rows and oid in after and oid not in renewed
    }
    for index, name in told.built:
        if name in tables:
            table = tables[name]
            done.builds.append(IndexBuild(table.label, label(table.schema, index)))
            done.scans.append(table.label)
    worked = [tables[name].oid for name in (*told.verified, *told.rewritten) if name in tables]
    for oid in (*worked, *sorted({*scanned, *validated})):
        if oid in before and before[oid].holds_rows and oid not in renewed:
            done.scans.append(before[oid].label)
    return done


def _no_rewrite(piece: Piece, told: Told, relation: Relation) -> str | None:
    """Why a new file is none with every row written anew; None: it is."""
    if piece.kind == "TruncateStmt":
        return f"{relation.label} got a new, empty file"
    if piece.kind == "RefreshMatViewStmt" and piece.without_data:
        return f"{relation.label} got a new, empty file: it cannot be read until it is refreshed"
    if piece.kind in _OPAQUE and relation.name not in told.rewritten:
        return f"{relation.label} got a new file: by TRUNCATE, or by CLUSTER"
    return None
