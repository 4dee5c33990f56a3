"""New Alembic revisions, in the manner of the newest one."""

import ast
import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from senior_backend.sources import naming, writing
from senior_backend.sources.alembic.configuration import (
    Configuration,
    configuration,
    version_directories,
)
from senior_backend.sources.alembic.folder import revisions_of
from senior_backend.sources.alembic.graph import heads, ordered
from senior_backend.sources.alembic.revision import Revision
from senior_backend.sources.alembic.values import last_name
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import Folder, NewMigration, WrittenFiles

_LEVELS: Final = 4
_FILE_TEMPLATE: Final = "%(rev)s_%(slug)s"


@dataclass(frozen=True, slots=True)
class _Manner:
    """How revisions run ``.sql`` files: the import, the function, and where the files lie."""

    imports: str
    function: str
    place: Path
    takes_transaction: bool


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """A revision for each of ``new`` after the head; with ``.sql`` files where others have them."""
    directory = Directory(str(folder.root), ".")
    settings = configuration(directory)
    revisions = _known(folder.root, _stamps(version_directories(directory, settings)))
    remarks: list[str] = []
    tips = heads(revisions)
    before = tips[-1].id if tips else None
    if len(tips) > 1:
        ids = ", ".join(tip.id for tip in tips)
        remarks.append(f"There are several heads ({ids}); the new revision comes after {before}.")
    newest = revisions[-1] if revisions else None
    where = _below(folder.root, Path(newest.directory.path)) if newest else "versions"
    manner = _manner(newest, folder) if newest else None
    ids_used = [revision.id for revision in revisions]
    files: dict[str, str] = {}
    for migration in new:
        identity = _identity(ids_used, migration, before, now)
        ids_used.append(identity)
        name = _file_name(settings, identity, naming.slug(migration.name), now)
        place = f"{where}/{name}.py" if where else f"{name}.py"
        if manner:
            stem = f"{identity}_{naming.slug(migration.name)}"
            sql = _below(folder.root, manner.place)
            prefix = f"{sql}/" if sql else ""
            files[f"{prefix}{stem}.up.sql"] = writing.script(migration.up, migration.note)
            if migration.down:
                files[f"{prefix}{stem}.down.sql"] = writing.script(migration.down)
            files[place] = _running_files(migration, identity, before, stem, manner)
        else:
            files[place] = _running_statements(migration, identity, before)
        before = identity
    return writing.written(folder.root, files, remarks)


def _stamps(places: Sequence[Directory]) -> tuple[tuple[str, int, int], ...]:
    """Paths, sizes and times of the revisions: while they are the same, so is what they say."""
    found = []
    for place in places:
        for file in place.files:
            with suppress(OSError):
                status = os.stat(place.path_of(file))  # noqa: PTH116 - names may hold anything
                found.append((place.path_of(file), status.st_size, status.st_mtime_ns))
    return tuple(found)


@lru_cache(maxsize=2)
def _known(root: Path, _: tuple[tuple[str, int, int], ...]) -> tuple[Revision, ...]:
    """The revisions in order, read once for all that is written in a run."""
    return tuple(ordered(revisions_of(Directory(str(root), "."))[0])[0])


def _below(root: Path, place: Path) -> str:
    """``place`` relative to ``root``, by way of ``..`` where it lies outside."""
    relative = os.path.relpath(place, root)
    return "" if relative == "." else Path(relative).as_posix()


def _identity(used: list[str], migration: NewMigration, before: str | None, now: datetime) -> str:
    """The next number where revisions are numbered, else twelve hexadecimal digits."""
    if used and all(one.isdigit() and len(one) < 12 for one in used):
        return naming.next_version(used, now)
    seed = f"{before} {migration.name} {now.isoformat()}"
    return hashlib.sha256(seed.encode()).hexdigest()[:12]


def _file_name(settings: Configuration, identity: str, slug: str, now: datetime) -> str:
    template = settings.settings.get("file_template", _FILE_TEMPLATE).replace("%%", "%")
    utc = now.astimezone(UTC)
    parts = {
        "rev": identity,
        "slug": slug[:40].rstrip("_"),
        "epoch": int(utc.timestamp()),
        **{
            part: getattr(utc, part)
            for part in ("year", "month", "day", "hour", "minute", "second")
        },
    }
    try:
        return template % parts
    except (KeyError, ValueError, TypeError):
        return _FILE_TEMPLATE % parts


def _head(migration: NewMigration, identity: str, before: str | None, imports: str) -> str:
    title = _sentence(migration.name)
    if migration.note:
        title = f"{title}\n\n{migration.note.strip()}\n"
    title = title.replace("\\", "\\\\").replace('"""', "'''")
    quoted = "None" if before is None else f'"{before}"'
    return (
        f'"""{title}"""\n\n{imports}\n\n'
        f'revision = "{identity}"\ndown_revision = {quoted}\nbranch_labels = None\n'
        "depends_on = None\n"
    )


def _sentence(name: str) -> str:
    """A name as the first line of a docstring, as the linters of projects ask for it."""
    text = name.strip()
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def _running_statements(migration: NewMigration, identity: str, before: str | None) -> str:
    up = _executes(migration.up, migration.transactional)
    down = _executes(migration.down, migration.transactional)
    head = _head(migration, identity, before, "from alembic import op")
    return (
        f'{head}\n\ndef upgrade() -> None:\n    """Apply."""\n{up}'
        f'\n\ndef downgrade() -> None:\n    """Take back."""\n{down}'
    )


def _executes(statements: Sequence[str], transactional: bool) -> str:
    """``op.execute`` for each; the text is raw, and ``:`` would be a parameter without a mark."""
    if not statements:
        return ""
    indent = "    " if transactional else "        "
    lines = [] if transactional else ["    with op.get_context().autocommit_block():\n"]
    for statement in statements:
        text = statement.strip().rstrip(";").rstrip()
        lines.append(f"{indent}op.execute({_literal(text, indent)})\n")
    return "".join(lines)


def _literal(text: str, indent: str) -> str:
    """A string literal of Python with the SQL as it is, wherever that can be."""
    colons = re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", text)
    if '"""' in colons or colons.endswith(("\\", '"')):
        return repr(colons)
    prefix = "r" if "\\" in colons else ""
    if "\n" not in colons and '"' not in colons and len(colons) + len(indent) < 84:
        return f'{prefix}"{colons}"'
    inner = indent + "    "
    return f'\n{inner}{prefix}"""\n{colons}\n{inner}"""\n{indent}'


def _running_files(
    migration: NewMigration, identity: str, before: str | None, stem: str, manner: _Manner
) -> str:
    imports = manner.imports
    option = ""
    indent = "    "
    block = ""
    if not migration.transactional and manner.takes_transaction:
        option = ", transaction=False"
    elif not migration.transactional:
        imports = f"from alembic import op\n{imports}" if "import op" not in imports else imports
        block = "    with op.get_context().autocommit_block():\n"
        indent = "        "
    call = f'{indent}{manner.function}("{stem}.{{}}.sql"{option})\n'
    up = block + call.format("up")
    down = block + call.format("down") if migration.down else ""
    return (
        f"{_head(migration, identity, before, imports)}\n\n"
        f'def upgrade() -> None:\n    """Apply."""\n{up}'
        f'\n\ndef downgrade() -> None:\n    """Take back."""\n{down}'
    )


def _manner(newest: Revision, folder: Folder) -> _Manner | None:
    """How the newest revision runs a ``.sql`` file by its bare name, if it does."""
    migration = next((one for one in folder.migrations if one.version == newest.id), None)
    if migration is None:
        return None
    names = {path.rsplit("/", 1)[-1]: path for path in migration.files[1:]}
    for node in ast.walk(newest.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
            continue
        given = node.args[0]
        if isinstance(given, ast.Constant) and given.value in names:
            function = last_name(node.func)
            imported = import_of(newest.tree, function)
            place = _place_of(folder.root, str(given.value))
            if imported is not None and place is not None:
                takes = takes_transaction(folder.root, imported)
                return _Manner(ast.unparse(imported), function, place, takes)
    return None


def import_of(tree: ast.Module, function: str) -> ast.ImportFrom | None:
    """The import that makes a name of the module."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == function:
                    return ast.ImportFrom(node.module, [alias], node.level)
    return None


def _place_of(root: Path, name: str) -> Path | None:
    for part in Directory(str(root), ".").walk():
        if name in part.files:
            return part.root
    return None


def takes_transaction(root: Path, imported: ast.ImportFrom) -> bool:
    """Whether the function has a parameter ``transaction``, where its source can be found."""
    module = (imported.module or "").replace(".", "/")
    name = imported.names[0].name
    for level in (root, *list(root.parents)[:_LEVELS]):
        for path in (level / f"{module}.py", level / module / "__init__.py"):
            try:
                tree = ast.parse(path.read_bytes())
            except (OSError, SyntaxError, ValueError):
                continue
            return any(
                argument.arg == "transaction"
                for node in tree.body
                if isinstance(node, ast.FunctionDef) and node.name == name
                for argument in (*node.args.args, *node.args.kwonlyargs)
            )
    return False
