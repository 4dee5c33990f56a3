"""Opaque cursors of keyset pages: where the next page begins, and to which list it belongs."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

from app.http.json_body import canonical_json
from app.http.problems import BAD_REQUEST, Problem

_VERSION = b"\x01"
_CHECK_BYTES = 8
_LENGTH = len(_VERSION) + 16 + _CHECK_BYTES


def encode_cursor(last_id: UUID, *, of: str, filters: Mapping[str, str]) -> str:
    """A cursor for what comes after `last_id` in the list `of` with these filters.

    The check sum only notices mistakes: a forged cursor reveals nothing, since every page is read
    with the caller's own tenant.
    """
    return (
        urlsafe_b64encode(_VERSION + last_id.bytes + _check(last_id, of, filters))
        .rstrip(b"=")
        .decode("ascii")
    )


def decode_cursor(cursor: str, *, of: str, filters: Mapping[str, str]) -> UUID:
    """The id after which the page begins.

    Raises:
        Problem: 400 when the cursor is damaged, or was given out for another list or other filters.
    """
    try:
        data = urlsafe_b64decode(cursor.encode("ascii") + b"==")
    except ValueError:
        data = b""
    if len(data) == _LENGTH and data[:1] == _VERSION:
        last_id = UUID(bytes=data[1:17])
        # Compared as text too: base64 decoders overlook characters and trailing bits.
        if cursor == encode_cursor(last_id, of=of, filters=filters):
            return last_id
    raise Problem(
        BAD_REQUEST,
        "The cursor is damaged or belongs to another list.",
        errors=[
            {
                "parameter": "cursor",
                "code": "cursor",
                "message": "Use nextCursor of the page before, with the same filters.",
            }
        ],
    )


def _check(last_id: UUID, of: str, filters: Mapping[str, str]) -> bytes:
    bound = canonical_json([of, dict(filters), last_id.hex])
    return sha256(bound).digest()[:_CHECK_BYTES]
