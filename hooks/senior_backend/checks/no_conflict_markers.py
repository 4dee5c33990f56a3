"""Merges that were never finished: conflict markers in a file, and files of rejected hunks.

``copier update`` and ``git apply --reject`` exit 0 or are easily overlooked when they leave these
behind; a commit is the last moment to notice.
"""

from collections.abc import Iterable

from senior_backend import git
from senior_backend.checks.check import Tree
from senior_backend.findings import Finding

ID = "no-conflict-markers"
SUMMARY = "Refuse merge conflict markers and .rej files."


def check(tree: Tree) -> Iterable[Finding]:
    """One finding a marker line, one a file of rejected hunks."""
    for path in tree.selected:
        if path.suffix == ".rej":
            yield Finding(
                rule=ID,
                path=path.as_posix(),
                line=1,
                message=f"holds hunks that a merge could not apply to {path.stem}; "
                "apply them by hand and delete this file",
            )
            continue
        text = tree.text(path)
        if text is None:
            continue
        lines = text.split("\n")
        for line in git.conflict_markers(text):
            marker = lines[line - 1].rstrip("\r")
            yield Finding(
                rule=ID,
                path=path.as_posix(),
                line=line,
                end_column=len(marker),
                message=f"merge conflict marker '{marker[:60]}'; "
                "keep what is right of the two sides and delete the markers",
            )
