"""Idempotency-Key: a write that is sent twice happens once and is answered alike."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from app.auth.principal import Principal
from app.database.engine import Database
from app.http.json_body import canonical_json
from app.http.problems import (
    IDEMPOTENCY_IN_PROGRESS,
    IDEMPOTENCY_KEY_MISSING,
    IDEMPOTENCY_KEY_REUSED,
    Problem,
)
from app.observability.metrics import Metrics
from app.repositories import idempotency_keys
from app.repositories.idempotency_keys import Claim, KeyScope, StoredReply

# A route that documents this header (`openapi_extra`) also demands it; see `ApiRoute`.
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": (
        "Chosen by the caller, unique for each write. A repetition with the same key and body gets"
        " the first reply again, for 24 hours."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
}

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

PATIENCE_S = 1.0
POLL_S = 0.05

Write = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Created:
    """The reply to a successful creation, known before it is carried out."""

    body: bytes
    location: str
    etag: str


class IdempotentWrites:
    """Carries out writes with their key in the same transaction."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    async def create(
        self, request: Request, caller: Principal, reply: Created, write: Write
    ) -> Response:
        """Carry out `write` and store `reply`, or give the reply that is stored already.

        The key is taken first, so `write` never runs twice: a twin that comes meanwhile waits a
        little for the outcome. If `write` raises, nothing is stored, and a retry executes.

        Raises:
            Problem: the key belongs to another write (422), or to a twin that takes long (409).
        """
        scope = KeyScope(
            tenant=caller.tenant,
            subject=caller.subject,
            method=request.method,
            route=request.scope["route"].path_format,
            key=idempotency_key(request),
        )
        written = await request.json()
        if request.path_params:  # the same body elsewhere is another write
            written = [request.path_params, written]
        first = StoredReply(
            request_hash=sha256(canonical_json(written)).digest(),
            status=201,
            content_type="application/json",
            location=reply.location,
            etag=reply.etag,
            body=reply.body,
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            async with self._database.transaction() as transaction:
                claim = await idempotency_keys.claim(transaction, scope, first)
                if claim is Claim.TAKEN:
                    await write(transaction)
            if claim is Claim.TAKEN:
                return _response(first, replayed=False)
            if isinstance(claim, StoredReply):
                return self._replay(claim, first.request_hash)
            if time.monotonic() >= deadline:
                raise Problem(
                    IDEMPOTENCY_IN_PROGRESS,
                    "The first request with this key is still at work.",
                    headers={"Retry-After": "1"},
                )
            await asyncio.sleep(POLL_S)  # with no connection held

    def _replay(self, stored: StoredReply, request_hash: bytes) -> Response:
        if stored.request_hash != request_hash:
            raise Problem(
                IDEMPOTENCY_KEY_REUSED,
                "This key was used for another write; take a new key for a new one.",
            )
        self._metrics.idempotent_replays.inc()
        return _response(stored, replayed=True)


def idempotency_key(request: Request) -> str:
    """The key of a request, exactly as it was sent.

    Raises:
        Problem: 400 when it is missing or malformed.
    """
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise Problem(
            IDEMPOTENCY_KEY_MISSING,
            "Send one Idempotency-Key header of 1 to 255 visible ASCII characters.",
        )
    return keys[0]


def _response(reply: StoredReply, *, replayed: bool) -> Response:
    headers = {}
    if reply.location is not None:
        headers["Location"] = reply.location
    if reply.etag is not None:
        headers["ETag"] = reply.etag
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(
        reply.body, status_code=reply.status, headers=headers, media_type=reply.content_type
    )
