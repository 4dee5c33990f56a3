"""What migrations name and do not make themselves: extensions, roles, a platform's own schemas."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from senior_backend import sql
from senior_backend.sources.migration import Migration, Segment
from senior_backend.sql.script import Statement
from senior_backend.sql.text import SqlText

_SETS_ROLE: Final = ("role", "session_authorization")
_PRIVILEGES: Final = frozenset({"GrantStmt", "GrantRoleStmt", "AlterDefaultPrivilegesStmt"})
SUBSTITUTE: Final = b"SELECT 1"


@dataclass(frozen=True, slots=True)
class Needs:
    """By name. ``extensions`` have the versions that are asked for ('' for any)."""

    extensions: Mapping[str, frozenset[str]]
    roles: frozenset[str]
    """Named, and created nowhere in the migrations."""
    acting: frozenset[str]
    """Those among ``roles`` that statements are run as (SET ROLE): they create objects."""
    sources: frozenset[str]
    """The tools whose migrations these are."""


def of(migrations: Sequence[Migration]) -> Needs:
    """What they need, in both directions."""
    extensions: dict[str, set[str]] = {}
    roles: set[str] = set()
    made: set[str] = set()
    acting: set[str] = set()
    for statement in _statements(migrations):
        node = statement.node
        if statement.kind == "CreateExtensionStmt":
            versions = extensions.setdefault(node.extname, set())
            versions.update(
                item.def_elem.arg.string.sval
                for item in node.options
                if item.def_elem.defname == "new_version"
            )
            continue
        if statement.kind == "CreateRoleStmt":
            made.add(node.role)
        elif statement.kind == "VariableSetStmt" and node.name in _SETS_ROLE:
            named = {item.a_const.sval.sval for item in node.args if item.HasField("a_const")}
            acting |= named - {"", "none", "default"}
        if b"role" in statement.text.data.lower() or _may_name_role(statement):
            roles.update(_roles(node))
    wanted = {name for name in roles | acting if not name.startswith("pg_")} - made
    return Needs(
        {name: frozenset(versions) for name, versions in extensions.items()},
        frozenset(wanted),
        frozenset(acting & wanted),
        frozenset(migration.source for migration in migrations),
    )


def _statements(migrations: Iterable[Migration]) -> Iterator[Statement]:
    for migration in migrations:
        for segment in (*migration.up, *(migration.down or ())):
            for statement in sql.read(segment.text).statements:
                yield statement
                if statement.kind == "DoStmt":
                    for body in sql.bodies(statement):
                        yield from body.statements


_NAMES_ROLE: Final = re.compile(rb"\b(to|from|for|owner|authorization|user)\b", re.IGNORECASE)


def _may_name_role(statement: Statement) -> bool:
    """A guess that spares walking the trees of most statements."""
    if statement.kind in ("InsertStmt", "UpdateStmt", "DeleteStmt", "SelectStmt", "IndexStmt"):
        return False
    data = statement.text.data[statement.start : statement.end]
    return _NAMES_ROLE.search(data) is not None


def _roles(node: Any) -> Iterator[str]:  # noqa: ANN401 - any message of the parse tree
    """The roles that a tree names."""
    if type(node).__name__ == "RoleSpec":
        if node.rolename:
            yield node.rolename
        return
    if type(node).__name__ == "GrantRoleStmt":
        yield from (item.access_priv.priv_name for item in node.granted_roles)
    for field, value in node.ListFields():
        if field.message_type is not None:
            for item in value if field.is_repeated else (value,):
                yield from _roles(item)


@dataclass(frozen=True, slots=True)
class Substitution:
    """What cannot run on the server that was given, and is left out there."""

    extensions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    index_options: frozenset[str] = frozenset()
    """Access methods whose stand-in knows none of their options (WITH)."""

    def __bool__(self) -> bool:
        return bool(self.extensions or self.roles or self.index_options)

    def reason(self, statement: Statement) -> str | None:
        """Why a statement is left out; None: it runs."""
        node = statement.node
        if statement.kind == "CreateExtensionStmt" and node.extname in self.extensions:
            return f"left out: the server has no extension {node.extname}"
        if statement.kind == "CommentStmt" and self.extensions and "EXTENSION" in statement.sql:
            return "left out: it is about an extension that the server lacks"
        if statement.kind in _PRIVILEGES and self.roles:
            missing = sorted(self.roles.intersection(_roles(node)))
            if missing:
                return f"left out: the server has no role {', '.join(missing)}"
        return None


Originals = Mapping[tuple[str, int], tuple[str, str | None]]
"""Statements as they are written, and why they are left out, by path and line; None: they are not
left out, only a part of them."""

_WITH: Final = re.compile(rb"\bwith\s*\([^()]*\)", re.IGNORECASE)


def without(migration: Migration, substitution: Substitution) -> tuple[Migration, Originals]:
    """The migration with SELECT 1 in place of what is left out, byte for byte at the same places.

    Also the statements as they were.
    """
    if not substitution:
        return migration, {}
    originals: dict[tuple[str, int], tuple[str, str | None]] = {}

    def segments(given: tuple[Segment, ...]) -> tuple[Segment, ...]:
        return tuple(replace(s, text=_replaced(s.text, substitution, originals)) for s in given)

    down = segments(migration.down) if migration.down is not None else None
    return replace(migration, up=segments(migration.up), down=down), originals


def _replaced(
    text: SqlText,
    substitution: Substitution,
    originals: dict[tuple[str, int], tuple[str, str | None]],
) -> SqlText:
    data = bytearray(text.data)
    for statement in sql.read(text).statements:
        why = substitution.reason(statement)
        written = text.data[statement.start : statement.end]
        if why is not None:
            filled = SUBSTITUTE + b"\n" * written.count(b"\n")
        elif (
            statement.kind == "IndexStmt"
            and statement.node.access_method in substitution.index_options
        ):
            filled = _WITH.sub(lambda match: re.sub(rb"[^\n]", b" ", match[0]), written)
        else:
            continue
        originals[text.path, statement.position.line] = (statement.sql, why)
        data[statement.start : statement.end] = filled.ljust(len(written))
    return replace(text, data=bytes(data), _starts=[])
