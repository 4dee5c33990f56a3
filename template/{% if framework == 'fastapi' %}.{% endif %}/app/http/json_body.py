"""Request bodies: read up to a limit, decoded strictly."""

import json
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from app.http.problems import (
    BAD_REQUEST,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
)


def check_declared_length(content_length: bytes | None, limit: int) -> None:
    """Refuse a body that says itself that it is too long, before reading any of it."""
    if content_length is not None and int(content_length) > limit:
        raise _too_large(limit)


def check_media_type(content_type: bytes | None, accepted: frozenset[str]) -> None:
    """Refuse a body that is not JSON in UTF-8."""
    media_type, _, parameters = (content_type or b"").decode("latin-1").partition(";")
    if media_type.strip().lower() not in accepted:
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE,
            f"Send the body as {' or '.join(sorted(accepted))}.",
            headers={"Accept": ", ".join(sorted(accepted))},
        )
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {
            "utf-8",
            "utf8",
            "us-ascii",
        }:
            raise Problem(UNSUPPORTED_MEDIA_TYPE, "JSON is sent in UTF-8.")


def check_content_coding(content_encoding: bytes | None) -> None:
    """Refuse compressed bodies: what they unpack to is not known beforehand."""
    if content_encoding is not None and content_encoding.strip().lower() != b"identity":
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE,
            "Send the body without a content coding.",
            headers={"Accept-Encoding": "identity"},
        )


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body; also of a chunked one never more than `limit` bytes are held."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return bytes(body)


def decode_json(body: bytes) -> Any:
    """The value of a JSON text (RFC 8259), stricter than the standard library.

    Refused besides what is no JSON at all: names that repeat (readers disagree on which one counts),
    NaN and Infinity, numbers and nesting beyond all reason, and escapes that are no character.

    Raises:
        Problem: 400.
    """
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant
        )
        if b"\\u" in body:
            # Half of a surrogate pair is no character: it can be neither stored nor sent back.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError:
        raise Problem(BAD_REQUEST, "The body is not valid UTF-8.") from None
    except UnicodeEncodeError:
        raise Problem(BAD_REQUEST, "The body holds half of a surrogate pair.") from None
    except RecursionError:
        raise Problem(BAD_REQUEST, "The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        detail = (
            f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        )
        raise Problem(BAD_REQUEST, detail) from None
    except ValueError as error:
        raise Problem(BAD_REQUEST, f"The body is not valid JSON: {error}.") from None
    return value


def canonical_json(value: Any) -> bytes:
    """Equal bytes for equal values: keys sorted, no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _too_large(limit: int) -> Problem:
    return Problem(PAYLOAD_TOO_LARGE, f"A body may have at most {limit} bytes.")
