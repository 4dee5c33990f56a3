"""Types of fields that several bodies and queries share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


class Input(BaseModel):
    """A body that is accepted: camelCase names, and no others."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, validate_by_name=False
    )


# How bodies that are sent look in the OpenAPI document.
OUTPUT = ConfigDict(extra="forbid")


def _uuid(value: Any) -> UUID:
    """Only the canonical form: pydantic would also take braces, `urn:uuid:` and bare digits."""
    if isinstance(value, str) and _UUID.fullmatch(value):
        return UUID(value)
    raise PydanticCustomError("uuid", "Value should be a UUID")


def _timestamp(value: Any) -> datetime:
    """RFC 3339 only: pydantic would also take Unix times and local ones."""
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise PydanticCustomError(
        "timestamp", "Value should be an RFC 3339 time such as 2026-01-31T12:00:00Z"
    )


Id = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
Timestamp = Annotated[
    datetime,
    BeforeValidator(_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

# PostgreSQL's text cannot hold U+0000.
NO_NUL = r"^[^\u0000]*$"

Limit = Annotated[int, Field(ge=1, le=100, description="Most items of the page.")]
Cursor = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="`nextCursor` of the page before; belongs to the same filters.",
    ),
]
