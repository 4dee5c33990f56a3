"""The words in which the published documents are described (JSON Schema, draft 2020-12)."""

from typing import Any, Final

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
PLACE: Final = "https://github.com/org/senior-backend/hooks/senior_backend/schemas/"


def an_object(description: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """An object that has all of ``properties``; readers must allow for further ones."""
    return {
        "type": "object",
        **_described(description),
        "required": list(properties),
        "properties": properties,
    }


def list_of(name: str) -> dict[str, Any]:
    """A list of what stands under ``name`` in ``$defs``."""
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def text(description: str = "") -> dict[str, Any]:
    """A string."""
    return {"type": "string", **_described(description)}


def number(description: str = "") -> dict[str, Any]:
    """An integer."""
    return {"type": "integer", **_described(description)}


def texts(description: str = "") -> dict[str, Any]:
    """A list of strings."""
    return {"type": "array", "items": {"type": "string"}, **_described(description)}


def maybe(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def _described(description: str) -> dict[str, str]:
    return {"description": description} if description else {}
