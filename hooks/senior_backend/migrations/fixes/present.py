"""A remedy as a finding shows it: the diff, the new files, the rollback."""

from datetime import datetime
from pathlib import Path

from senior_backend.errors import InputError
from senior_backend.findings import Fix
from senior_backend.migrations.fixes import files
from senior_backend.migrations.fixes.placement import change
from senior_backend.migrations.lint import Problem
from senior_backend.migrations.run import Result
from senior_backend.sources.migration import Folder


def fix(
    problem: Problem,
    folder: Folder,
    root: Path,
    now: datetime,
    result: Result,
) -> Fix | None:
    """What to write instead, with paths relative to ``root``; None when only people can decide."""
    found = change(problem, folder, result.may_have_run)
    if found is None or problem.remedy is None:
        return None
    diffs = [
        files.diff(path, before, after)
        for path, (before, after) in files.edited(root, found.edits, result.unsaved).items()
    ]
    new = {}
    if found.new:
        try:
            written = files.write_new(folder, found.new, now)
        except InputError as error:
            return Fix("plan", reason=str(error))
        base = files.shown_root(folder, root)
        new = {f"{base}{name}": content for name, content in written.files.items()}
    if not diffs and not new and not found.reason:
        return None
    rollback = problem.remedy.rollback
    return Fix(
        "safe" if found.automatic else "plan",
        diff="".join(diffs) or None,
        files=new or None,
        rollback=";\n".join(text.rstrip(";") for text in rollback) + ";" if rollback else None,
        reason=None if found.automatic else found.reason or None,
    )
