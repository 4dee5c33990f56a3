"""The published form of proofs, and its schema (schemas/proof.json)."""

from collections.abc import Sequence
from typing import Any, get_args

from senior_backend.findings import Class, Severity
from senior_backend.migrations.json_schema import (
    DRAFT,
    PLACE,
    an_object,
    list_of,
    number,
    text,
    texts,
)
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
    place = an_object("", path=text(), line=number())
    return {
        "$schema": DRAFT,
        "$id": f"{PLACE}proof.json",
        "title": "Migrations and their fixes on a real PostgreSQL",
        "description": "`senior-backend migrations lint --prove --format json`. Keys are added, "
        "never renamed: readers must allow for further ones.",
        **an_object("", version={"const": VERSION}, proofs=list_of("proof")),
        "$defs": {
            "proof": an_object(
                "One migration.",
                path=text(),
                postgres=text("The server's version, such as 18.6."),
                linted_for=number("The oldest major that was linted for."),
                earlier_migrations=number("That were run before it."),
                findings=list_of("finding"),
                as_written={"$ref": "#/$defs/side"},
                fix={"oneOf": [{"type": "null"}, {"$ref": "#/$defs/fix"}]},
                no_fix={
                    "type": "array",
                    "description": "Why nothing is offered, by rule and line of the file as fixed.",
                    "items": an_object("", rule=text(), line=number(), reason=text()),
                },
                stubbed=texts("What the database stood in for."),
                problems=_problems("What came before and did not run."),
                not_analyzed=_problems("What the linter could not look at."),
                notes=texts("What to know of the estimates."),
                seconds={"type": "number", "description": "Without the start of the server."},
                pairs={
                    "type": "array",
                    "description": "Statements, and those of the fix that stand for them.",
                    "items": an_object(
                        "",
                        as_written={"type": "array", "items": place},
                        as_fixed={"type": "array", "items": place},
                        rules=texts("Of the findings there."),
                        before={"oneOf": [{"type": "null"}, {"$ref": "#/$defs/verdict"}]},
                        after={"oneOf": [{"type": "null"}, {"$ref": "#/$defs/verdict"}]},
                    ),
                },
            ),
            "side": an_object(
                "What was seen of one form.",
                migrations=list_of("migration"),
                way_back=an_object(
                    "Where the downs led.",
                    outcome={"enum": list(get_args(Outcome))},
                    details=texts(),
                ),
            ),
            "fix": an_object(
                "The migration after its fixes.",
                kind={"enum": ["safe", "plan"]},
                in_steps={"type": "boolean"},
                offered={"type": "boolean", "description": "False: it failed on the server."},
                failure={"type": ["string", "null"]},
                reasons=texts("Why a person has to look, or what has to be decided."),
                remarks=texts(),
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
                        an_object(
                            "The schemas in which both end.",
                            same={"type": "boolean"},
                            differences=texts(),
                            residue=texts("What only the catalogs show."),
                        ),
                    ]
                },
                findings=list_of("finding"),
            ),
            "finding": an_object(
                "As lint has it, in short.",
                rule=text(),
                **{"class": {"enum": list(get_args(Class))}},
                severity={"enum": list(get_args(Severity))},
                path=text(),
                line=number(),
                message=text(),
                suppressed={"type": ["string", "null"]},
            ),
            "verdict": an_object(
                "What traffic pays.", text=text(), grade={"enum": list(get_args(Grade))}
            ),
            **{
                name: trace[name] for name in ("migration", "statement", "lock", "held", "estimate")
            },
        },
    }


def _problems(description: str) -> dict[str, Any]:
    item = an_object("", path=text(), line=number(), reason=text())
    return {"type": "array", "description": description, "items": item}
