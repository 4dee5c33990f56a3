"""What handlers take from the application."""

from typing import Annotated, cast

from fastapi import Depends, Header, Request

from app.database.engine import Database
from app.http.idempotency import IdempotentWrites


async def _database(request: Request) -> Database:
    return cast(Database, request.app.state.database)


async def _writes(request: Request) -> IdempotentWrites:
    return cast(IdempotentWrites, request.app.state.writes)


DatabaseDependency = Annotated[Database, Depends(_database)]
Writes = Annotated[IdempotentWrites, Depends(_writes)]

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="Go on only if the resource still has one of these ETags."
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="304 if the resource has one of these ETags."),
]
