"""A revision that runs one ``.sql`` file, told to run it outside the transaction."""

import ast

from senior_backend.sources.alembic.configuration import configuration, version_directories
from senior_backend.sources.alembic.revision import Revision, read_revision
from senior_backend.sources.alembic.write import import_of, takes_transaction
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import Folder, Insertion, Migration, Segment


def outside_transaction(
    folder: Folder, migration: Migration, way: tuple[Segment, ...]
) -> Insertion | None:
    """``transaction=False`` for the call that runs the only file of a way, up or down.

    None when the way is more than that one call, or the function has no such parameter.
    """
    revision = _revision(folder, migration)
    if revision is None or len(way) != 1 or way[0].text.path == migration.path:
        return None
    file = way[0].text.path.rsplit("/", 1)[-1]
    for function in revision.functions.values():
        call = _only_call(function)
        match call:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(given))]):
                imported = import_of(revision.tree, name)
                if (
                    given.rsplit("/", 1)[-1] == file
                    and imported is not None
                    and takes_transaction(folder.root, imported)
                ):
                    end = revision.source.slice(call.args[0])[1]
                    return Insertion(migration.path, end, ", transaction=False")
    return None


def _revision(folder: Folder, migration: Migration) -> Revision | None:
    directory = Directory(str(folder.root), ".")
    name = migration.path.rsplit("/", 1)[-1]
    for place in version_directories(directory, configuration(directory)):
        if name in place.files:
            revision = read_revision(place, name)
            if isinstance(revision, Revision) and revision.id == migration.version:
                return revision
    return None


def _only_call(function: ast.FunctionDef) -> ast.Call | None:
    """The call that a function consists of, beside its docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    match body:
        case [ast.Expr(value=ast.Call(keywords=[]) as call)]:
            return call
    return None
