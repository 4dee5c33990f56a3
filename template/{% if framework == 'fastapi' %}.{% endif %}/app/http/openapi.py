"""The OpenAPI 3.1 document: FastAPI's, completed with what `ApiRoute` does to every route."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from app.http.problems import MEDIA_TYPE, FieldError

Document = dict[str, Any]

ETAG_HEADER: Document = {
    "ETag": {"description": "Strong tag of the version.", "schema": {"type": "string"}}
}
CREATED_HEADERS: Document = {
    **ETAG_HEADER,
    "Location": {"description": "Path of what was made.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "Present when this is the stored reply to an earlier request.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
NOT_MODIFIED: Document = {"description": "The caller has this version.", "headers": ETAG_HEADER}

_RETRY_AFTER: Document = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
}
_CHALLENGE: Document = {
    "WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}}
}
_REQUEST_ID: Document = {
    "X-Request-Id": {
        "description": "Of this request; the caller's own if it sent one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    }
}

_MEANINGS: dict[int, tuple[str, Document]] = {
    400: ("Malformed: JSON, query, cursor or Idempotency-Key.", {}),
    401: ("No valid token.", _CHALLENGE),
    403: ("The token lacks the scope.", _CHALLENGE),
    404: ("No such thing for this tenant.", {}),
    409: ("Conflicts with what is stored.", _RETRY_AFTER),
    412: ("The resource has changed.", {}),
    413: ("The body is too large.", {}),
    415: ("The body's media type is not supported.", {}),
    422: ("Well-formed but invalid.", {}),
    428: ("If-Match is required.", {}),
    429: ("Too many requests.", _RETRY_AFTER),
    500: ("Unforeseen.", {}),
    503: ("Overloaded, or a dependency is away.", _RETRY_AFTER),
    504: ("The request took too long.", {}),
}

PROBLEM_SCHEMA: Document = {
    "title": "Problem",
    "description": "An error (RFC 9457).",
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "title", "status", "detail", "instance", "requestId"],
    "properties": {
        "type": {
            "type": "string",
            "description": "Stable path that names the kind of error.",
            "examples": ["/problems/not-found"],
        },
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "Path of the request."},
        "requestId": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
}


def parameters(*described: Document) -> Document:
    """For a decorator's `openapi_extra`: headers that the code reads by itself."""
    return {"parameters": list(described)}


def problem_responses(*statuses: int) -> dict[int | str, Document]:
    """Problems that a route's own rules cause, for its decorator's `responses`."""
    return {status: _problem(status) for status in statuses}


def build_openapi(app: FastAPI) -> Document:
    """The document; the same for every environment."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        openapi_version="3.1.0",
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for generated in ("HTTPValidationError", "ValidationError"):
        schemas.pop(generated, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    schemas["FieldError"] = {
        **TypeAdapter(FieldError).json_schema(),
        "additionalProperties": False,
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(path, method, operation)
    return document


def _complete(path: str, method: str, operation: Document) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    possible = {500, 504}
    if "security" in operation:
        possible |= {400, 401, 403, 429, 503}
        if "{" in path:
            possible.add(404)
    if "requestBody" in operation:
        possible |= {413, 415, 422}
        content = operation["requestBody"]["content"]
        if method == "patch":
            content["application/merge-patch+json"] = content["application/json"]
    for status in possible:
        responses.setdefault(str(status), _problem(status))
    operation["responses"] = {status: responses[status] for status in sorted(responses)}
    for response in operation["responses"].values():
        response["headers"] = {**response.get("headers", {}), **_REQUEST_ID}


def _problem(status: int) -> Document:
    description, headers = _MEANINGS[status]
    response: Document = {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return response | ({"headers": headers} if headers else {})
