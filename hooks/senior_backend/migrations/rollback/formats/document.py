"""The published form of rollback proofs, and its schema (schemas/rollback.json)."""

from collections.abc import Sequence
from typing import Any

from senior_backend.migrations.json_schema import DRAFT, PLACE, an_object, list_of, text, texts
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
        "$schema": DRAFT,
        "$id": f"{PLACE}rollback.json",
        "title": "What migrations leave after up and down on a real PostgreSQL",
        "description": "`senior-backend migrations rollback --format json`. Keys are added, never "
        "renamed: readers must allow for further ones.",
        "oneOf": [
            {"$ref": "#/$defs/report"},
            an_object(
                "Several majors (--pg all), or nothing to prove.",
                version={"const": VERSION},
                reports=list_of("report"),
            ),
        ],
        "$defs": {
            "report": an_object(
                "Proofs on one server.",
                version={"const": VERSION},
                postgres=text("Its version, such as 18.6."),
                migrations=list_of("proof"),
                ranges=list_of("range"),
                without_downs=texts("Tools among those asked for that have no downs."),
                stubbed=texts("What the scratch database stood in for."),
                problems=list_of("problem"),
                notes=texts(),
            ),
            "proof": an_object(
                "One migration: up, down, compared with before.",
                path=text(),
                verdict={"enum": list(VERDICTS)},
                reason=text("More of it, where there is no comparison."),
                comparison={"$ref": "#/$defs/comparison"},
                down={"oneOf": [{"$ref": "#/$defs/migration"}, {"type": "null"}]},
                again={"oneOf": [{"$ref": "#/$defs/problem"}, {"type": "null"}]},
                rows={"type": "integer", "description": "Made up before it was tried."},
                findings={
                    "type": "array",
                    "description": "The linter's on the down.",
                    "items": an_object(
                        "",
                        **{name: text() for name in ("rule", "class", "severity", "path")},
                        line={"type": "integer"},
                        message=text(),
                    ),
                },
                notes=texts(),
                resume=list_of("interrupted"),
            ),
            "range": an_object(
                "All ups, then all downs, compared with the start.",
                migrations={"type": "integer"},
                verdict={"enum": list(VERDICTS)},
                comparison={"$ref": "#/$defs/comparison"},
                problem={"oneOf": [{"$ref": "#/$defs/problem"}, {"type": "null"}]},
            ),
            "comparison": an_object(
                "In two ways that know nothing of each other.",
                differences=list_of("difference"),
                pg_dump={
                    "type": ["array", "null"],
                    "items": {"type": "string"},
                    "description": "Changed lines of pg_dump --schema-only; null: there is none.",
                },
                disagreement={"type": ["string", "null"]},
                lost={
                    "type": "array",
                    "description": "Rows, values and numbers that did not come back.",
                    "items": an_object("", object=text(), reason=text()),
                },
            ),
            "difference": an_object(
                "One thing in the catalogs that is not as it was.",
                object=text("As people say it: index orders_status_idx."),
                what=text("missing, extra, or the property that changed."),
                before=text(),
                after=text(),
                physical={
                    "type": "boolean",
                    "description": "A slot of a dropped column, or the order of columns.",
                },
                parts=texts("What is missing or extra with it."),
            ),
            "interrupted": an_object(
                "A migration cut off at one statement, and run again.",
                path=text(),
                line={"type": "integer"},
                sql=text(),
                resumes={"type": "boolean"},
                left=list_of("difference"),
                error={"type": ["string", "null"]},
                comparison={"$ref": "#/$defs/comparison"},
                remedy=text(),
            ),
            "problem": an_object("", path=text(), line={"type": "integer"}, reason=text()),
            **{
                name: trace[name] for name in ("migration", "statement", "lock", "held", "estimate")
            },
        },
    }
