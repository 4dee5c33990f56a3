"""What handlers take from the application.

Plain functions of the request: FastAPI would resolve a dependency anew for each request, which costs
more than the query that it leads to.
"""

from typing import cast

from fastapi import Request

from app.database.engine import Database
from app.http.idempotency import IdempotentWrites


def database_of(request: Request) -> Database:
    """The pool of this process."""
    return cast(Database, request.app.state.database)


def writes_of(request: Request) -> IdempotentWrites:
    """What carries out writes with an Idempotency-Key."""
    return cast(IdempotentWrites, request.app.state.writes)
