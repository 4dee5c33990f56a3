"""Alembic folders for tests."""

from pathlib import Path

from senior_backend.sources.migration import Folder, Migration
from tests.sources.tree import read

HEAD = (
    "from alembic import op\nimport sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql\n"
)
ENV = "from alembic import context\ncontext.configure(transaction_per_migration=True)\n"


def revision(
    identity: str, down: object = None, up: str = "pass", downgrade: str = "pass", more: str = ""
) -> str:
    """A revision file; the first line of ``up`` is line 9 where there is nothing more."""
    return (
        f"{HEAD}revision = {identity!r}\ndown_revision = {down!r}\n{more}\n\ndef upgrade():\n"
        f"{_indented(up)}\n\ndef downgrade():\n{_indented(downgrade)}\n"
    )


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in body.splitlines())


def folder(root: Path, versions: dict[str, str], more: dict[str, str] | None = None) -> Folder:
    """The folder that revision files make, with one transaction for each."""
    files = {f"migrations/versions/{name}": text for name, text in versions.items()}
    return read(root, {"migrations/env.py": ENV, **files, **(more or {})})


def only(root: Path, text: str, more: dict[str, str] | None = None) -> Migration:
    """The only revision of a folder."""
    (migration,) = folder(root, {"a.py": text}, more).migrations
    return migration
