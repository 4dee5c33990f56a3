"""Everything that the system catalogs say of a database, by the names of its objects."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from senior_backend.migrations.rollback.comparing import catalogs
from senior_backend.migrations.rollback.comparing.catalogs import Catalog, Column
from senior_backend.postgres.session import Session

Key = tuple[str, str]
"""Catalog and identity, such as ``("pg_class", "public.orders")``."""

_FACTS_OF_SESSION: Final = """
set search_path = ''; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
set timezone = 'UTC'; set bytea_output = 'hex'; set extra_float_digits = 1;
set quote_all_identifiers = off; set statement_timeout = 0; set default_transaction_read_only = on
"""
_IDENTITIES: Final = """
select o.catalog, o.id, i.type, i.identity
from unnest(%s::text[], %s::oid[]) as o (catalog, id),
     lateral pg_identify_object(('pg_catalog.' || o.catalog)::regclass, o.id, 0) as i
"""
_COLUMN_NAMES: Final = """
select attrelid, attnum, quote_ident(attname) from pg_attribute where attrelid = any(%s::oid[])
"""
_OF_SESSION: Final = re.compile(r"(?:^| on | for )pg_(?:toast_)?temp(?:_\d+)?\.")
"""Temporary objects: they go with the session that made them."""
_FOLDED_LISTS: Final = frozenset({"pg_inherits", "pg_ts_config_map"})
_COMMENTS: Final = frozenset({"pg_description", "pg_shdescription"})
_LABELS: Final = frozenset({"pg_seclabel", "pg_shseclabel"})


@dataclass(slots=True)
class Object:
    """What the server calls its ``kind`` and ``name``, and the values of its rows by column.

    ``parts_of`` are the objects without which it cannot be: a column's table, an index's columns.
    """

    kind: str
    name: str
    values: dict[str, str] = field(default_factory=dict)
    parts_of: set[Key] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects of one database at one time; equal where nothing differs."""

    objects: Mapping[Key, Object]


def take(url: str, *, cluster: bool = False) -> Snapshot:
    """Read the catalogs of a database.

    With ``cluster`` also what its server's databases share: roles, their settings and memberships,
    tablespaces (where the role may read them). Two or three round trips, whatever is in it.

    Raises:
        NotRunError: it does not answer.
    """
    with Session(url) as session:
        return take_in(session, cluster=cluster)


def take_in(session: Session, *, cluster: bool = False) -> Snapshot:
    """The same over a session of one's own, whose settings are changed by it."""
    read = _catalogs(session, cluster=cluster)
    script = ";".join((_FACTS_OF_SESSION, *(one.query for one in read), catalogs.DEPENDENCIES))
    *tables, dependencies = results(session, script)
    return _Reader(session, read, tables, dependencies).snapshot()


_known: dict[tuple[object, ...], tuple[Catalog, ...]] = {}
_built_in: dict[int, dict[tuple[str, int], tuple[str, str]]] = {}
"""Identities of what every server of a version has, by version."""


def _catalogs(session: Session, *, cluster: bool) -> tuple[Catalog, ...]:
    info = session.connection.info
    of = (info.server_version, info.host, info.port, info.user, cluster)
    if of not in _known:
        _known[of] = catalogs.catalogs(session.execute(catalogs.STRUCTURE), cluster=cluster)
    return _known[of]


def results(session: Session, script: str) -> list[list[tuple[Any, ...]]]:
    """The rows of every query of a script, in one round trip."""
    from psycopg import Error

    from senior_backend.postgres.session import StatementError

    try:
        cursor = session.connection.execute(script.encode())
        found = []
        while True:
            if cursor.description is not None:
                found.append(cursor.fetchall())
            if not cursor.nextset():
                return found
    except Error as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StatementError(f"the catalogs cannot be read: {reason}", error.sqlstate) from None


class _Reader:
    """Turns rows with OIDs into objects with names."""

    def __init__(
        self,
        session: Session,
        read: Sequence[Catalog],
        tables: Sequence[list[tuple[Any, ...]]],
        dependencies: list[tuple[Any, ...]],
    ) -> None:
        self._session = session
        self._read = list(zip(read, tables, strict=True))
        self._dependencies = dependencies
        version = session.connection.info.server_version
        self._names = dict(_built_in.setdefault(version, {}))
        self._columns: dict[tuple[int, int], str] = {}
        self._objects: dict[Key, Object] = {}
        self._defaults: dict[tuple[int, int], str] = {}
        self._version = version

    def snapshot(self) -> Snapshot:
        self._identify()
        for catalog, rows in self._read:
            if catalog.key == ("oid",):
                self._base(catalog, rows)
        for catalog, rows in self._read:
            if catalog.name == "pg_attribute":
                self._attributes(catalog, rows)
        for catalog, rows in self._read:
            if catalog.key == ("oid",) or catalog.name == "pg_attribute":
                continue
            if catalog.name in _COMMENTS or catalog.name in _LABELS:
                self._texts(catalog, rows)
            elif catalog.name in _FOLDED_LISTS:
                self._lists(catalog, rows)
            elif catalog.extends is not None:
                self._extensions(catalog, rows)
            else:
                self._others(catalog, rows)
        self._depend()
        return Snapshot(
            {
                key: one
                for key, one in sorted(self._objects.items())
                if not _OF_SESSION.search(key[1])
            }
        )

    # Names

    def _identify(self) -> None:
        wanted: set[tuple[str, int]] = set()
        tables: set[int] = set()
        for catalog, rows in self._read:
            for place, column in enumerate(catalog.columns):
                values = {row[place] for row in rows}
                if column.name == "oid":
                    wanted.update((catalog.name, int(v)) for v in values)
                elif column.reading in ("object", "objects"):
                    wanted.update((column.target, o) for v in values for o in _numbers(v))
                elif column.reading == "columns":
                    at = _place(catalog, column.target)
                    tables.update(int(row[at]) for row in rows if row[place])
            if catalog.name in _COMMENTS | _LABELS:
                wanted |= {(self._catalog_of(r[1]), int(r[0])) for r in rows if r[1]}
            if catalog.name == "pg_attrdef":
                at = _place(catalog, "adrelid")
                tables.update(int(row[at]) for row in rows)
            if catalog.name in _COMMENTS | _LABELS:
                tables.update(int(row[0]) for row in rows if len(row) > 2)
        for row in self._dependencies:
            wanted |= {(row[0], row[1]), (row[3], row[4])}
            if row[5]:
                tables.add(row[4])
        missing = [one for one in wanted if one[1] and one not in self._names]
        built_in = _built_in[self._version]
        if missing:
            names, numbers = zip(*missing, strict=True)
            found = self._session.execute(_IDENTITIES, (list(names), list(numbers)))
            for name, number, kind, identity in found:
                if identity is not None:
                    self._names[name, number] = (kind, identity)
                    if number < catalogs.FIRST_OF_USERS and name != "pg_authid":
                        built_in[name, number] = (kind, identity)
        if tables:
            rows = self._session.execute(_COLUMN_NAMES, (list(tables),))
            self._columns = {(table, number): name for table, number, name in rows}

    def _catalog_of(self, oid: str) -> str:
        name = self._names.get(("pg_class", int(oid)))
        if name is None:
            ((found,),) = self._session.execute(f"select {int(oid)}::regclass::text")
            name = ("table", f"pg_catalog.{found.removeprefix('pg_catalog.')}")
            self._names["pg_class", int(oid)] = name
            _built_in[self._version]["pg_class", int(oid)] = name
        return name[1].removeprefix("pg_catalog.")

    def _name(self, catalog: str, oid: int) -> str:
        if not oid:
            return ""
        if catalog == "pg_database":
            return "this database"
        return self._names.get((catalog, oid), ("", f"{catalog} {oid}"))[1]

    def _value(self, catalog: Catalog, column: Column, row: Sequence[str | None], at: int) -> str:
        value = row[at]
        if value is None:
            return ""
        if column.reading == "text":
            return value
        if column.reading == "object":
            return self._name(column.target, int(value))
        if column.reading == "objects":
            return ", ".join(self._name(column.target, o) or "-" for o in _numbers(value))
        table = int(row[_place(catalog, column.target)] or 0)
        return ", ".join(
            self._columns.get((table, number), "expression") for number in _numbers(value)
        )

    def _values(self, catalog: Catalog, row: Sequence[str | None]) -> dict[str, str]:
        left_out = {"oid"} if catalog.key == ("oid",) else set(catalog.key)
        return {
            column.name: self._value(catalog, column, row, at)
            for at, column in enumerate(catalog.columns)
            if column.name not in left_out
        }

    # Rows

    def _base(self, catalog: Catalog, rows: Iterable[Sequence[Any]]) -> None:
        at = _place(catalog, "oid")
        rename = {"pg_attrdef": self._default, "pg_trigger": self._trigger}.get(catalog.name)
        for row in rows:
            if rename is not None:
                rename(catalog, row)
                continue
            kind, name = self._names.get(
                (catalog.name, int(row[at])), (catalog.name, f"{catalog.name} {row[at]}")
            )
            if catalog.name == "pg_database":
                name = "this database"
            self._add(catalog.name, kind, name, self._values(catalog, row))

    def _add(self, catalog: str, kind: str, name: str, values: dict[str, str]) -> Object:
        key, number = (catalog, name), 1
        while key in self._objects:
            number += 1
            key = (catalog, f"{name} ({number})")
        made = self._objects[key] = Object(kind, key[1], values)
        return made

    def _default(self, catalog: Catalog, row: Sequence[Any]) -> None:
        """A default is said with its column, below."""
        values = dict(zip((c.name for c in catalog.columns), row, strict=True))
        table, number = int(values["adrelid"]), int(values["adnum"])
        self._names["pg_attrdef", int(values["oid"])] = (
            "table column",
            f"{self._name('pg_class', table)}.{self._columns.get((table, number), number)}",
        )
        self._defaults[table, number] = values["adbin"] or ""

    def _trigger(self, catalog: Catalog, row: Sequence[Any]) -> None:
        values = self._values(catalog, row)
        at = _place(catalog, "oid")
        kind, name = self._names.get(("pg_trigger", int(row[at])), ("trigger", str(row[at])))
        if values.get("tgisinternal") in ("t", "true"):
            # Its name holds an OID; what it is for does not. All else follows the constraint.
            name = f"{values['tgfoid']} for {values['tgconstraint']} on {values['tgrelid']}"
            self._names["pg_trigger", int(row[at])] = ("trigger", name)
            values = {"tgenabled": values["tgenabled"]}
            kind = "internal trigger"
        self._add("pg_trigger", kind, name, values)

    def _attributes(self, catalog: Catalog, rows: Iterable[Sequence[Any]]) -> None:
        table_at, number_at = _place(catalog, "attrelid"), _place(catalog, "attnum")
        name_at = _place(catalog, "attname")
        for row in rows:
            table, number = int(row[table_at]), int(row[number_at])
            kind, of = self._names.get(("pg_class", table), ("table", str(table)))
            values = self._values(catalog, row)
            # An index keeps the names that its columns had when it was made.
            name = str(number) if kind in ("index", "partitioned index") else _quoted(row[name_at])
            values.pop("attname", None)
            if (default := self._defaults.get((table, number))) is not None:
                values["default"] = default
            made = self._add("pg_attribute", f"{kind} column", f"{of}.{name}", values)
            made.parts_of.add(("pg_class", of))

    def _texts(self, catalog: Catalog, rows: Iterable[Sequence[Any]]) -> None:
        names = [column.name for column in catalog.columns]
        for row in rows:
            values = dict(zip(names, row, strict=True))
            target = self._catalog_of(values["classoid"])
            oid, part = int(values["objoid"]), int(values.get("objsubid") or 0)
            key = self._key(target, oid, part)
            if key is None:
                continue
            what = "comment"
            text = values.get("description")
            if catalog.name in _LABELS:
                what, text = f"security label of {values['provider']}", values["label"]
            self._object(key, target).values[what] = text or ""

    def _lists(self, catalog: Catalog, rows: Iterable[Sequence[Any]]) -> None:
        """Rows of one object that have an order: in it, as one value."""
        key = _place(catalog, catalog.key[0])
        numbers = [_place(catalog, name) for name in catalog.key[1:]]
        found: dict[int, list[tuple[tuple[int, ...], str]]] = {}
        for row in rows:
            order = tuple(int(row[at]) for at in numbers)
            values = self._values(catalog, row)
            if catalog.name == "pg_ts_config_map":
                values = {"token": str(order[0]), **values}
            text = " ".join(
                f"({name.removeprefix('inhdetach')})" if value == "true" else value
                for name, value in values.items()
                if value != "false"
            )
            found.setdefault(int(row[key]), []).append((order, text))
        target = catalog.columns[key].target
        for oid, texts in found.items():
            name = self._key(target, oid, 0)
            if name is not None:
                value = ", ".join(text for _, text in sorted(texts))
                self._object(name, target).values[catalog.name] = value

    def _extensions(self, catalog: Catalog, rows: Iterable[Sequence[Any]]) -> None:
        at = _place(catalog, catalog.key[0])
        target = catalog.columns[at].target
        for row in rows:
            key = self._key(target, int(row[at]), 0)
            if key is not None:
                self._object(key, target).values.update(self._values(catalog, row))

    def _others(self, catalog: Catalog, rows: Iterable[Sequence[Any]]) -> None:
        keys = [(at, c) for at, c in enumerate(catalog.columns) if c.name in catalog.key]
        for row in rows:
            named = {c.name: self._value(catalog, c, row, at) for at, c in keys}
            name = " ".join(filter(None, named.values()))
            kind = catalog.name
            if catalog.name == "pg_auth_members":  # it has an OID, and so a name, since 16
                kind = "role membership"
                name = f"membership of role {named['member']} in role {named['roleid']}"
            self._add(catalog.name, kind, name, self._values(catalog, row))

    def _depend(self) -> None:
        owned: dict[Key, list[str]] = {}
        for catalog, oid, part, of_catalog, of_oid, of_part, kind in self._dependencies:
            key = self._key(catalog, oid, part)
            of = self._key(of_catalog, of_oid, of_part)
            made = self._objects.get(key) if key is not None else None
            if made is None or key is None or of is None or key == of:
                continue
            if kind != "x":
                made.parts_of.add(of)
            # Only here is it said whose a sequence is, and what belongs to an extension.
            if kind in "ex" or made.kind == "sequence":
                owned.setdefault(key, []).append(of[1])
        for key, names in owned.items():
            self._objects[key].values["belongs to"] = ", ".join(sorted(names))

    def _key(self, catalog: str, oid: int, part: int) -> Key | None:
        if catalog == "pg_database":
            return catalog, "this database"
        known = self._names.get((catalog, oid))
        if known is None:
            return None
        if catalog == "pg_class" and part > 0:
            index = known[0] in ("index", "partitioned index")
            name = str(part) if index else self._columns.get((oid, part))
            return ("pg_attribute", f"{known[1]}.{name}") if name is not None else None
        return ("pg_attribute" if catalog == "pg_attrdef" else catalog), known[1]

    def _object(self, key: Key, catalog: str) -> Object:
        """That of the key; made where only this is known of it, as of a built-in one."""
        if key not in self._objects:
            self._objects[key] = Object(catalog, key[1])
        return self._objects[key]


def _place(catalog: Catalog, name: str) -> int:
    return next(at for at, column in enumerate(catalog.columns) if column.name == name)


def _numbers(value: str | None) -> list[int]:
    """Of an OID, an ``oidvector``, an array."""
    return [int(one) for one in re.findall(r"\d+", value)] if value else []


def _quoted(name: str) -> str:
    if re.fullmatch(r"[a-z_][a-z0-9_$]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'
