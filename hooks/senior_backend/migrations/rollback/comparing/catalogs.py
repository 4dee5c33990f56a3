"""Which columns of which system catalogs are compared, as SQL made for the server that is asked.

Nothing here is listed per type of object: the server's own catalogs say what they hold, and
``pg_get_catalog_foreign_keys()`` says which of their columns name rows of others. What is left out
is left out by name, with the reason, so that what a new PostgreSQL adds is compared at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

FIRST_OF_USERS: Final = 16384
"""The first OID that the server gives to what users make (``FirstNormalObjectId``)."""

Reading = Literal["text", "object", "objects", "columns"]
"""What the text of a column is: itself, the OID of a row or several, numbers of columns."""

NOT_COMPARED: Final[Mapping[str, str]] = {
    "pg_depend": "says again what other columns say; what only it says is asked for on its own",
    "pg_shdepend": "says again what owner and privilege columns say",
    "pg_init_privs": "what privileges were when the server or an extension was set up",
    "pg_statistic": "what ANALYZE found in the rows",
    "pg_statistic_ext_data": "what ANALYZE found in the rows",
    "pg_largeobject": "rows of users, not their schema",
    "pg_largeobject_metadata": "rows of users, not their schema",
    "pg_subscription_rel": "how far replication has come",
    "pg_replication_origin": "how far replication has come",
}
OF_THE_CLUSTER: Final = frozenset(
    {"pg_authid", "pg_auth_members", "pg_tablespace", "pg_parameter_acl"}
)
"""Shared by all databases of a server: on a server of others, others may change them meanwhile."""

NOT_COMPARED_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "pg_class": {
        "relfilenode": "which file",
        "relpages": "statistics",
        "reltuples": "statistics",
        "relallvisible": "statistics",
        "relallfrozen": "statistics",
        "relfrozenxid": "age of rows",
        "relminmxid": "age of rows",
        "reltoastrelid": "a table keeps its toast table when its last wide column goes",
        "reltype": "the row type follows its table",
        "relhasindex": "stays true until the next VACUUM",
        "relhasrules": "stays true until the next VACUUM",
        "relhastriggers": "stays true until the next VACUUM",
        "relhassubclass": "stays true until the next ANALYZE",
        "relrewrite": "set while a table is written anew",
        "relnatts": "counts the slots of dropped columns",
        "relchecks": "counts constraints, which are compared one by one",
        "relispartition": "the bounds of a partition say it",
    },
    "pg_index": {
        "indcheckxmin": "until when old transactions must not use it",
        "indnatts": "counts columns, which are compared one by one",
    },
    "pg_attribute": {
        "attnum": "slots of dropped columns count; the order is compared on its own",
        "attisdropped": "dropped columns are compared on their own",
        "attcacheoff": "a cache",
        "atthasmissing": "how a default of old rows is stored",
        "attmissingval": "how a default of old rows is stored",
        "atthasdef": "the default itself is compared",
        "attlen": "follows the type",
        "attbyval": "follows the type",
        "attalign": "follows the type",
        "attndims": "not enforced, and not kept by every statement that copies a column",
    },
    "pg_type": {
        "typarray": "the array type follows its element",
        "typisdefined": "false only inside CREATE TYPE",
    },
    "pg_enum": {"enumsortorder": "fractions tell how values were added; their order is compared"},
    "pg_inherits": {"inhseqno": "counts on past parents that are gone; the order is compared"},
    "pg_attrdef": {"adnum": "is in the name"},
    "pg_database": {
        "datname": "which database is compared",
        "datfrozenxid": "age of rows",
        "datminmxid": "age of rows",
        "datlastsysoid": "constant",
        "datistemplate": "how a copy was made",
        "datallowconn": "how a copy was made",
        "datcollversion": "of the machine, not of the schema",
        "dathasloginevt": "stays true until the next login",
    },
    "pg_collation": {"collversion": "of the machine, not of the schema"},
    "pg_subscription": {"subskiplsn": "how far replication has come"},
}
_ONLY_OURS: Final = frozenset(
    {
        "pg_aggregate",
        "pg_amop",
        "pg_amproc",
        "pg_attribute",
        "pg_cast",
        "pg_class",
        "pg_collation",
        "pg_constraint",
        "pg_conversion",
        "pg_index",
        "pg_opclass",
        "pg_operator",
        "pg_opfamily",
        "pg_proc",
        "pg_range",
        "pg_rewrite",
        "pg_type",
    }
)
"""Catalogs with hundreds of built-in rows. Of those only the ones whose privileges are not as they
came are read; of all other catalogs, every row."""

_ACL_KINDS: Final[Mapping[str, str]] = {
    "pg_class": "case relkind when 'S' then 's' else 'r' end",
    "pg_proc": "'f'",
    "pg_type": "'T'",
    "pg_language": "'l'",
    "pg_namespace": "'n'",
    "pg_database": "'d'",
    "pg_tablespace": "'t'",
    "pg_foreign_data_wrapper": "'F'",
    "pg_foreign_server": "'S'",
}
"""How ``acldefault`` names what a catalog holds: no privileges stored are the default ones."""

_NODE_TREES: Final[Mapping[tuple[str, str], str]] = {
    ("pg_rewrite", "ev_action"): "pg_get_ruledef(oid)",
    ("pg_rewrite", "ev_qual"): "null",  # the rule's definition has it
    ("pg_proc", "prosqlbody"): "pg_get_function_sqlbody(oid)",
    # pg_get_expr refuses what names both OLD and NEW.
    ("pg_trigger", "tgqual"): (
        "case when tgqual is not null then substring(pg_get_triggerdef(oid) "
        r"from ' WHEN \((.*)\) EXECUTE ') end"
    ),
}
_SECRETS: Final = frozenset({"rolpassword", "umoptions", "subconninfo"})
"""Compared, but never kept nor shown."""
HIDDEN: Final = "hidden: "
"""Before what is kept of them."""
_COLUMNS_OF: Final[Mapping[tuple[str, str], str]] = {
    ("pg_constraint", "confdelsetcols"): "conrelid",
    ("pg_publication_rel", "prattrs"): "prrelid",
}
"""Numbers of columns that the list of foreign keys does not know, and the column with the table."""

_FILTERS: Final[Mapping[str, str]] = {
    # Toast tables and their indexes follow their tables; the options of one are read with those of
    # its table, where people set them.
    "pg_class": "relkind <> 't' and relnamespace <> 'pg_toast'::regnamespace",
    "pg_index": "not exists (select from pg_class c where c.oid = indexrelid"
    " and c.relnamespace = 'pg_toast'::regnamespace)",
    "pg_attribute": "attnum > 0 and not attisdropped and not exists (select from pg_class c"
    " where c.oid = attrelid and c.relnamespace = 'pg_toast'::regnamespace)",
    # Array types follow their elements, row types their tables.
    "pg_type": "not exists (select from pg_type e where e.typarray = t.oid) and not exists"
    " (select from pg_class c where c.oid = t.typrelid and c.relkind <> 'c')",
    # Schemas of sessions' temporary tables come with the first and stay.
    "pg_namespace": "nspname !~ '^pg_(toast_)?temp_'",
    "pg_database": "datname = current_database()",
    "pg_db_role_setting": "setdatabase = (select oid from pg_database"
    " where datname = current_database())",
    "pg_subscription": "subdbid = (select oid from pg_database where datname = current_database())",
    "pg_description": f"(objoid >= {FIRST_OF_USERS} or classoid in ('pg_namespace'::regclass,"
    " 'pg_extension'::regclass))",
    "pg_shdescription": "objoid = (select oid from pg_database where datname = current_database())"
    " and classoid = 'pg_database'::regclass",
    "pg_shseclabel": "objoid = (select oid from pg_database where datname = current_database())"
    " and classoid = 'pg_database'::regclass",
}
_WITH_CLUSTER: Final[Mapping[str, str]] = {
    "pg_db_role_setting": "setdatabase in (0, (select oid from pg_database"
    " where datname = current_database()))",
    "pg_shdescription": "true",
    "pg_shseclabel": "true",
    "pg_authid": "rolname !~ '^pg_'",
}
_EXTRA: Final[Mapping[str, Mapping[str, str]]] = {
    "pg_class": {
        "toast options": "(select array_to_string(array(select o from unnest(s.reloptions) o"
        " order by 1), ', ') from pg_class s where s.oid = t.reltoastrelid)",
        "order of columns": "(select array_to_string(array_agg(quote_ident(a.attname)"
        " order by a.attnum), ', ') from pg_attribute a where a.attrelid = t.oid and a.attnum > 0"
        " and not a.attisdropped and t.relkind not in ('i', 'I', 'S'))",
        "slots of dropped columns": "(select count(*) from pg_attribute a"
        " where a.attrelid = t.oid and a.attnum > 0 and a.attisdropped)",
    },
    "pg_attribute": {"type": "format_type(atttypid, atttypmod)"},
    "pg_type": {
        "base type": "case when typbasetype <> 0 then format_type(typbasetype, typtypmod) end",
        "values": "(select array_to_string(array_agg(quote_literal(e.enumlabel)"
        " order by e.enumsortorder), ', ') from pg_enum e where e.enumtypid = t.oid)",
    },
    "pg_inherits": {"inhseqno": "inhseqno"},
    "pg_attrdef": {"adnum": "adnum"},
}
"""What is worked out for a row beside its columns."""

_WORKED_OUT: Final[Mapping[str, frozenset[str]]] = {
    "pg_attribute": frozenset({"atttypid", "atttypmod"}),
    "pg_type": frozenset({"typbasetype", "typtypmod"}),
}
"""Columns that ``_EXTRA`` says better."""

DEPENDENCIES: Final = f"""
select classid::regclass::text, objid, objsubid, refclassid::regclass::text, refobjid, refobjsubid,
       deptype
from pg_depend where objid >= {FIRST_OF_USERS} and deptype in ('a', 'i', 'e', 'x')
"""  # noqa: S608 - a number

STRUCTURE: Final = """
with keys as (
    select fktable, fkcols, pktable::text as pktable, is_array from pg_get_catalog_foreign_keys()
)
select c.relname, a.attname, a.atttypid::regtype::text,
       (select pktable from keys where fktable = c.oid and fkcols = array[a.attname::text] limit 1),
       coalesce((select is_array from keys where fktable = c.oid and fkcols = array[a.attname::text]
                 limit 1), false),
       (select fkcols[1] from keys where fktable = c.oid and fkcols[2] = a.attname::text
        and cardinality(fkcols) = 2 and pktable = 'pg_attribute' limit 1),
       coalesce((select array_position(i.indkey::int2[], a.attnum) from pg_index i
                 where i.indrelid = c.oid and i.indisprimary), -1)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'r'
  and a.attnum > 0 and not a.attisdropped and has_column_privilege(c.oid, a.attnum, 'select')
order by c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a row: how its text is read, and of which catalog (or by which column)."""

    name: str
    reading: Reading = "text"
    target: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is read of one catalog: ``query`` yields the ``columns`` as text.

    ``key`` are the columns of its primary key; ``("oid",)`` for most.
    """

    name: str
    query: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def extends(self) -> str | None:
        """The catalog whose rows this one's are a continuation of, as pg_index is of pg_class."""
        if len(self.key) == 1 and self.key != ("oid",):
            column = self.column(self.key[0])
            return column.target if column is not None and column.reading == "object" else None
        return None

    def column(self, name: str) -> Column | None:
        """By name."""
        return next((one for one in self.columns if one.name == name), None)


@dataclass(slots=True)
class _Attribute:
    name: str
    type: str
    target: str | None
    is_array: bool
    table_column: str | None
    key_position: int


@dataclass(slots=True)
class _Table:
    name: str
    attributes: list[_Attribute] = field(default_factory=list)

    def names(self) -> set[str]:
        return {one.name for one in self.attributes}


def catalogs(structure: Iterable[Sequence[object]], *, cluster: bool) -> tuple[Catalog, ...]:
    """What to read, from the rows of ``STRUCTURE``; with ``cluster`` also what is shared."""
    tables: dict[str, _Table] = {}
    for table, name, type_, target, is_array, table_column, position in structure:
        attribute = _Attribute(
            str(name),
            str(type_),
            str(target) if target is not None else None,
            bool(is_array),
            str(table_column) if table_column is not None else None,
            int(str(position)),
        )
        tables.setdefault(str(table), _Table(str(table))).attributes.append(attribute)
    return tuple(
        _catalog(table, cluster=cluster)
        for name, table in sorted(tables.items())
        if name not in NOT_COMPARED
        and (cluster or name not in OF_THE_CLUSTER)
        # Its values are read with their type.
        and name != "pg_enum"
    )


def _catalog(table: _Table, *, cluster: bool) -> Catalog:
    names = table.names()
    key = tuple(
        one.name
        for one in sorted(table.attributes, key=lambda a: a.key_position)
        if one.key_position >= 0
    )
    key = ("oid",) if "oid" in names else key
    left_out = NOT_COMPARED_COLUMNS.get(table.name, {})
    columns: list[Column] = []
    selected: list[str] = []
    for one in table.attributes:
        if one.name in key or (
            one.name not in left_out and one.name not in _WORKED_OUT.get(table.name, ())
        ):
            columns.append(_column(table, one))
            selected.append(_expression(table, one))
    for name, expression in _EXTRA.get(table.name, {}).items():
        if name not in key:
            columns.append(Column(name))
            selected.append(f"({expression})::text")
    where = [_ours(table, key)]
    if (narrowed := _filter(table.name, cluster=cluster)) is not None:
        where.append(narrowed)
    query = f"select {', '.join(selected)} from {table.name} t where {' and '.join(where)}"  # noqa: S608
    return Catalog(table.name, query, tuple(columns), key)


def _filter(table: str, *, cluster: bool) -> str | None:
    if cluster and table in _WITH_CLUSTER:
        return _WITH_CLUSTER[table]
    return _FILTERS.get(table)


def _column(table: _Table, one: _Attribute) -> Column:
    table_column = one.table_column or _COLUMNS_OF.get((table.name, one.name))
    if table_column is not None:
        return Column(one.name, "columns", table_column)
    if one.target is not None:
        return Column(one.name, "objects" if one.is_array else "object", one.target)
    return Column(one.name)


def _expression(table: _Table, one: _Attribute) -> str:
    if one.name in _SECRETS:
        return f"'{HIDDEN}' || md5({one.name}::text)"
    if one.type == "pg_node_tree":
        known = _NODE_TREES.get((table.name, one.name))
        return f"{known or _decompiled(table, one)}"
    if one.type == "aclitem[]":
        return f"array_to_string({_privileges(table, one.name)}, ', ')"
    if one.type == "text[]" and one.name.endswith(("options", "config")):
        # Their order is the one in which they were set.
        return f"array_to_string(array(select o from unnest({one.name}) o order by 1), ', ')"  # noqa: S608
    if one.target is not None and not one.is_array:
        return f"{one.name}::oid::text"
    if one.type == "bytea":
        return f"encode({one.name}, 'hex')"
    return f"{one.name}::text"


def _decompiled(table: _Table, one: _Attribute) -> str:
    """``pg_get_expr`` with the table whose columns the expression names."""
    tables = [a for a in table.attributes if a.target == "pg_class"]
    chosen = next((a.name for a in tables if a.key_position < 0 and a.name.endswith("relid")), None)
    if table.name == "pg_class":
        chosen = "oid"
    elif chosen is None:
        chosen = next((a.name for a in tables if a.key_position >= 0), "0")
    return f"pg_get_expr({one.name}, {chosen})"


def _privileges(table: _Table, name: str) -> str:
    """In one order; null where they are the default ones, stored or not."""
    stored = f"array(select p::text from unnest({name}) p order by 1)"  # noqa: S608
    default = _default_privileges(table)
    return stored if default is None else f"nullif({stored}, {default})"


def _default_privileges(table: _Table) -> str | None:
    owner = next((a.name for a in table.attributes if a.target == "pg_authid"), None)
    kind = _ACL_KINDS.get(table.name)
    if owner is None or kind is None:
        return None
    default = f'acldefault(({kind})::"char", {owner})'
    return f"array(select p::text from unnest({default}) p order by 1)"  # noqa: S608


def _ours(table: _Table, key: tuple[str, ...]) -> str:
    if table.name not in _ONLY_OURS:
        return "true"
    ours = f"{key[0]} >= {FIRST_OF_USERS}"
    acl = next((a.name for a in table.attributes if a.type == "aclitem[]"), None)
    if acl is None or key != ("oid",):
        return ours
    first = "(select i.initprivs from pg_init_privs i where i.objoid = t.oid and i.classoid = "
    first += f"'{table.name}'::regclass and i.objsubid = 0)"
    came = f"array(select p::text from unnest({first}) p order by 1)"  # noqa: S608
    default = _default_privileges(table)
    as_it_came = f"case when {first} is null or {came} = {default} then null else {came} end"
    changed = f"{acl} is not null and {_privileges(table, acl)} is distinct from {as_it_came}"
    return f"({ours} or ({changed}))"
