"""The published form of traces, and its schema (schemas/trace.json)."""

from collections.abc import Sequence
from typing import Any, get_args

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
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/org/senior-backend/hooks/senior_backend/schemas/trace.json",
        "title": "What migrations did on a real PostgreSQL",
        "description": "`senior-backend migrations trace --format json`. Keys are added, never "
        "renamed: readers must allow for further ones.",
        "oneOf": [
            {"$ref": "#/$defs/trace"},
            _object(
                "Several majors side by side (--pg all).",
                version={"const": VERSION},
                traces={"type": "array", "items": {"$ref": "#/$defs/trace"}},
            ),
        ],
        "$defs": {
            "trace": _object(
                "Migrations on one server.",
                version={"const": VERSION},
                postgres=_text("Its version, such as 18.6."),
                settings={
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "Session settings that change what a migration does.",
                },
                stubbed=_texts("What the scratch database stood in for."),
                migrations={"type": "array", "items": {"$ref": "#/$defs/migration"}},
                problems={
                    "type": "array",
                    "description": "What came before and did not run, or could not be read.",
                    "items": _object("", path=_text(), line=_number(), reason=_text()),
                },
                notes=_texts("What holds for all of it."),
            ),
            "migration": _object(
                "One way of one migration.",
                path=_text(),
                direction={"enum": list(get_args(Direction))},
                statements={"type": "array", "items": {"$ref": "#/$defs/statement"}},
                lock_queue={"type": "array", "items": {"$ref": "#/$defs/held"}},
                notes=_texts(),
            ),
            "statement": _object(
                "One statement, run as its tool runs it.",
                path=_text(),
                line=_number("Where it begins."),
                sql=_text(),
                transaction=_maybe(
                    _number("Counts the migration's transactions from 1; null: outside of one.")
                ),
                locks={"type": "array", "items": {"$ref": "#/$defs/lock"}},
                rewrites=_texts("Tables of which every row was written anew."),
                scans=_texts("Tables of which every row was read."),
                index_builds={
                    "type": "array",
                    "items": _object("", table=_text(), index=_text("Empty: it has no name yet.")),
                },
                waits_for=_texts("What it was seen to wait for while others worked."),
                duration_ms=_maybe({"type": "number"}),
                wal_bytes=_maybe(_number()),
                rows=_maybe(_number("Changed or returned.")),
                error=_maybe(_text("What the server said when it refused.")),
                not_run=_maybe(_text("Why it was never sent to the server.")),
                notes=_texts(),
                estimates={"type": "array", "items": {"$ref": "#/$defs/estimate"}},
            ),
            "lock": _object(
                "A lock on a relation that was there before.",
                relation=_text("As people write it: without the schema public."),
                kind={"enum": list(get_args(RelationKind))},
                mode={"enum": [str(mode) for mode in Lock]},
                blocks=_traffic(),
                granted={"type": "boolean", "description": "False: asked for, not seen held."},
            ),
            "held": _object(
                "A lock that kept traffic waiting until its transaction ended.",
                path=_text(),
                line=_number("Of the statement that took it."),
                relation=_text(),
                mode={"enum": [str(mode) for mode in Lock]},
                blocks=_traffic(),
                transaction=_number(),
                statements_while_held=_number("That ran after the one that took it."),
                duration_ms={"type": "number"},
            ),
            "estimate": _object(
                "How long a blocking lock would be held at a table's real size.",
                relation=_text(),
                rows=_maybe(_number("Null: its size was not told; the work is on another.")),
                seconds={"type": "number"},
                low={"type": "number"},
                high={"type": "number"},
                severity={"enum": list(get_args(Severity))},
                basis=_text(),
            ),
        },
    }


def _object(description: str, **properties: dict[str, Any]) -> dict[str, Any]:
    described = {"description": description} if description else {}
    return {
        "type": "object",
        **described,
        "required": list(properties),
        "properties": properties,
    }


def _text(description: str = "") -> dict[str, Any]:
    return {"type": "string", **({"description": description} if description else {})}


def _number(description: str = "") -> dict[str, Any]:
    return {"type": "integer", **({"description": description} if description else {})}


def _texts(description: str = "") -> dict[str, Any]:
    described = {"description": description} if description else {}
    return {"type": "array", "items": {"type": "string"}, **described}


def _traffic() -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"enum": list(get_args(Traffic))},
        "description": "What a second session was seen to wait for.",
    }


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}
