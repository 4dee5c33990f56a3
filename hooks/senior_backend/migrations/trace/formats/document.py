"""The published form of traces, and its schema (schemas/trace.json)."""

from collections.abc import Sequence
from typing import Any, get_args

from senior_backend.migrations.json_schema import (
    DRAFT,
    PLACE,
    an_object,
    list_of,
    maybe,
    number,
    text,
    texts,
)
from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.step import Direction
from senior_backend.migrations.trace.observed import VERSION, RelationKind, Severity, Trace, Traffic


def of(traces: Sequence[Trace]) -> dict[str, Any]:
    """One trace as it is; those of several majors in a list."""
    if len(traces) == 1:
        return traces[0].as_json()
    return {"version": VERSION, "traces": [trace.as_json() for trace in traces]}


def schema() -> dict[str, Any]:
    """The JSON Schema of ``of``."""
    return {
        "$schema": DRAFT,
        "$id": f"{PLACE}trace.json",
        "title": "What migrations did on a real PostgreSQL",
        "description": "`senior-backend migrations trace --format json`. Keys are added, never "
        "renamed: readers must allow for further ones.",
        "oneOf": [
            {"$ref": "#/$defs/trace"},
            an_object(
                "Several majors side by side (--pg all).",
                version={"const": VERSION},
                traces=list_of("trace"),
            ),
        ],
        "$defs": {
            "trace": an_object(
                "Migrations on one server.",
                version={"const": VERSION},
                postgres=text("Its version, such as 18.6."),
                settings={
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "Session settings that change what a migration does.",
                },
                stubbed=texts("What the scratch database stood in for."),
                migrations=list_of("migration"),
                problems={
                    "type": "array",
                    "description": "What came before and did not run, or could not be read.",
                    "items": an_object("", path=text(), line=number(), reason=text()),
                },
                notes=texts("What holds for all of it."),
            ),
            "migration": an_object(
                "One way of one migration.",
                path=text(),
                direction={"enum": list(get_args(Direction))},
                statements=list_of("statement"),
                lock_queue=list_of("held"),
                notes=texts(),
            ),
            "statement": an_object(
                "One statement, run as its tool runs it.",
                path=text(),
                line=number("Where it begins."),
                sql=text(),
                transaction=maybe(
                    number("Counts the migration's transactions from 1; null: outside of one.")
                ),
                locks=list_of("lock"),
                rewrites=texts("Tables of which every row was written anew."),
                scans=texts("Tables of which every row was read."),
                index_builds={
                    "type": "array",
                    "items": an_object("", table=text(), index=text("Empty: it has no name yet.")),
                },
                waits_for=texts("What it was seen to wait for while others worked."),
                duration_ms=maybe({"type": "number"}),
                wal_bytes=maybe(number()),
                rows=maybe(number("Changed or returned.")),
                error=maybe(text("What the server said when it refused.")),
                not_run=maybe(text("Why it was never sent to the server.")),
                notes=texts(),
                estimates=list_of("estimate"),
            ),
            "lock": an_object(
                "A lock on a relation that was there before.",
                relation=text("As people write it: without the schema public."),
                kind={"enum": list(get_args(RelationKind))},
                mode={"enum": [str(mode) for mode in Lock]},
                blocks=_traffic(),
                granted={"type": "boolean", "description": "False: asked for, not seen held."},
            ),
            "held": an_object(
                "A lock that kept traffic waiting until its transaction ended.",
                path=text(),
                line=number("Of the statement that took it."),
                relation=text(),
                mode={"enum": [str(mode) for mode in Lock]},
                blocks=_traffic(),
                transaction=number(),
                statements_while_held=number("That ran after the one that took it."),
                duration_ms={"type": "number"},
            ),
            "estimate": an_object(
                "How long a blocking lock would be held at a table's real size.",
                relation=text(),
                rows=maybe(number("Null: its size was not told; the work is on another.")),
                seconds={"type": "number"},
                low={"type": "number"},
                high={"type": "number"},
                severity={"enum": list(get_args(Severity))},
                basis=text(),
            ),
        },
    }


def _traffic() -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"enum": list(get_args(Traffic))},
        "description": "What a second session was seen to wait for.",
    }
