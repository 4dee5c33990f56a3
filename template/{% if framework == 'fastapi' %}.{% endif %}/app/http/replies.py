"""Successful replies with a JSON body."""

from fastapi import Request
from starlette.responses import Response

from app.http.preconditions import check_match, entity_tag, is_not_modified

_REVALIDATE = "private, no-cache"


def versioned(body: bytes, version: int) -> Response:
    """A resource in its present version; a cache may keep it for this caller and has to ask again."""
    headers = {"ETag": entity_tag(version), "Cache-Control": _REVALIDATE}
    return Response(body, headers=headers, media_type="application/json")


def read_versioned(request: Request, body: bytes, version: int) -> Response:
    """The reply to a conditional GET: the resource, or 304 when the caller has it already.

    Raises:
        Problem: 412, see `check_match`.
    """
    etag = entity_tag(version)
    check_match(request, etag)
    if is_not_modified(request, etag):
        return Response(status_code=304, headers={"ETag": etag, "Cache-Control": _REVALIDATE})
    return versioned(body, version)


def page(body: bytes) -> Response:
    """A page of a list; it is not kept by anybody."""
    return Response(body, media_type="application/json")
