"""The published form of proofs, and its schema (schemas/proof.json)."""

from collections.abc import Sequence
from typing import Any, get_args

from senior_backend.findings import Class, Severity
from senior_backend.migrations.prove.proof import VERSION, Outcome, Proof
from senior_backend.migrations.prove.seen import Seen
from senior_backend.migrations.prove.story import story, verdicts
from senior_backend.migrations.prove.verdict import Grade
from senior_backend.migrations.trace.formats import document as traced


def of_all(proofs: Sequence[Proof]) -> dict[str, Any]:
    """The document of a run."""
    return {"version": VERSION, "proofs": [of(proof) for proof in proofs]}


def of(proof: Proof) -> dict[str, Any]:
    """One proof: what was seen, and the verdicts of both sides, in pairs."""
    pairs = []
    for one in story(proof).pairs:
        before, after = verdicts(one)
        pairs.append(
            {
                "as_written": [_place(seen) for seen in one.written],
                "as_fixed": [_place(seen) for seen in one.fixed],
                "rules": [finding.rule for finding in one.findings],
                "before": before.as_json() if before is not None else None,
                "after": after.as_json() if after is not None else None,
            }
        )
    return {**proof.as_json(), "pairs": pairs}


def _place(seen: Seen) -> dict[str, Any]:
    return {"path": seen.statement.path, "line": seen.statement.line}


def schema() -> dict[str, Any]:
    """The JSON Schema of ``of_all``."""
    trace = traced.schema()["$defs"]
    place = _object("", path=_text(), line=_number())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/org/senior-backend/hooks/senior_backend/schemas/proof.json",
        "title": "Migrations and their fixes on a real PostgreSQL",
        "description": "`senior-backend migrations lint --prove --format json`. Keys are added, "
        "never renamed: readers must allow for further ones.",
        **_object("", version={"const": VERSION}, proofs=_list("proof")),
        "$defs": {
            "proof": _object(
                "One migration.",
                path=_text(),
                postgres=_text("The server's version, such as 18.6."),
                linted_for=_number("The oldest major that was linted for."),
                earlier_migrations=_number("That were run before it."),
                findings=_list("finding"),
                as_written={"$ref": "#/$defs/side"},
                fix={"oneOf": [{"type": "null"}, {"$ref": "#/$defs/fix"}]},
                no_fix={
                    "type": "array",
                    "description": "Why nothing is offered, by rule and line of the file as fixed.",
                    "items": _object("", rule=_text(), line=_number(), reason=_text()),
                },
                stubbed=_texts("What the database stood in for."),
                problems=_problems("What came before and did not run."),
                not_analyzed=_problems("What the linter could not look at."),
                notes=_texts("What to know of the estimates."),
                seconds={"type": "number", "description": "Without the start of the server."},
                pairs={
                    "type": "array",
                    "description": "Statements, and those of the fix that stand for them.",
                    "items": _object(
                        "",
                        as_written={"type": "array", "items": place},
                        as_fixed={"type": "array", "items": place},
                        rules=_texts("Of the findings there."),
                        before={"oneOf": [{"type": "null"}, {"$ref": "#/$defs/verdict"}]},
                        after={"oneOf": [{"type": "null"}, {"$ref": "#/$defs/verdict"}]},
                    ),
                },
            ),
            "side": _object(
                "What was seen of one form.",
                migrations=_list("migration"),
                way_back=_object(
                    "Where the downs led.",
                    outcome={"enum": list(get_args(Outcome))},
                    details=_texts(),
                ),
            ),
            "fix": _object(
                "The migration after its fixes.",
                kind={"enum": ["safe", "plan"]},
                in_steps={"type": "boolean"},
                offered={"type": "boolean", "description": "False: it failed on the server."},
                failure={"type": ["string", "null"]},
                reasons=_texts("Why a person has to look, or what has to be decided."),
                remarks=_texts(),
                deploys={
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "What must be live before a file runs.",
                },
                diff={"type": ["string", "null"]},
                as_fixed={"$ref": "#/$defs/side"},
                end={
                    "oneOf": [
                        {"type": "null"},
                        _object(
                            "The schemas in which both end.",
                            same={"type": "boolean"},
                            differences=_texts(),
                            residue=_texts("What only the catalogs show."),
                        ),
                    ]
                },
                findings=_list("finding"),
            ),
            "finding": _object(
                "As lint has it, in short.",
                rule=_text(),
                **{"class": {"enum": list(get_args(Class))}},
                severity={"enum": list(get_args(Severity))},
                path=_text(),
                line=_number(),
                message=_text(),
                suppressed={"type": ["string", "null"]},
            ),
            "verdict": _object(
                "What traffic pays.", text=_text(), grade={"enum": list(get_args(Grade))}
            ),
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


def _problems(description: str) -> dict[str, Any]:
    item = _object("", path=_text(), line=_number(), reason=_text())
    return {"type": "array", "description": description, "items": item}


def _text(description: str = "") -> dict[str, Any]:
    return {"type": "string", **({"description": description} if description else {})}


def _number(description: str = "") -> dict[str, Any]:
    return {"type": "integer", **({"description": description} if description else {})}


def _texts(description: str = "") -> dict[str, Any]:
    described = {"description": description} if description else {}
    return {"type": "array", "items": {"type": "string"}, **described}
