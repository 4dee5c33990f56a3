"""GraphQL operations: which one a document holds, and its request.

(GraphQL specification, October 2021; GraphQL over HTTP.) Only names are read here: whether the
document is valid is the target's to say.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from senior_backend.load.scenario.errors import ScenarioError, suggestion
from senior_backend.load.scenario.model import GraphQL
from senior_backend.load.scenario.source import Path

PATH: Final = "/graphql"
ACCEPT: Final = "application/graphql-response+json, application/json;q=0.9"

_TOKEN: Final = re.compile(
    r'#[^\n]*|"""(?:\\"""|.)*?"""|"(?:\\.|[^"\\\n])*"|[{}]|[A-Za-z_]\w*|\S', re.DOTALL | re.ASCII
)
_KINDS: Final = ("query", "mutation", "subscription")


@dataclass(frozen=True, slots=True)
class Operation:
    """The operation that a request executes."""

    document: str
    name: str | None
    """None: the only one, without a name."""


def operation(graphql: GraphQL, document: str, path: Path) -> Operation:
    """The one operation of ``document`` that ``graphql`` means."""
    found = _operations(document)
    names = [name for _, name in found if name]
    if not found:
        raise ScenarioError(path, "no operation in this document; write query Name { … }")
    wanted = graphql.operation
    if wanted is None and len(found) > 1:
        raise ScenarioError(
            path, f"several operations; choose one with operation: ({', '.join(names)})"
        )
    if wanted is not None and wanted not in names:
        hint = suggestion(wanted, names, what="there are")
        raise ScenarioError((*path[:-1], "operation"), f"no operation '{wanted}'; {hint}")
    kind, name = next(each for each in found if wanted in (None, each[1]))
    if kind == "subscription":
        raise ScenarioError(path, "a subscription has no single response; load a query or mutation")
    return Operation(document, name)


def _operations(document: str) -> list[tuple[str, str | None]]:
    """(kind, name) of what stands outside all braces."""
    found: list[tuple[str, str | None]] = []
    words = [word for word in _TOKEN.findall(document) if word[0] not in '#"']
    braces = brackets = 0
    defining = False
    for index, word in enumerate(words):
        if word in "()":  # braces between them are values
            brackets += 1 if word == "(" else -1
        elif brackets:
            continue
        elif word == "{":
            if braces == 0 and not defining:
                found.append(("query", None))
            braces += 1
        elif word == "}":
            braces -= 1
            defining = defining and braces > 0
        elif braces == 0 and not defining and word[0].isalpha():
            defining = True
            after = words[index + 1] if index + 1 < len(words) else ""
            if word in _KINDS:
                found.append((word, after if after[:1].isalpha() or after[:1] == "_" else None))
    return found


def body(graphql: GraphQL, chosen: Operation) -> dict[str, Any]:
    """The JSON of the request; only the variables may have placeholders."""
    whole: dict[str, Any] = {"query": chosen.document}
    if chosen.name is not None:
        whole["operationName"] = chosen.name
    if graphql.variables:
        whole["variables"] = graphql.variables
    return whole
