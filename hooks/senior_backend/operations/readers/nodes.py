"""Names, types and words out of parse tree nodes."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from senior_backend.operations.names import Name, TypeName
from senior_backend.operations.operation import Operation
from senior_backend.sql.script import Statement

Node: TypeAlias = Any
"""A message of the parse tree; its class is known only when it is read."""

Reader = Callable[[Node, Statement], Iterable[Operation]]

_words: dict[tuple[type, str, int], str] = {}


def word(node: Node, field: str) -> str:
    """The name of an enum field's value, as the grammar's sources write it."""
    number = getattr(node, field)
    key = (type(node), field, number)
    found = _words.get(key)
    if found is None:
        values = node.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
        found = _words[key] = values[number].name
    return found


def cascade(node: Node) -> bool:
    """Whether CASCADE was said."""
    return word(node, "behavior") == "DROP_CASCADE"


def of_range(relation: Node) -> Name:
    """The name in a ``RangeVar``."""
    return Name(relation.schemaname or None, relation.relname)


def strings(nodes: Node) -> tuple[str, ...]:
    """A list of ``String`` nodes."""
    return tuple(node.string.sval for node in nodes)


def of_parts(nodes: Node) -> Name:
    """A name in parts (``a.b``); a third, the database's, is dropped."""
    parts = strings(nodes)
    return Name(parts[-2] if len(parts) > 1 else None, parts[-1] if parts else "")


# The grammar's words and the internal names, to what format_type() prints.
_TYPES = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bpchar": "character",
    "varchar": "character varying",
    "varbit": "bit varying",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}
_SERIALS = {
    "serial": "integer",
    "serial4": "integer",
    "smallserial": "smallint",
    "serial2": "smallint",
    "bigserial": "bigint",
    "serial8": "bigint",
}
# The fields of an interval by the bits that the grammar sets (utils/timestamp.h).
_INTERVAL_FIELDS = {
    4: " year",
    2: " month",
    8: " day",
    1024: " hour",
    2048: " minute",
    4096: " second",
    6: " year to month",
    1032: " day to hour",
    3080: " day to minute",
    7176: " day to second",
    3072: " hour to minute",
    7168: " hour to second",
    6144: " minute to second",
}


def of_type(node: Node) -> TypeName:
    """A type as format_type() names it; ``serial`` types stand for themselves."""
    names = node.names
    name = names[-1].string.sval if names else ""
    schema = names[-2].string.sval if len(names) > 1 else None
    modifiers: tuple[int, ...] = ()
    if node.typmods:
        modifiers = _modifiers(node.typmods)
    if schema is None or schema == "pg_catalog":
        if name == "bpchar" and not modifiers:
            pass  # bpchar without a length is a type of its own, not character(1)
        elif name == "interval" and modifiers:
            name += _INTERVAL_FIELDS.get(modifiers[0], "")
            modifiers = modifiers[1:]
        else:
            if name == "char" and schema is None:
                name = '"char"'
            name = _TYPES.get(name, name)
        if name == "numeric" and len(modifiers) == 1:
            modifiers = (modifiers[0], 0)
        schema = None
    return TypeName(schema, name, modifiers, bool(node.array_bounds))


def of_serial(type_name: TypeName) -> TypeName | None:
    """The integer type of a serial type, or None when it is not one."""
    if type_name.schema is not None or type_name.array:
        return None
    integer = _SERIALS.get(type_name.name)
    return TypeName(None, integer) if integer else None


def _modifiers(nodes: Node) -> tuple[int, ...]:
    found = []
    for node in nodes:
        if not node.HasField("a_const") or not node.a_const.HasField("ival"):
            return ()  # such as geometry(Point, 4326)
        found.append(node.a_const.ival.ival)
    return tuple(found)


_KINDS = {
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_FOREIGN_TABLE": "foreign table",
    "OBJECT_FOREIGN_SERVER": "server",
    "OBJECT_FDW": "foreign data wrapper",
    "OBJECT_EVENT_TRIGGER": "event trigger",
    "OBJECT_ACCESS_METHOD": "access method",
    "OBJECT_TABCONSTRAINT": "constraint",
    "OBJECT_DOMCONSTRAINT": "domain constraint",
    "OBJECT_STATISTIC_EXT": "statistics",
    "OBJECT_LARGEOBJECT": "large object",
    "OBJECT_OPCLASS": "operator class",
    "OBJECT_OPFAMILY": "operator family",
    "OBJECT_TSCONFIGURATION": "text search configuration",
    "OBJECT_TSDICTIONARY": "text search dictionary",
    "OBJECT_TSPARSER": "text search parser",
    "OBJECT_TSTEMPLATE": "text search template",
    "OBJECT_USER_MAPPING": "user mapping",
}


def kind_of(node: Node, field: str) -> str:
    """SQL's word for an object type, in lower case."""
    name = word(node, field)
    return _KINDS.get(name) or name.removeprefix("OBJECT_").replace("_", " ").lower()


def object_name(node: Node) -> Name:
    """The name in the forms in which DROP, COMMENT, RENAME and so on hold it."""
    form = node.WhichOneof("node")
    if form == "list":
        return of_parts([item for item in node.list.items if item.HasField("string")])
    if form == "string":
        return Name(None, node.string.sval)
    if form == "type_name":
        return of_parts(node.type_name.names)
    if form == "object_with_args":
        return of_parts(node.object_with_args.objname)
    if form == "range_var":
        return of_range(node.range_var)
    return Name(None, "")


def role(node: Node) -> str:
    """A role by name; ``public`` and ``current_user`` in lower case for the keywords."""
    if node.rolename:
        return str(node.rolename)
    return word(node, "roletype").removeprefix("ROLESPEC_").lower()


def options(nodes: Node) -> dict[str, str]:
    """``DefElem`` options by lower-case name; what was given without a value is ``true``."""
    return {
        node.def_elem.defname.lower(): value(node.def_elem.arg)
        for node in nodes
        if node.HasField("def_elem")
    }


def value(node: Node) -> str:
    """A constant, a word or a name as text without quotes; empty for anything else."""
    form = node.WhichOneof("node")
    if form is None:
        return "true"
    if form == "a_const":
        return constant(node.a_const)
    inner = getattr(node, form)
    if form == "string":
        return str(inner.sval)
    if form == "integer":
        return str(inner.ival)
    if form == "float":
        return str(inner.fval)
    if form == "boolean":
        return "true" if inner.boolval else "false"
    if form == "type_name":
        return of_parts(inner.names).name
    if form == "type_cast":
        return value(inner.arg)
    return ""


def constant(node: Node) -> str:
    """An ``A_Const`` as text without quotes; ``null`` for NULL."""
    form = node.WhichOneof("val")
    if form == "sval":
        return str(node.sval.sval)
    if form == "ival":
        return str(node.ival.ival)
    if form == "fval":
        return str(node.fval.fval)
    if form == "boolval":
        return "true" if node.boolval.boolval else "false"
    return str(node.bsval.bsval) if form == "bsval" else "null"


def is_true(text: str | None) -> bool:
    """Whether an option is on, as defGetBoolean reads it."""
    return text is not None and text.lower() in ("true", "on", "1", "yes")
