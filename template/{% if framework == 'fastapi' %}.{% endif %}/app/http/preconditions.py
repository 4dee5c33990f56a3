"""Entity tags and conditional requests (RFC 9110, section 13)."""

import re

from app.http.problems import PRECONDITION_FAILED, PRECONDITION_REQUIRED, Problem

_ENTITY_TAG = re.compile(r'(?P<weak>W/)?(?P<tag>"[\x21\x23-\x7e\x80-\xff]*")')
_LIST = re.compile(
    rf"[\s,]*(?:{_ENTITY_TAG.pattern}[\s,]*)+".replace("?P<weak>", "?:").replace("?P<tag>", "?:")
)


def entity_tag(version: int) -> str:
    """The strong tag of a version."""
    return f'"{version}"'


def check_match(if_match: str | None, etag: str, *, required: bool = False) -> None:
    """Refuse to go on with a resource that is not the one the caller has seen.

    Raises:
        Problem: 412 when `if_match` names other versions (weak tags never match); 428 when it is
            absent though `required`.
    """
    if if_match is None:
        if required:
            raise Problem(
                PRECONDITION_REQUIRED,
                "Send If-Match with the ETag of the version that you have read.",
            )
        return
    if if_match.strip() == "*":
        return
    if etag not in _strong_tags(if_match):
        raise Problem(
            PRECONDITION_FAILED,
            f"The resource is at {etag} now; read it again.",
            headers={"ETag": etag},
        )


def is_not_modified(if_none_match: str | None, etag: str) -> bool:
    """Whether a reader has this version already; tags are compared weakly, a malformed list is none."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return etag in {tag for _, tag in _tags(if_none_match)}


def _strong_tags(header: str) -> set[str]:
    return {tag for weak, tag in _tags(header) if not weak}


def _tags(header: str) -> list[tuple[str, str]]:
    if not _LIST.fullmatch(header):
        return []
    return [(found["weak"] or "", found["tag"]) for found in _ENTITY_TAG.finditer(header)]
