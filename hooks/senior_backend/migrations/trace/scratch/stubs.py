"""What a scratch database stands in for: extensions, roles and schemas that production has.

An extension that the server lacks becomes a real one, with a control file and a script in a folder
of the server's own; its script has the types and functions that migrations commonly use
(``stub_sql``), with the volatility of the real ones, because that decides what is rewritten. On a
server that was given to us nothing can be put into its folders and no role is created: there the
script runs by itself, and the statement is left out.
"""

import re
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

from senior_backend.errors import NotRunError
from senior_backend.migrations.trace.scratch.needs import Needs, Substitution
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.postgres.session import Session, StatementError, quoted

VERSION: Final = "stub"
"""Of every extension that stands in for another."""
_PLATFORMS: Final = {"supabase": "Supabase"}
_PLATFORM_ROLES: Final = {
    "supabase": (
        "anon",
        "authenticated",
        "service_role",
        "authenticator",
        "supabase_admin",
        "supabase_auth_admin",
        "supabase_storage_admin",
        "supabase_realtime_admin",
        "supabase_functions_admin",
        "dashboard_user",
    )
}
_PLATFORM_EXTENSIONS: Final = {
    "supabase": (
        ("uuid-ossp", "extensions"),
        ("pgcrypto", "extensions"),
        ("pg_stat_statements", "extensions"),
        ("pg_graphql", "graphql"),
        ("supabase_vault", "vault"),
    )
}
_OWN_SCHEMAS: Final = {"pg_graphql": "graphql", "supabase_vault": "vault", "pgsodium": "pgsodium"}
"""Of extensions that make theirs."""
_INDEX_METHODS: Final = {"vector": ("hnsw", "ivfflat")}
_PLATFORM_PATH: Final = {"supabase": '"$user", public, extensions'}


@dataclass(frozen=True, slots=True)
class Stubs:
    """``named`` is what was stood in for, for people; ``substitution`` what must be left out."""

    named: tuple[str, ...] = ()
    substitution: Substitution = field(default_factory=Substitution)


def provide(url: str, needs: Needs, search_path: str | None, scratch: Scratch) -> Stubs:
    """Make the database at ``url`` ready for migrations that need ``needs``.

    ``search_path`` is production's, where that is known: its schemas are created.
    """
    named: list[str] = []
    with Session(url) as session:
        roles = set(needs.roles)
        for platform in _PLATFORMS.keys() & needs.sources:
            roles.update(_PLATFORM_ROLES[platform])
        missing = sorted(
            roles - {name for (name,) in session.execute("select rolname from pg_roles")}
        )
        left_out_roles: frozenset[str] = frozenset()
        if scratch.own:
            for role in missing:
                session.execute(f"create role {quoted(role)}")
                if role in needs.acting:
                    session.execute(f"grant create, usage on schema public to {quoted(role)}")
            named += [f"role {role}" for role in missing]
        else:
            left_out_roles = frozenset(missing)
            named += [
                f"role {role} (not on this server: its grants are left out)" for role in missing
            ]
        extensions = _extensions(session, needs, scratch)
        for schema in _schemas(search_path):
            if not session.execute("select 1 from pg_namespace where nspname = %s", [schema]):
                session.execute(f"create schema {quoted(schema)}")
                named.append(f"schema {schema} (of search_path)")
        for platform in sorted(_PLATFORMS.keys() & needs.sources):
            session.execute(_script(f"platform-{platform}") or "")
            named.append(f"schemas auth, storage, extensions, realtime of {_PLATFORMS[platform]}")
            _add_platform_extensions(session, platform, scratch)
            database = quoted(session.execute("select current_database()")[0][0])
            path = _PLATFORM_PATH[platform]
            session.execute(f"alter database {database} set search_path = {path}")
        named += extensions.named
    methods = frozenset(m for name in extensions.stood_in for m in _INDEX_METHODS.get(name, ()))
    substitution = Substitution(extensions.left_out, left_out_roles, methods)
    return Stubs(tuple(named), substitution)


@dataclass(frozen=True, slots=True)
class _Extensions:
    named: tuple[str, ...]
    left_out: frozenset[str]
    stood_in: frozenset[str]


def _extensions(session: Session, needs: Needs, scratch: Scratch) -> _Extensions:
    wanted = {name: set(versions) for name, versions in needs.extensions.items()}
    for platform in _PLATFORMS.keys() & needs.sources:
        for name, _schema in _PLATFORM_EXTENSIONS[platform]:
            wanted.setdefault(name, set())
    found = dict(session.execute("select name, default_version from pg_available_extensions"))
    named: list[str] = []
    left_out: set[str] = set()
    stood_in: set[str] = set()
    for name in sorted(wanted):
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            continue
        if found.get(name, VERSION) != VERSION and not _is_broken(session, name):
            continue
        stood_in.add(name)
        script = _script(name)
        what = "" if script is not None else " (empty: its types and functions are not known)"
        if scratch.extensions is not None:
            schema = _OWN_SCHEMAS.get(name)
            scratch.add_extension(name, VERSION, script or "", wanted[name], schema)
        else:
            left_out.add(name)
            schema = _OWN_SCHEMAS.get(name)
            made = f"create schema if not exists {schema}; " if schema else ""
            try:
                session.execute(made + (script or ""))
            except StatementError as error:
                what = f" (not complete: {error})"
        named.append(f"extension {name}{what}")
    return _Extensions(tuple(named), frozenset(left_out), frozenset(stood_in))


def _is_broken(session: Session, extension: str) -> bool:
    """Whether its library is there and lacks a library of the system."""
    try:
        session.execute(f"load '$libdir/{extension}'")
    except StatementError as error:
        return "could not load library" in str(error)
    return False


def _add_platform_extensions(session: Session, platform: str, scratch: Scratch) -> None:
    for name, schema in _PLATFORM_EXTENSIONS[platform]:
        if scratch.extensions is not None or session.execute(
            "select 1 from pg_available_extensions where name = %s", [name]
        ):
            session.execute(
                f"create schema if not exists {schema}; "
                f"create extension if not exists {quoted(name)} schema {schema}"
            )


def _schemas(search_path: str | None) -> list[str]:
    """The schemas that a search_path names, without those that every database has."""
    names = re.findall(r'"((?:[^"]|"")*)"|([^\s,"]+)', search_path or "")
    schemas = [quoted_name.replace('""', '"') or bare.lower() for quoted_name, bare in names]
    return [name for name in schemas if name not in ("$user", "public") and name[:3] != "pg_"]


def _script(name: str) -> str | None:
    file = resources.files(__package__) / "stub_sql" / f"{name}.sql"
    return file.read_text(encoding="utf-8") if file.is_file() else None


def access_method(url: str, name: str) -> str | None:
    """Have a table access method of this name; what was stood in for, None where it is there.

    Raises:
        NotRunError: it is missing and cannot be stood in for here.
    """
    with Session(url) as session:
        if session.execute("select 1 from pg_am where amname = %s and amtype = 't'", [name]):
            return None
        try:
            session.execute(
                f"create access method {quoted(name)} type table handler heap_tableam_handler"
            )
        except StatementError:
            raise NotRunError(
                f"the server has no table access method {name}: leave out --server, or set "
                "--table-access-method heap"
            ) from None
    return f"table access method {name} (stores as heap does)"
