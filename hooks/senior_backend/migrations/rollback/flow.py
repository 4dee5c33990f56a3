"""Everything that was asked for, on each PostgreSQL that was asked for: a report each."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from senior_backend.findings import Finding
from senior_backend.migrations.rollback.proof import Options, prove
from senior_backend.migrations.rollback.verdict import Report
from senior_backend.migrations.run import Request, run
from senior_backend.migrations.trace import flow
from senior_backend.migrations.trace.scratch.prepare import Progress
from senior_backend.migrations.trace.scratch.server import Where, open_scratch
from senior_backend.migrations.trace.selection import Part, rendered
from senior_backend.migrations.trace.side_by_side import AT_ONCE


def reports(
    parts: Sequence[Part],
    where: Where,
    timeout_s: float,
    python: Sequence[str],
    options: Options,
    progress: Progress,
) -> list[Report]:
    """One report for each major.

    Raises:
        InputError: what was asked for contradicts itself.
        NotRunError: a server does not start or answer.
    """
    notes: list[str] = []
    chosen = []
    for part in parts:
        folder, note = rendered(part.folder, python)
        chosen.append(replace(part, folder=folder))
        notes += [note] if note else []
    settings = flow.session_settings(where.production, timeout_s)

    def on(major: int | None) -> Report:
        name = f"PostgreSQL {major}: " if major is not None else ""

        def say(step: str) -> None:
            progress(f"{name}{step}")

        say("starting the server")
        with open_scratch(where, major) as scratch:
            found = [
                prove(part.folder, part.directions, scratch, settings, options, say)
                for part in chosen
            ]
        return _together(found, notes)

    if len(where.majors) < 2:
        return [on(None)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(on, where.majors))


def _together(found: Sequence[Report], notes: Sequence[str]) -> Report:
    return replace(
        found[0],
        proofs=tuple(one for each in found for one in each.proofs),
        ranges=tuple(one for each in found for one in each.ranges),
        without_downs=tuple(dict.fromkeys(one for r in found for one in r.without_downs)),
        stubbed=tuple(dict.fromkeys(one for r in found for one in r.stubbed)),
        problems=tuple(one for each in found for one in each.problems),
        notes=(*notes, *dict.fromkeys(one for r in found for one in r.notes)),
    )


def findings_of_downs(request: Request) -> Mapping[str, Sequence[Finding]]:
    """What the linter says of ways down, by the path of their migration."""
    if request.since is not None and Path(request.since).is_file():
        request = replace(request, since=None)  # a migration: to the linter it is a revision
    found: dict[str, list[Finding]] = {}
    for folder in run(request).folders:
        for problem in folder.problems:
            if problem.direction == "down" and problem.finding.suppressed is None:
                found.setdefault(problem.migration.path, []).append(problem.finding)
    return found
