"""The order in which Alembic runs revisions, and what is wrong with their graph."""

import heapq
from collections.abc import Sequence

from senior_backend.sources.alembic.revision import Revision
from senior_backend.sources.migration import NotRead


def ordered(revisions: Sequence[Revision]) -> tuple[list[Revision], list[NotRead]]:
    """Each revision after all that it comes after; between branches, by file name.

    Several heads, a missing predecessor, an id used twice and a circle are reported.
    """
    problems: list[NotRead] = []
    by_id: dict[str, Revision] = {}
    for revision in revisions:
        if revision.id in by_id:
            reason = f"revision {revision.id} is in {by_id[revision.id].path} as well"
            problems.append(NotRead(revision.path, revision.line, reason))
        else:
            by_id[revision.id] = revision
    names = {label: one.id for one in by_id.values() for label in one.labels} | {
        one: one for one in by_id
    }
    waiting: dict[str, int] = {}
    followers: dict[str, list[str]] = {}
    for revision in by_id.values():
        waiting[revision.id] = 0
        for before in revision.after:
            known = names.get(before) or _abbreviated(before, by_id)
            if known is None:
                reason = f"comes after revision {before}, which is not here"
                problems.append(NotRead(revision.path, revision.line, reason))
            elif revision.id not in followers.setdefault(known, []):
                followers[known].append(revision.id)
                waiting[revision.id] += 1
    ready = [(by_id[one].file, one) for one, count in waiting.items() if not count]
    heapq.heapify(ready)
    found: list[Revision] = []
    while ready:
        _, one = heapq.heappop(ready)
        found.append(by_id[one])
        for follower in followers.get(one, ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, (by_id[follower].file, follower))
    placed = {revision.id for revision in found}
    circle = [revision for revision in by_id.values() if revision.id not in placed]
    for revision in circle:
        reason = "comes after itself, by way of what it comes after"
        problems.append(NotRead(revision.path, revision.line, reason))
    return found + circle, problems + _heads(found)


def heads(revisions: Sequence[Revision]) -> list[Revision]:
    """Revisions that no other comes after."""
    followed = {before for revision in revisions for before in revision.down}
    return [revision for revision in revisions if revision.id not in followed]


def _heads(revisions: Sequence[Revision]) -> list[NotRead]:
    """Branches with labels are meant to have a head each; several without one are not."""
    found = [revision for revision in heads(revisions) if not revision.labels]
    if len(found) < 2:
        return []
    ids = ", ".join(revision.id for revision in found)
    last = found[-1]
    reason = f"several heads ({ids}): 'alembic upgrade head' refuses; run 'alembic merge heads'"
    return [NotRead(last.path, last.line, reason)]


def _abbreviated(name: str, by_id: dict[str, Revision]) -> str | None:
    matches = [one for one in by_id if one.startswith(name)]
    return matches[0] if len(name) >= 4 and len(matches) == 1 else None
