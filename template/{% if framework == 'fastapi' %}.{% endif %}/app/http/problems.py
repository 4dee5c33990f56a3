"""Errors as problem details (RFC 9457): one table of types, one place that makes replies of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NotRequired
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from typing_extensions import TypedDict

from app.auth.principal import InvalidToken
from app.database.errors import as_unavailable
from app.domain.errors import (
    Conflict,
    DomainError,
    InvalidReference,
    InvalidTransition,
    NotFound,
    Unavailable,
)
from app.observability.context import RequestContext
from app.observability.logs import log

MEDIA_TYPE = "application/problem+json"
# A body of wrong names alone would otherwise be answered by one ten times as large.
MAX_FIELD_ERRORS = 100
# RFC 6750, section 3; the name of a claim may be any text.
NOT_IN_A_DESCRIPTION = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


class FieldError(TypedDict):
    """What is wrong with one field: `pointer` leads into the body, `parameter` names a query one."""

    pointer: NotRequired[str]
    parameter: NotRequired[str]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of error; `slug` is the last part of its stable `type`."""

    slug: str
    status: int
    title: str


BAD_REQUEST = ProblemType("bad-request", 400, "The request is malformed")
IDEMPOTENCY_KEY_MISSING = ProblemType(
    "idempotency-key-missing", 400, "An Idempotency-Key header is required"
)
UNAUTHORIZED = ProblemType("unauthorized", 401, "A valid bearer token is required")
FORBIDDEN = ProblemType("forbidden", 403, "The token does not permit this")
NOT_FOUND = ProblemType("not-found", 404, "There is nothing here")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", 405, "The method is not allowed here")
CONFLICT = ProblemType("conflict", 409, "The change conflicts with what is stored")
INVALID_TRANSITION = ProblemType("invalid-transition", 409, "The state does not permit this change")
IDEMPOTENCY_IN_PROGRESS = ProblemType(
    "idempotency-in-progress", 409, "A request with this Idempotency-Key is being processed"
)
PRECONDITION_FAILED = ProblemType("precondition-failed", 412, "The resource has changed")
PAYLOAD_TOO_LARGE = ProblemType("payload-too-large", 413, "The request body is too large")
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type", 415, "The body's media type is not supported"
)
VALIDATION = ProblemType("validation", 422, "The request is well-formed but invalid")
IDEMPOTENCY_KEY_REUSED = ProblemType(
    "idempotency-key-reused", 422, "The Idempotency-Key belongs to another request"
)
PRECONDITION_REQUIRED = ProblemType("precondition-required", 428, "An If-Match header is required")
RATE_LIMITED = ProblemType("rate-limited", 429, "Too many requests")
INTERNAL = ProblemType("internal", 500, "Something went wrong")
UNAVAILABLE = ProblemType("unavailable", 503, "The service is not available now")
TIMEOUT = ProblemType("timeout", 504, "The request took too long")


class Problem(Exception):
    """A refusal that only makes sense in HTTP; raised anywhere in the HTTP layers."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})


def bad_parameter(name: str, code: str, message: str) -> Problem:
    """A query parameter that cannot be used."""
    return Problem(
        BAD_REQUEST,
        f"The query parameter {name!r} cannot be used.",
        errors=[{"parameter": name, "code": code, "message": message}],
    )


def problem_response(problem: Problem, request: RequestContext | None) -> Response:
    """The reply for a problem."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.kind.slug}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": "" if request is None else quote(request.path, safe="/:@!$&'()*+,;=-._~"),
        "requestId": "" if request is None else request.request_id,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return Response(
        to_json(body),
        status_code=problem.kind.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


_DOMAIN_PROBLEMS: dict[type[DomainError], ProblemType] = {
    NotFound: NOT_FOUND,
    Conflict: CONFLICT,
    InvalidTransition: INVALID_TRANSITION,
}


def problem_of(error: Exception) -> Problem:
    """The problem that an exception amounts to; what nobody foresaw is logged and called internal."""
    match error:
        case Problem():
            return error
        case InvalidReference():
            field: FieldError = {
                "pointer": f"/{_camel(error.field)}",
                "code": "unknown-reference",
                "message": str(error),
            }
            return Problem(VALIDATION, "The body names something unknown.", errors=[field])
        case InvalidToken():
            description = NOT_IN_A_DESCRIPTION.sub("?", str(error))
            challenge = f'Bearer error="invalid_token", error_description="{description}"'
            detail = f"The bearer token was refused: {error}."
            return Problem(UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})
        case Unavailable():
            retry = {"Retry-After": str(error.retry_after)}
            return Problem(UNAVAILABLE, str(error), headers=retry)
        case DomainError():
            return Problem(_DOMAIN_PROBLEMS[type(error)], str(error))
        case RequestValidationError():
            return _problem_of_validation(error)
        case ClientDisconnect():
            return Problem(BAD_REQUEST, "The client went away before the body had arrived.")
        case HTTPException():
            return _problem_of_framework(error)
    if (unavailable := as_unavailable(error)) is not None:
        log.warning("dependency unavailable", error=repr(error))
        return problem_of(unavailable)
    log.error("unhandled exception", exc_info=error)
    return Problem(INTERNAL, "An unexpected error occurred; the request id leads to its cause.")


def _problem_of_framework(error: HTTPException) -> Problem:
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            return Problem(NOT_FOUND, "There is no such path.")
        case 405:
            return Problem(METHOD_NOT_ALLOWED, "The path knows other methods.", headers=headers)
    title = HTTPStatus(error.status_code).phrase
    kind = ProblemType(title.lower().replace(" ", "-"), error.status_code, title)
    return Problem(kind, str(error.detail), headers=headers)


def _problem_of_validation(error: RequestValidationError) -> Problem:
    """Of several faults the weightiest: parameters (400), then the body (422), then the id (404)."""
    places: dict[str, list[FieldError]] = {"query": [], "body": [], "path": []}
    for item in error.errors():
        place, *rest = item["loc"]
        if len(places.setdefault(place, [])) == MAX_FIELD_ERRORS:
            continue
        code, message = item["type"].replace("_", "-"), item["msg"].removeprefix("Value error, ")
        field: FieldError = {"code": code, "message": message}
        if place == "query":
            field = {"parameter": str(rest[0]), **field}
        elif place == "body":
            field = {"pointer": json_pointer(rest), **field}
        places[place].append(field)
    if places["query"]:
        return Problem(BAD_REQUEST, "A query parameter cannot be used.", errors=places["query"])
    if places.get("header") or places.get("cookie"):
        return Problem(BAD_REQUEST, "A header cannot be used.")
    if places["body"]:
        return Problem(VALIDATION, "The body is not valid.", errors=places["body"])
    return Problem(NOT_FOUND, "There is nothing by that id.")


def json_pointer(parts: Sequence[int | str]) -> str:
    """RFC 6901."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
