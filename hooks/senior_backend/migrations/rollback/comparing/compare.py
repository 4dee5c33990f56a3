"""What differs between two snapshots, as people say it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from senior_backend.migrations.rollback.comparing.catalogs import HIDDEN
from senior_backend.migrations.rollback.comparing.snapshot import Key, Object, Snapshot

MISSING: Final = "missing"
EXTRA: Final = "extra"
INVALID: Final = "INVALID"
"""Said of an index that was left half built: no query uses it, every write keeps it up."""
_ORDER: Final = "order of columns"
SLOTS: Final = "slots of dropped columns"
_DEFINITION: Final = '"_RETURN" on '
"""How the server calls the rule that a view is."""
_LONGEST: Final = 160
_TABLES: Final = frozenset({"table", "partitioned table", "foreign table"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was.

    ``object`` as people say it: ``index orders_status_idx``, without the schema ``public``.
    ``what`` is ``missing``, ``extra`` or the property that changed from ``before`` to ``after``;
    of an index that is missing or extra these may say that it is ``INVALID``.
    ``physical``: no statement but ``SELECT *`` or INSERT without columns can tell (slots of
    dropped columns, of which a table has 1600, and the order of columns).
    ``parts`` are the objects that are missing or extra with it, such as a column's indexes.
    """

    object: str
    what: str
    before: str = ""
    after: str = ""
    physical: bool = False
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.what in (MISSING, EXTRA):
            beside = f" (with {', '.join(self.parts)})" if self.parts else ""
            invalid = f", {INVALID}" if INVALID in (self.before, self.after) else ""
            return f"{self.object}: {self.what}{invalid}{beside}"
        before, after = _around_the_change(_on_one_line(self.before), _on_one_line(self.after))
        return f"{self.object}: {self.what}: {before} → {after}"

    def as_json(self) -> dict[str, Any]:
        """The form of ``differences`` in the published proof."""
        return {
            "object": self.object,
            "what": self.what,
            "before": self.before,
            "after": self.after,
            "physical": self.physical,
            "parts": list(self.parts),
        }


def differences(before: Snapshot, after: Snapshot) -> tuple[Difference, ...]:
    """All of them, sorted by object: none means that the catalogs say the same of both.

    What is missing or extra with the whole that it is part of is not told on its own.
    """
    found: list[Difference] = []
    for objects, others, what in (
        (before.objects, after.objects, MISSING),
        (after.objects, before.objects, EXTRA),
    ):
        alone = {key for key in objects if key not in others}
        parts: dict[Key, list[str]] = {}
        for key in alone:
            for whole in objects[key].parts_of:
                if whole[0] == "pg_attribute":
                    parts.setdefault(whole, []).append(_said(key, objects[key]))
        for key in alone:
            one = objects[key]
            if one.parts_of & alone or _goes_with_its_column(key, one, before, after):
                continue
            if one.kind.endswith("index column"):
                continue  # the index itself says which columns it has
            shown = tuple(sorted(parts.get(key, ())))
            state = INVALID if one.values.get("indisvalid") == "false" else ""
            before_after = (state, "") if what == MISSING else ("", state)
            found.append(Difference(_said(key, one), what, *before_after, parts=shown))
    changed = {
        key: list(_changed_columns(key, one, after.objects[key]))
        for key, one in before.objects.items()
        if key in after.objects and one.values != after.objects[key].values
    }
    found += [
        _change(key, column, before.objects[key], after.objects[key])
        for key, columns in changed.items()
        for column in columns
        if not _follows(column, key, changed, before, after)
    ]
    return tuple(sorted(found, key=lambda d: (d.physical, d.object, d.what)))


def only_physical(found: tuple[Difference, ...]) -> bool:
    """Whether nothing but slots of dropped columns and orders of columns differ."""
    return bool(found) and all(one.physical for one in found)


def _goes_with_its_column(key: Key, one: Object, before: Snapshot, after: Snapshot) -> bool:
    """A NOT NULL constraint whose column says itself that it is no longer, or is now, NOT NULL."""
    if key[0] != "pg_constraint" or one.values.get("contype") != "n":
        return False
    column = ("pg_attribute", f"{one.values['conrelid']}.{one.values['conkey']}")
    sides = [side.objects.get(column) for side in (before, after)]
    return len({side.values["attnotnull"] for side in sides if side is not None}) == 2


def _wholes(key: Key, snapshot: Snapshot) -> Iterator[Key]:
    """Everything that an object is a part of, at any remove."""
    known, left = {key}, [key]
    while left:
        one = snapshot.objects.get(left.pop())
        for whole in one.parts_of - known if one is not None else ():
            known.add(whole)
            left.append(whole)
            yield whole


_FOLLOW_INHERITANCE: Final = frozenset(
    {"attislocal", "attinhcount", "conislocal", "coninhcount", "conparentid", "pg_inherits"}
)


def _follows(
    column: str, key: Key, changed: Mapping[Key, list[str]], before: Snapshot, after: Snapshot
) -> bool:
    """Whether a change is that of the whole once more, such as the owner of a table's indexes."""

    def pair(of: Key) -> tuple[str | None, str | None]:
        return before.objects[of].values.get(column), after.objects[of].values.get(column)

    for whole in _wholes(key, before):
        of_whole = changed.get(whole, ())
        if column in _FOLLOW_INHERITANCE and "pg_inherits" in of_whole:
            return True
        if column in of_whole and pair(whole) == pair(key):
            return True
    return False


_FOLLOW_COLUMNS: Final = frozenset({"indclass", "indcollation", "indnkeyatts", "indoption"})
"""One entry for each column of an index."""


def _changed_columns(key: Key, one: Object, other: Object) -> Iterator[str]:
    other_columns = one.values.get("indkey") != other.values.get("indkey")
    for column in sorted(one.values.keys() | other.values.keys()):
        old, new = one.values.get(column, ""), other.values.get(column, "")
        if old == new:
            continue
        if column == _ORDER and sorted(_names(old)) != sorted(_names(new)):
            continue  # columns came or went, and are told
        if other_columns and column in _FOLLOW_COLUMNS:
            continue
        yield column


def _change(key: Key, column: str, one: Object, other: Object) -> Difference:
    old, new = one.values.get(column, ""), other.values.get(column, "")
    physical = column == SLOTS or (column == _ORDER and one.kind in _TABLES)
    what = _property(key, column)
    return Difference(
        _said(key, one), what, _word(column, old), _word(column, new), physical=physical
    )


def _names(order: str) -> list[str]:
    return re.findall(r'"(?:[^"]|"")*"|[^", ]+', order)


_KINDS: Final[Mapping[str, str]] = {
    "table column": "column",
    "table constraint": "constraint",
    "role membership": "",
    "publication relation": "table",
    "publication namespace": "tables in schema",
}


def _said(key: Key, one: Object) -> str:
    catalog, _ = key
    name = one.name
    kind = _KINDS.get(one.kind, one.kind)
    if catalog == "pg_database":
        return "this database"
    if catalog == "pg_rewrite" and name.startswith(_DEFINITION):
        return f"view {short(name.removeprefix(_DEFINITION))}"
    if catalog == "pg_trigger" and one.kind == "internal trigger":
        of, _, constraint = name.partition(" for ")
        constraint = constraint.rpartition(" on ")[0]
        return f"constraint {short(constraint)}: trigger of {short(of)}"
    if kind.endswith(" column") and kind.startswith(("index", "partitioned index")):
        index, _, number = name.rpartition(".")
        return f"index {short(index)}, column {number}"
    if catalog == "pg_db_role_setting":
        return f"settings of {name or 'all roles'}"
    return f"{kind} {short(name)}".lstrip()


def short(name: str) -> str:
    """Without the schemas in which names are looked up anyway."""
    return re.sub(r'(?<![\w".])(?:public|pg_catalog)\.(?=\S)', "", name)


_PROPERTIES: Final[Mapping[str, str]] = {
    "attnotnull": "NOT NULL",
    "attidentity": "identity",
    "attgenerated": "generated",
    "attstattarget": "statistics target",
    "attoptions": "options",
    "attfdwoptions": "options",
    "attacl": "privileges",
    "attislocal": "defined here, not only inherited",
    "attinhcount": "parents that have it",
    "belongs to": "belongs to",
    "conkey": "columns",
    "confkey": "referenced columns",
    "conbin": "condition",
    "condeferrable": "deferrable",
    "condeferred": "initially deferred",
    "conenforced": "enforced",
    "confdeltype": "ON DELETE",
    "confupdtype": "ON UPDATE",
    "confmatchtype": "MATCH",
    "connoinherit": "NO INHERIT",
    "convalidated": "validated",
    "ev_action": "definition",
    "ev_enabled": "fires",
    "indclass": "operator classes",
    "indexprs": "expressions",
    "indisclustered": "marked for CLUSTER",
    "indisreplident": "replica identity",
    "indisvalid": "valid",
    "indkey": "columns",
    "indnullsnotdistinct": "NULLS NOT DISTINCT",
    "indoption": "order (1: DESC, 2: NULLS FIRST)",
    "indpred": "WHERE",
    "pg_inherits": "inherits",
    "pg_ts_config_map": "mappings",
    "polcmd": "command",
    "polqual": "USING",
    "polroles": "roles",
    "polwithcheck": "WITH CHECK",
    "prattrs": "columns",
    "proargdefaults": "defaults of arguments",
    "proargnames": "names of arguments",
    "proconfig": "settings",
    "proisstrict": "STRICT",
    "prosecdef": "SECURITY DEFINER",
    "prosqlbody": "body",
    "prosrc": "body",
    "provolatile": "volatility",
    "prqual": "WHERE",
    "relam": "access method",
    "relforcerowsecurity": "row security forced on its owner",
    "relispopulated": "populated",
    "relpartbound": "partition",
    "relpersistence": "persistence",
    "relreplident": "replica identity",
    "relrowsecurity": "row security",
    "reltablespace": "tablespace",
    "setconfig": "values",
    "stxstattarget": "statistics target",
    "tgattr": "UPDATE OF",
    "tgenabled": "fires",
    "tgfoid": "function",
    "tgqual": "WHEN",
    "typdefault": "default",
    "type": "type",
    "typnotnull": "NOT NULL",
}
_PREFIXES: Final = re.compile(
    r"^(?:rel|att|con|ind|pro|typ|tg|pol|pub|pn|pr|stx|seq|ev_|evt|ext|srv|fdw|ft|um|opc|opf|amop"
    r"|amproc|am|cast|coll|cfg|dict|lan|nsp|trf|rol|spc|dat|opr|agg|rng|prs|tmpl|sub|defacl)"
    r"(?=[a-z])"
)


def _property(key: Key, column: str) -> str:
    if known := _PROPERTIES.get(column):
        return known
    if column.endswith("acl"):
        return "privileges"
    return {"config": "settings"}.get(plain := _PREFIXES.sub("", column), plain)


_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "tgenabled": {"O": "always", "D": "never: disabled", "R": "as replica", "A": "also as replica"},
    "ev_enabled": {
        "O": "always",
        "D": "never: disabled",
        "R": "as replica",
        "A": "also as replica",
    },
    "evtenabled": {
        "O": "always",
        "D": "never: disabled",
        "R": "as replica",
        "A": "also as replica",
    },
    "attidentity": {"a": "always", "d": "by default"},
    "attgenerated": {"s": "stored", "v": "virtual"},
    "attstorage": {"p": "plain", "e": "external", "m": "main", "x": "extended"},
    "typstorage": {"p": "plain", "e": "external", "m": "main", "x": "extended"},
    "attcompression": {"p": "pglz", "l": "lz4"},
    "relpersistence": {"p": "logged", "u": "unlogged"},
    "relreplident": {"d": "primary key", "n": "nothing", "f": "full", "i": "an index"},
    "provolatile": {"i": "immutable", "s": "stable", "v": "volatile"},
    "proparallel": {"s": "safe", "r": "restricted", "u": "unsafe"},
    "prokind": {"f": "function", "p": "procedure", "a": "aggregate", "w": "window function"},
    "confdeltype": {
        "a": "no action",
        "r": "restrict",
        "c": "cascade",
        "n": "set null",
        "d": "set default",
    },
    "confupdtype": {
        "a": "no action",
        "r": "restrict",
        "c": "cascade",
        "n": "set null",
        "d": "set default",
    },
    "confmatchtype": {"f": "full", "p": "partial", "s": "simple"},
    "polcmd": {"*": "all", "r": "select", "a": "insert", "w": "update", "d": "delete"},
}


_TEXTS: Final = frozenset(
    {"default", "comment", "conbin", "indpred", "indexprs", "polqual", "polwithcheck", "prqual"}
    | {"prosrc", "prosqlbody", "proargdefaults", "tgqual", "typdefault", "typdefaultbin"}
)
"""What people wrote, in which ``true`` is no answer."""


def _word(column: str, value: str) -> str:
    if column.endswith("acl") and not value:
        return "default"
    said = _WORDS.get(column, {}).get(value)
    if said is not None:
        return said
    if column == "ev_action":
        return re.sub(r"^CREATE RULE \S+ AS\s+ON SELECT TO \S+ DO INSTEAD\s+", "", value)
    if value.startswith(HIDDEN):
        return "a secret"
    if column in _TEXTS:
        return value or "none"
    return {"": "none", "true": "yes", "false": "no"}.get(value.strip(), value)


def _on_one_line(text: str) -> str:
    return short(" ".join(text.split()))


def _around_the_change(before: str, after: str) -> tuple[str, str]:
    """Of long values the part that differs, with a little before it."""
    if len(before) <= _LONGEST and len(after) <= _LONGEST:
        return before, after
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    start = max(0, same - _LONGEST // 3)
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int) -> str:
    end = start + _LONGEST
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
