"""An Alembic folder: found, ordered and read."""

from typing import Final

from senior_backend.sources import dialects
from senior_backend.sources.alembic.comments import comments
from senior_backend.sources.alembic.configuration import (
    configuration,
    sql_files,
    version_directories,
)
from senior_backend.sources.alembic.functions import Reading, SqlFiles, read_function
from senior_backend.sources.alembic.graph import ordered
from senior_backend.sources.alembic.revision import Revision, read_revision
from senior_backend.sources.directory import Directory, sample
from senior_backend.sources.migration import Folder, Migration, NotRead, Transaction
from senior_backend.sources.source import Options

ID: Final = "alembic"
TITLE: Final = "Alembic"


def claims(directory: Directory) -> bool:
    """Whether it has ``env.py`` with ``versions`` or a template beside, or holds revisions."""
    if "env.py" in directory.files:
        return "versions" in directory.directories or "script.py.mako" in directory.files
    python = tuple(
        name for name in directory.files if name.endswith(".py") and name != "__init__.py"
    )
    return any(b"\ndown_revision" in directory.head(name) for name in sample(python))


def read(directory: Directory, options: Options) -> Folder:
    """Revisions in the order of their graph."""
    revisions, not_read, transaction = revisions_of(directory)
    files = SqlFiles(list(sql_files(directory)))
    chain, problems = ordered(revisions)
    model = options.transaction or transaction
    return Folder(
        ID,
        directory.root,
        tuple(_migration(revision, files, model) for revision in chain),
        (*not_read, *problems),
    )


def revisions_of(directory: Directory) -> tuple[list[Revision], list[NotRead], Transaction]:
    """Every revision of a folder, in no order; files that are none of them but should be."""
    found = configuration(directory)
    revisions: list[Revision] = []
    not_read: list[NotRead] = []
    for place in version_directories(directory, found):
        foreign = dialects.left_out_directory(place)
        if foreign:
            not_read.append(foreign)
            continue
        for file in place.files:
            if file.endswith(".py") and file not in ("__init__.py", "env.py"):
                revision = read_revision(place, file)
                if isinstance(revision, NotRead):
                    not_read.append(revision)
                elif revision is not None:
                    revisions.append(revision)
    return revisions, not_read, found.transaction


def _migration(revision: Revision, files: SqlFiles, model: Transaction) -> Migration:
    up = read_function(revision, "upgrade", files, model) or Reading()
    down = read_function(revision, "downgrade", files, model)
    return Migration(
        ID,
        revision.path,
        revision.id,
        revision.title,
        tuple(up.segments),
        None if down is None or down.refuses else tuple(down.segments),
        (*up.not_read, *(down.not_read if down else ())),
        files=(revision.path, *up.files, *(down.files if down else ())),
        comments=tuple(comments(revision)),
    )
