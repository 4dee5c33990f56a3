"""Entity tags and conditional requests (RFC 9110, section 13)."""

import re
from typing import Any

from fastapi import Request

from app.http.problems import PRECONDITION_FAILED, PRECONDITION_REQUIRED, Problem

_ENTITY_TAG = re.compile(r'(?P<weak>W/)?(?P<tag>"[\x21\x23-\x7e\x80-\xff]*")')
_LIST = re.compile(
    rf"[\s,]*(?:{_ENTITY_TAG.pattern}[\s,]*)+".replace("?P<weak>", "?:").replace("?P<tag>", "?:")
)


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


IF_MATCH = _header("If-Match", "Go on only if the resource still has one of these ETags, or `*`.")
IF_NONE_MATCH = _header("If-None-Match", "304 if the resource has one of these ETags, or `*`.")


def entity_tag(version: int) -> str:
    """The strong tag of a version."""
    return f'"{version}"'


def check_match(request: Request, etag: str, *, required: bool = False) -> None:
    """Refuse to go on with a resource that is not the one the caller has seen.

    Raises:
        Problem: 412 when If-Match names other versions (weak tags never match); 428 when it is
            absent though `required`.
    """
    if_match = _field(request, "if-match")
    if if_match is None:
        if required:
            raise Problem(
                PRECONDITION_REQUIRED,
                "Send If-Match with the ETag of the version that you have read.",
            )
        return
    if if_match != "*" and ("", etag) not in _tags(if_match):
        raise Problem(
            PRECONDITION_FAILED,
            f"The resource is at {etag} now; read it again.",
            headers={"ETag": etag},
        )


def is_not_modified(request: Request, etag: str) -> bool:
    """Whether If-None-Match says that the reader has this version; tags are compared weakly."""
    if_none_match = _field(request, "if-none-match")
    if if_none_match is None:
        return False
    return if_none_match == "*" or any(tag == etag for _, tag in _tags(if_none_match))


def _field(request: Request, name: str) -> str | None:
    """A list that came in several lines is one list."""
    values = request.headers.getlist(name)
    return ", ".join(values).strip() if values else None


def _tags(field: str) -> list[tuple[str, str]]:
    """Pairs of "W/" or "" and the tag; a malformed list is none."""
    if not _LIST.fullmatch(field):
        return []
    return [(found["weak"] or "", found["tag"]) for found in _ENTITY_TAG.finditer(field)]
