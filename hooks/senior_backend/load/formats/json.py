"""For a program: the document of ``schemas/load-result.json``, whole, a line for each part."""

from typing import Final

from pydantic_core import to_json

from senior_backend.load.result import Result

_LONG: Final = ("endpoints", "thresholds", "series", "blocks")
"""What gets a line for each of its entries, so that ``grep`` and ``diff`` are of use."""


def render(result: Result, baseline: Result | None = None) -> str:
    """The result as one JSON document; reading it gives an equal result."""
    document = result.model_dump(mode="json")
    parts = [f"  {_text(key)}: {_part(key, value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(parts) + "\n}"


def _part(key: str, value: object) -> str:
    if key in _LONG and value and isinstance(value, dict):
        lines = [f"    {_text(name)}: {_text(entry)}" for name, entry in value.items()]
        return "{\n" + ",\n".join(lines) + "\n  }"
    if key in _LONG and value and isinstance(value, list):
        return "[\n" + ",\n".join(f"    {_text(entry)}" for entry in value) + "\n  ]"
    return _text(value)


def _text(value: object) -> str:
    # Not a number and infinity, which JSON does not have, become null.
    return to_json(value, inf_nan_mode="null").decode()
