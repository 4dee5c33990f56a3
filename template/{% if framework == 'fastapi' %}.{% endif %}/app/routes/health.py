"""Is the process alive, and should it get requests?"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.database.probe import DatabaseProbe
from app.http.lifecycle import Lifecycle
from app.http.openapi import problem_responses
from app.http.problems import UNAVAILABLE, Problem
from app.http.route import ApiRoute

router = APIRouter(tags=["health"], route_class=ApiRoute)


@router.get(
    "/livez", summary="Is the process alive?", operation_id="livez", response_model=dict[str, str]
)
async def livez() -> Response:
    """Knows only yes: restarting a process cures no database."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    summary="Should the process get requests?",
    operation_id="readyz",
    response_model=dict[str, Any],
    responses=problem_responses(503),
)
async def readyz(request: Request) -> Response:
    """No while the process drains, and no while the database does not answer its probe."""
    lifecycle: Lifecycle = request.app.state.lifecycle
    probe: DatabaseProbe = request.app.state.probe
    telling: bool = request.app.state.health_details
    if lifecycle.draining:
        raise _not_ready("The process is shutting down.")
    if not probe.up:
        reason = f" ({probe.last_error})" if telling else ""
        raise _not_ready(f"The database does not answer{reason}.")
    details = {"database": {"up": True, "lastError": probe.last_error}}
    return JSONResponse({"status": "ready"} | (details if telling else {}))


def _not_ready(detail: str) -> Problem:
    return Problem(UNAVAILABLE, detail, headers={"Retry-After": "1"})
