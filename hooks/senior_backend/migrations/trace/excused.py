"""Statements whose finding in the linter is accepted: by a comment, a baseline, a setting."""

from collections.abc import Collection
from dataclasses import replace

from senior_backend.migrations.run import Request, run
from senior_backend.migrations.trace.verdict import IsExcused


def excused(request: Request, paths: Collection[str]) -> IsExcused:
    """Lint what was traced and say which statements are excused.

    A statement is where the linter finds something of class gate in it, and all of that is
    suppressed.
    """
    files = tuple(request.root / path for path in paths)
    result = run(replace(request, paths=files, changed=False, since=None))
    accepted: dict[tuple[str, int], bool] = {}
    for problem in result.problems:
        finding = problem.finding
        if finding.class_ != "gate":
            continue
        text, (start, _) = problem.text, problem.statement
        place = (finding.path, text.position(start).line if text.data else finding.line)
        is_suppressed = finding.suppressed is not None
        accepted[place] = accepted.get(place, True) and is_suppressed

    def is_excused(path: str, line: int) -> bool:
        return accepted.get((path, line), False)

    return is_excused
