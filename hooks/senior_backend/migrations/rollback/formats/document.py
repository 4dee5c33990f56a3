"""The published form of rollback proofs, and its schema (schemas/rollback.json)."""

from collections.abc import Sequence
from typing import Any

from senior_backend.migrations.rollback.verdict import VERDICTS, VERSION, Report
from senior_backend.migrations.trace.formats import document as traced


def of(reports: Sequence[Report]) -> dict[str, Any]:
    """One report as it is; those of several majors in a list."""
    if len(reports) == 1:
        return reports[0].as_json()
    return {"version": VERSION, "reports": [one.as_json() for one in reports]}


def schema() -> dict[str, Any]:
    """The JSON Schema of ``of``."""
    trace = traced.schema()["$defs"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/org/senior-backend/hooks/senior_backend/schemas/rollback.json",
        "title": "What migrations leave after up and down on a real PostgreSQL",
        "description": "`senior-backend migrations rollback --format json`. Keys are added, never "
        "renamed: readers must allow for further ones.",
        "oneOf": [
            {"$ref": "#/$defs/report"},
            _object(
                "Several majors (--pg all), or nothing to prove.",
                version={"const": VERSION},
                reports={"type": "array", "items": {"$ref": "#/$defs/report"}},
            ),
        ],
        "$defs": {
            "report": _object(
                "Proofs on one server.",
                version={"const": VERSION},
                postgres=_text("Its version, such as 18.6."),
                migrations=_list("proof"),
                ranges={"type": "array", "items": {"$ref": "#/$defs/range"}},
                without_downs=_texts("Tools among those asked for that have no downs."),
                stubbed=_texts("What the scratch database stood in for."),
                problems=_list("problem"),
                notes=_texts(),
            ),
            "proof": _object(
                "One migration: up, down, compared with before.",
                path=_text(),
                verdict={"enum": list(VERDICTS)},
                reason=_text("More of it, where there is no comparison."),
                comparison={"$ref": "#/$defs/comparison"},
                down={"oneOf": [{"$ref": "#/$defs/migration"}, {"type": "null"}]},
                again={"oneOf": [{"$ref": "#/$defs/problem"}, {"type": "null"}]},
                rows={"type": "integer", "description": "Made up before it was tried."},
                findings={
                    "type": "array",
                    "description": "The linter's on the down.",
                    "items": _object(
                        "",
                        **{name: _text() for name in ("rule", "class", "severity", "path")},
                        line={"type": "integer"},
                        message=_text(),
                    ),
                },
                notes=_texts(),
                resume=_list("interrupted"),
            ),
            "range": _object(
                "All ups, then all downs, compared with the start.",
                migrations={"type": "integer"},
                verdict={"enum": list(VERDICTS)},
                comparison={"$ref": "#/$defs/comparison"},
                problem={"oneOf": [{"$ref": "#/$defs/problem"}, {"type": "null"}]},
            ),
            "comparison": _object(
                "In two ways that know nothing of each other.",
                differences=_list("difference"),
                pg_dump={
                    "type": ["array", "null"],
                    "items": {"type": "string"},
                    "description": "Changed lines of pg_dump --schema-only; null: there is none.",
                },
                disagreement={"type": ["string", "null"]},
                lost={
                    "type": "array",
                    "description": "Rows, values and numbers that did not come back.",
                    "items": _object("", object=_text(), reason=_text()),
                },
            ),
            "difference": _object(
                "One thing in the catalogs that is not as it was.",
                object=_text("As people say it: index orders_status_idx."),
                what=_text("missing, extra, or the property that changed."),
                before=_text(),
                after=_text(),
                physical={
                    "type": "boolean",
                    "description": "A slot of a dropped column, or the order of columns.",
                },
                parts=_texts("What is missing or extra with it."),
            ),
            "interrupted": _object(
                "A migration cut off at one statement, and run again.",
                path=_text(),
                line={"type": "integer"},
                sql=_text(),
                resumes={"type": "boolean"},
                left=_list("difference"),
                error={"type": ["string", "null"]},
                comparison={"$ref": "#/$defs/comparison"},
                remedy=_text(),
            ),
            "problem": _object("", path=_text(), line={"type": "integer"}, reason=_text()),
            **{
                name: trace[name] for name in ("migration", "statement", "lock", "held", "estimate")
            },
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


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def _text(description: str = "") -> dict[str, Any]:
    return {"type": "string", **({"description": description} if description else {})}


def _texts(description: str = "") -> dict[str, Any]:
    described = {"description": description} if description else {}
    return {"type": "array", "items": {"type": "string"}, **described}
