"""All that can be mended in one migration, written into a copy of its folder."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from senior_backend.catalog.model import Catalog
from senior_backend.findings import Finding
from senior_backend.migrations import applied, repair
from senior_backend.migrations.fixes import files
from senior_backend.migrations.fixes.placement import PAST, change
from senior_backend.migrations.run import Request, Result, run
from senior_backend.sources.migration import Folder, Migration

Mend = Callable[[Result, Path, datetime], repair.Repair]
"""What writes the fixes: ``repair.automatic`` or ``repair.planned``."""

_ROUNDS: Final = 5
"""A fix may uncover another, which the next round mends."""
_BY_PEOPLE: Final = "only people can decide what to write instead"
_DEPLOY: Final = re.compile(r"Deploy first: (.+)")


@dataclass(slots=True)
class Mended:
    """A folder after its fixes.

    ``contents`` are the changed and new files, before (empty: new) and after. ``automatic`` says
    that ``--fix`` may write all of it, or would if the file had not run anywhere yet; ``reasons``
    say why not. ``found`` is what the linter still says of these files.
    """

    folder: Folder
    contents: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    automatic: bool = True
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    found: tuple[Finding, ...] = ()
    untouched: dict[tuple[str, int], str] = field(default_factory=dict)
    """Why nothing is written for a finding, by its rule and line."""

    @property
    def diff(self) -> str:
        """All of it as one diff that ``git apply`` takes."""
        return "".join(files.diff(p, before, after) for p, (before, after) in self.contents.items())

    @property
    def deploys(self) -> dict[str, str]:
        """What must be live before a file runs."""
        found = {}
        for path, (_before, after) in self.contents.items():
            if match := _DEPLOY.search(after.decode("utf-8", "replace")):
                found[path] = match[1].strip()
        return found


def mend(
    request: Request,
    migration: Migration,
    catalog: Catalog | None,
    automatic: Mend = repair.automatic,
    planned: Mend = repair.planned,
) -> Mended | None:
    """Mend a migration in ``request.root``, a copy; None when it is gone from there.

    First all that ``--fix`` writes, round by round; then, where a finding is left that only a plan
    answers, the plan.
    """
    now = datetime.now(UTC)
    contents: dict[str, tuple[bytes, bytes]] = {}
    remarks: list[str] = []
    result = _lint(request, migration, contents, catalog)
    is_last = result.folders and result.folders[0].folder.migrations[-1].path == migration.path
    for _ in range(_ROUNDS):
        done = automatic(result, request.root, now)
        remarks += done.remarks
        if not done.contents:
            break
        _keep(contents, done, request.root)
        result = _lint(request, migration, contents, catalog)
    # What comes after the last one are steps of its own.
    reasons = [one for one in _reasons(result) if one != PAST or not is_last]
    done = planned(result, request.root, now)
    whole = not done.contents
    if done.contents:
        _keep(contents, done, request.root)
        result = _lint(request, migration, contents, catalog)
    if not result.folders:
        return None
    remarks += [text for text in done.remarks if text not in reasons]
    stays = [p.finding for p in result.problems if p.finding.suppressed is None]
    new = {name for name, (before, _) in contents.items() if not before}
    untouched = _untouched(result, migration)
    told = tuple(untouched.values())
    return Mended(
        folder=result.folders[0].folder,
        contents=contents,
        automatic=whole,
        reasons=() if whole else tuple(reasons),
        remarks=tuple(text for text in dict.fromkeys(remarks) if not _is_told(text, new, told)),
        found=tuple(finding for finding in stays if not _is_excused(finding, new, whole=whole)),
        untouched=untouched,
    )


def _is_excused(finding: Finding, new: Collection[str], *, whole: bool) -> bool:
    """Whether it is about a file of the fix itself, and no gate, or a step of a plan."""
    return finding.path in new and (not whole or finding.class_ != "gate")


def _is_told(remark: str, new: Collection[str], told: tuple[str, ...]) -> bool:
    """Whether it is said of the finding itself, or of a file of the fix."""
    return remark.endswith(told) or any(remark.startswith(f"{name}:") for name in new)


def _lint(
    request: Request,
    migration: Migration,
    contents: dict[str, tuple[bytes, bytes]],
    catalog: Catalog | None,
) -> Result:
    """The migration and what its fixes have added, taken for one that has run nowhere."""
    new = [name for name, (before, _after) in contents.items() if not before]
    paths = tuple(
        request.root / name for name in (migration.path, *new) if (request.root / name).exists()
    )
    result = run(replace(request, paths=paths), catalog)
    result.may_have_run = applied.nothing
    return result


def _keep(contents: dict[str, tuple[bytes, bytes]], done: repair.Repair, root: Path) -> None:
    done.save(root)
    for name, (before, after) in done.contents.items():
        contents[name] = (contents[name][0] if name in contents else before, after)


def _reasons(result: Result) -> list[str]:
    """Why what has a plan is none that may be written without a person looking first."""
    reasons = []
    for folder in result.folders:
        for problem in folder.problems:
            if problem.finding.suppressed is None:
                found = change(problem, folder.folder, result.may_have_run)
                if found is not None and found.edits and not found.automatic and found.reason:
                    reasons.append(found.reason)
    return list(dict.fromkeys(reasons))


def _untouched(result: Result, migration: Migration) -> dict[tuple[str, int], str]:
    own = {migration.path, *migration.files}
    told = {}
    for folder in result.folders:
        for problem in folder.problems:
            finding = problem.finding
            if finding.suppressed is not None or finding.path not in own:
                continue
            found = change(problem, folder.folder, result.may_have_run)
            if found is None or not found.edits:
                reason = found.reason if found is not None else ""
                reason = (
                    reason or f"only people can decide: `senior-backend explain {finding.rule}`"
                )
                told[finding.rule, finding.line] = reason
    return told
