"""Flyway: ``V1_2__name.sql``, ``U1_2__name.sql``, ``R__name.sql``, also in folders below.

A script runs in one transaction: ``file``. It runs without one when ``<script>.conf`` beside it
says ``executeInTransaction=false``, or when Flyway itself knows that PostgreSQL refuses: CREATE and
DROP of DATABASE, TABLESPACE and SUBSCRIPTION, ALTER SYSTEM, CREATE and DROP INDEX CONCURRENTLY,
REINDEX SCHEMA, DATABASE and SYSTEM, VACUUM, DISCARD ALL (flyway/flyway, ``PostgreSQLParser.java``).
A script of both kinds is refused unless ``mixed`` is set (``ParserSqlScript.java``); it is read as
one transaction, in which PostgreSQL refuses the same statements. ``group`` puts all scripts of a
run into one transaction. While a script runs, Flyway holds its lock in an open transaction of
another connection, for which CONCURRENTLY waits for ever, unless
``postgresql.transactional.lock`` is false (documentation, "PostgreSQL Transactional Lock Setting").
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from senior_backend.sources import dialects, naming, writing
from senior_backend.sources.directory import Directory, sample
from senior_backend.sources.migration import (
    Folder,
    Insertion,
    Migration,
    NewMigration,
    NotRead,
    Segment,
    Transaction,
    WrittenFiles,
)
from senior_backend.sources.reading import read_sql
from senior_backend.sources.source import Options
from senior_backend.sql.text import SqlText

ID: Final = "flyway"
TITLE: Final = "Flyway"

LOCK: Final = "postgresql.transactional.lock"

_NAME: Final = re.compile(
    r"(?:(?P<kind>[VU])(?P<version>\d[\d._]*?)(?:__(?P<name>.*))?|R__(?P<repeatable>.+))"
    r"\.(?P<ending>sql|java|kt)$",
    re.DOTALL,
)
_CALLBACK: Final = re.compile(r"(?P<name>(?:before|after)[A-Z][A-Za-z]*(?:__.*)?)\.sql$", re.DOTALL)
_SIGN: Final = re.compile(r"(?:[VU]\d[\d._]*|R)__.*\.sql$", re.DOTALL)
_SETTING: Final = re.compile(
    r"^[ \t]*(?:spring\.)?flyway\.([\w.-]+)[ \t]*[=:][ \t]*(\S+)[ \t]*$", re.MULTILINE
)
_IN_SCRIPT: Final = re.compile(rb"^[ \t]*executeInTransaction[ \t]*=[ \t]*(\w+)", re.MULTILINE)
_NO_TRANSACTION: Final = "executeInTransaction=false\n"
_FILES: Final = ("flyway.toml", "flyway.conf", "conf/flyway.conf", "application.properties")
_LEVELS: Final = 8

_MAY_REFUSE: Final = re.compile(
    rb"concurrently|vacuum|reindex|discard|alter\s+system|database|tablespace|subscription",
    re.IGNORECASE,
)
_REFUSES: Final = re.compile(
    r"(create|drop) (database|tablespace|subscription)\b|alter system\b"
    r"|(create|drop)( unique)? index concurrently\b"
    r"|reindex( verbose)? (schema|database|system)\b|vacuum\b|discard all\b",
    re.IGNORECASE,
)


class _Script(NamedTuple):
    directory: Directory
    file: str
    kind: str
    version: str
    name: str
    ending: str


def claims(directory: Directory) -> bool:
    """Whether its files are named in Flyway's way, or those below a ``db/migration``."""
    if any(_SIGN.match(name) for name in sample(directory.sql_files, 9)):
        return True
    return directory.name in ("migration", "migrations") and any(
        _SIGN.match(name) for below in directory.walk() for name in sample(below.sql_files)
    )


def read(directory: Directory, options: Options) -> Folder:
    """Versioned scripts in the order of their versions, then repeatable ones, then callbacks."""
    settings = _settings(directory.root)
    scripts, not_read = _scripts(directory)
    undo: dict[tuple[int, ...], _Script] = {
        _order(script.version): script for script in scripts if script.kind == "U"
    }
    versioned = sorted(
        (script for script in scripts if script.kind == "V"),
        key=lambda script: (_order(script.version), script.file),
    )
    repeatable = sorted(
        (script for script in scripts if script.kind == "R"), key=lambda script: script.name
    )
    found = [
        _migration(script, undo.pop(_order(script.version), None), settings, options)
        for script in versioned
    ]
    callbacks = [script for script in scripts if script.kind == "callback"]
    found += [_migration(script, None, settings, options) for script in (*repeatable, *callbacks)]
    not_read += [
        NotRead(
            script.directory.shown_path(script.file),
            1,
            "takes back a version that is not here",
            True,
        )
        for script in undo.values()
    ]
    has_downs = any(script.kind == "U" for script in scripts)
    kept = {LOCK: settings.get(LOCK, "true")}
    return Folder(ID, directory.root, tuple(found), tuple(not_read), has_downs, kept)


def _scripts(directory: Directory) -> tuple[list[_Script], list[NotRead]]:
    scripts: list[_Script] = []
    not_read: list[NotRead] = []
    for part in _parts(directory, not_read):
        chosen = dialects.for_postgres(part.files)
        for name, file in chosen.names.items():
            found = _NAME.match(name)
            if found:
                title = found["repeatable"] or found["name"] or ""
                kind = found["kind"] or "R"
                version = found["version"] or ""
                scripts.append(_Script(part, file, kind, version, title, found["ending"]))
            elif called := _CALLBACK.match(name):
                scripts.append(_Script(part, file, "callback", "", called["name"], "sql"))
        not_read += [
            dialects.left_out(part.shown_path(file), reason)
            for file, reason in chosen.left_out.items()
            if file.lower().endswith(".sql")
        ]
    return scripts, not_read


def _parts(directory: Directory, not_read: list[NotRead]) -> Iterator[Directory]:
    yield directory
    for below in directory.directories.values():
        foreign = dialects.left_out_directory(below)
        if foreign:
            not_read.append(foreign)
        else:
            yield from _parts(below, not_read)


def _migration(
    script: _Script, undo: _Script | None, settings: Mapping[str, str], options: Options
) -> Migration:
    not_read: list[NotRead] = []
    up = _segments(script, settings, options, not_read)
    down = _segments(undo, settings, options, not_read) if undo else None
    return Migration(
        ID,
        script.directory.shown_path(script.file),
        script.version,
        script.name,
        up,
        down,
        tuple(not_read),
        repeatable=script.kind in ("R", "callback"),
        files=tuple(
            one.directory.shown_path(file)
            for one in (script, undo)
            if one
            for file in (one.file, f"{one.file}.conf")
            if file == one.file or file in one.directory.files
        ),
    )


def _segments(
    script: _Script, settings: Mapping[str, str], options: Options, not_read: list[NotRead]
) -> tuple[Segment, ...]:
    if script.ending != "sql":
        path = script.directory.shown_path(script.file)
        reason = "is a migration in Java or Kotlin: what it runs cannot be seen"
        not_read.append(NotRead(path, 1, reason, whole=True))
        return ()
    text = read_sql(script.directory, script.file)
    if isinstance(text, NotRead):
        not_read.append(text)
        return ()
    return (Segment(text, _transaction(script, text, settings, options)),)


def _transaction(
    script: _Script, text: SqlText, settings: Mapping[str, str], options: Options
) -> Transaction:
    conf = f"{script.file}.conf"
    if conf in script.directory.files:
        said = _IN_SCRIPT.search(script.directory.head(conf))
        if said:
            return "statement" if said[1].lower() == b"false" else "file"
    if settings.get("executeInTransaction") == "false":
        return "statement"
    if _MAY_REFUSE.search(text.data) and _escapes(text, mixed=settings.get("mixed") == "true"):
        return "statement"
    return options.transaction or ("run" if settings.get("group") == "true" else "file")


def _escapes(text: SqlText, *, mixed: bool) -> bool:
    """Whether Flyway runs the script without a transaction by itself."""
    from senior_backend import sql  # the parser is loaded for the few scripts that need it

    refusing = [
        bool(_REFUSES.match(" ".join(statement.sql.split())))
        for statement in sql.read(text).statements
    ]
    return any(refusing) and (mixed or all(refusing))


def _order(version: str) -> tuple[int, ...]:
    """Versions compare part by part as numbers; zeros at the end mean nothing: 1.0 is 1."""
    parts = [int(part) for part in re.split(r"[._]", version) if part]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _settings(directory: Path) -> dict[str, str]:
    """Flyway's settings by the name after ``flyway.``, from the nearest file that has any."""
    for level in (directory, *list(directory.parents)[:_LEVELS]):
        for name in _FILES:
            try:
                text = (level / name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            found = _of_toml(text) if name.endswith(".toml") else _of_properties(text)
            if found:
                return found
    return {}


def _of_properties(text: str) -> dict[str, str]:
    return {_key(found[1]): found[2].lower() for found in _SETTING.finditer(text)}


def _of_toml(text: str) -> dict[str, str]:
    try:
        flyway = tomllib.loads(text).get("flyway", {})
    except tomllib.TOMLDecodeError:
        return {}
    found: dict[str, str] = {}

    def flatten(table: Mapping[str, object], prefix: str) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                flatten(value, f"{prefix}{key}.")
            else:
                found[_key(f"{prefix}{key}")] = str(value).lower()

    flatten(flyway if isinstance(flyway, dict) else {}, "")
    return found


def _key(key: str) -> str:
    """Spring writes ``execute-in-transaction`` and ``postgresql.transactional-lock``."""
    if key.replace("-", ".").lower() == LOCK:
        return LOCK
    return re.sub(r"-(\w)", lambda found: found[1].upper(), key)


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """``V<next>__name.sql``, with ``.conf`` where needed; ``U`` where the folder has them."""
    files: dict[str, str] = {}
    remarks: list[str] = []
    versions = [migration.version for migration in folder.migrations if migration.version]
    newest = max(versions, key=_order, default="")
    where = _newest_place(folder)
    for migration in new:
        newest = _after(newest, now)
        stem = f"{newest}__{naming.slug(migration.name)}.sql"
        scripts = {f"{where}V{stem}": writing.script(migration.up, migration.note)}
        if migration.down and folder.has_downs:
            scripts[f"{where}U{stem}"] = writing.script(migration.down)
        elif migration.down:
            remarks.append(
                f"V{stem}: the folder has no undo scripts (U), so to take it back, run: "
                + " ".join(map(writing.terminated, migration.down))
            )
        files |= scripts
        if not migration.transactional:
            files |= {f"{name}.conf": _NO_TRANSACTION for name in scripts}
    if not all(one.transactional for one in new):
        remarks += _about_lock(folder)
    return writing.written(folder.root, files, remarks)


def outside_transaction(
    folder: Folder, migration: Migration, way: tuple[Segment, ...]
) -> Insertion | None:
    """A ``.conf`` of the way's script; None when it has one."""
    if len(way) != 1:
        return None
    path = f"{way[0].text.path}.conf"
    if path in migration.files:
        return None
    return Insertion(path, 0, _NO_TRANSACTION, remarks=_about_lock(folder))


def _about_lock(folder: Folder) -> tuple[str, ...]:
    if folder.settings.get(LOCK) == "false":
        return ()
    remark = (
        f"Set flyway.{LOCK}=false: else Flyway holds its lock in an open transaction, for "
        "which CONCURRENTLY waits for ever."
    )
    return (remark,)


def _newest_place(folder: Folder) -> str:
    """The directory of the newest versioned script, below the folder's root."""
    versioned = [migration for migration in folder.migrations if not migration.repeatable]
    if not versioned:
        return ""
    path = versioned[-1].path.rsplit("/", 1)[0] if "/" in versioned[-1].path else ""
    # Shown paths end like real ones: what follows the root's own name is below it.
    at = f"{folder.root}/"
    for depth in range(path.count("/") + 1):
        below = "/".join(path.split("/")[depth:])
        if below and (Path(at) / below).is_dir():
            return f"{below}/"
    return ""


def _after(newest: str, now: datetime) -> str:
    """The next whole version, or the next of the last part where versions have parts."""
    parts = re.split(r"([._])", newest)
    if len(parts) > 1 and parts[-1].isdigit():
        return "".join([*parts[:-1], str(int(parts[-1]) + 1).zfill(len(parts[-1]))])
    return naming.next_version([newest], now, "1")
