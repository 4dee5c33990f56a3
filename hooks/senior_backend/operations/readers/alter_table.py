"""ALTER TABLE and its kin: one operation for each action, at the action's own place."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from senior_backend.operations import columns, constraints, indexes, objects, tables
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation
from senior_backend.operations.readers.columns import column
from senior_backend.operations.readers.constraints import constraint
from senior_backend.operations.readers.expressions import expression
from senior_backend.operations.readers.nodes import (
    Node,
    Reader,
    cascade,
    kind_of,
    object_name,
    of_parts,
    of_range,
    of_type,
    options,
    role,
    word,
)
from senior_backend.operations.readers.tables import bound_of
from senior_backend.sql.lexical import END_OF
from senior_backend.sql.script import Statement


class Target(NamedTuple):
    """What ALTER names, and what stands between ALTER TABLE and the name."""

    name: Name
    kind: str
    only: bool
    if_exists: bool

    @property
    def table(self) -> dict[str, Any]:
        """Arguments of a ``TableOperation``."""
        return {"table": self.name, "only": self.only, "if_exists": self.if_exists}

    @property
    def part(self) -> dict[str, Any]:
        """Arguments of an operation on a column or a constraint."""
        return {"table": self.name, "only": self.only, "if_table_exists": self.if_exists}


Action = Callable[[Node, Target], Operation]


def alter_table(node: Node, statement: Statement) -> Iterable[Operation]:
    """ALTER TABLE, INDEX, VIEW, SEQUENCE, TYPE (attributes), FOREIGN TABLE."""
    relation = node.relation
    target = Target(of_range(relation), kind_of(node, "objtype"), not relation.inh, node.missing_ok)
    found = [_action(item.alter_table_cmd, target) for item in node.cmds]
    if len(found) > 1:
        places = list(_places(statement, statement.locate(relation.location)))
        if len(places) == len(found):
            for operation, (start, end) in zip(found, places, strict=True):
                operation.place(start, end)
        added = {o.column for o in found if isinstance(o, columns.AddColumn)}
        # The server drops first, wherever it is written: the column dropped is the old one.
        found.sort(key=lambda o: not (isinstance(o, columns.DropColumn) and o.column in added))
    return found


def _action(command: Node, target: Target) -> Operation:
    subtype = word(command, "subtype")
    special = _OF_KIND.get(target.kind)
    if special and subtype not in _OF_ALL:
        return special(command, target)
    read = _ACTIONS.get(subtype)
    return read(command, target) if read else _other(command, target)


def _other(command: Node, target: Target) -> Operation:
    return tables.OtherTableAction(action=word(command, "subtype"), **target.table)


def _index_action(command: Node, target: Target) -> Operation:
    if word(command, "subtype") == "AT_AttachPartition":
        child = getattr(command, "def").partition_cmd.name
        return indexes.AttachIndex(index=target.name, child=of_range(child))
    return indexes.SetIndexOptions(index=target.name, names=_option_names(command))


def _attribute_action(command: Node, target: Target) -> Operation:
    return objects.AlterCompositeType(type=target.name, cascade=cascade(command))


# Kinds of objects whose actions are not those of a table, and the actions that are all the same.
_OF_KIND: dict[str, Action] = {
    "index": _index_action,
    "type": _attribute_action,
    "view": _other,
    "sequence": _other,
}
_OF_ALL = frozenset({"AT_ChangeOwner", "AT_SetTableSpace"})


def _option_names(command: Node) -> tuple[str, ...]:
    given = getattr(command, "def")
    return tuple(options(given.list.items)) if given.HasField("list") else ()


def _add_column(command: Node, target: Target) -> Operation:
    definition = column(getattr(command, "def").column_def)
    return columns.AddColumn(
        column=definition.name,
        definition=definition,
        if_not_exists=command.missing_ok,
        **target.part,
    )


def _drop_column(command: Node, target: Target) -> Operation:
    return columns.DropColumn(
        column=command.name,
        cascade=cascade(command),
        if_exists=command.missing_ok,
        **target.part,
    )


def _column_type(command: Node, target: Target) -> Operation:
    given = getattr(command, "def").column_def
    collation = of_parts(given.coll_clause.collname) if given.HasField("coll_clause") else None
    return columns.AlterColumnType(
        column=command.name,
        type=of_type(given.type_name),
        using=expression(given.raw_default) if given.HasField("raw_default") else None,
        collation=collation,
        **target.part,
    )


def _default(command: Node, target: Target) -> Operation:
    given = getattr(command, "def")
    if given.WhichOneof("node") is None:
        return columns.DropDefault(column=command.name, **target.part)
    return columns.SetDefault(column=command.name, default=expression(given), **target.part)


def _set_expression(command: Node, target: Target) -> Operation:
    given = expression(getattr(command, "def"))
    return columns.SetExpression(column=command.name, expression=given, **target.part)


def _drop_expression(command: Node, target: Target) -> Operation:
    return columns.DropExpression(column=command.name, if_exists=command.missing_ok, **target.part)


def _identity(action: str) -> Action:
    def read(command: Node, target: Target) -> Operation:
        return columns.AlterIdentity(column=command.name, action=action, **target.part)  # type: ignore[arg-type]

    return read


def _column_options(command: Node, target: Target) -> Operation:
    return columns.SetColumnOptions(
        column=command.name, options=_option_names(command), **target.part
    )


def _storage(command: Node, target: Target) -> Operation:
    storage = getattr(command, "def").string.sval
    return columns.SetStorage(column=command.name, storage=storage, **target.part)


def _compression(command: Node, target: Target) -> Operation:
    method = getattr(command, "def").string.sval
    return columns.SetCompression(column=command.name, method=method, **target.part)


def _of_column(kind: type[columns.ColumnOperation]) -> Action:
    def read(command: Node, target: Target) -> Operation:
        return kind(column=command.name, **target.part)

    return read


def _add_constraint(command: Node, target: Target) -> Operation:
    added = constraint(getattr(command, "def").constraint)
    if added is None:
        return _other(command, target)
    return constraints.AddConstraint(constraint=added, **target.part)


def _drop_constraint(command: Node, target: Target) -> Operation:
    return constraints.DropConstraint(
        name=command.name,
        cascade=cascade(command),
        if_exists=command.missing_ok,
        **target.part,
    )


def _validate(command: Node, target: Target) -> Operation:
    return constraints.ValidateConstraint(name=command.name, **target.part)


def _alter_constraint(command: Node, target: Target) -> Operation:
    given = getattr(command, "def").atalter_constraint
    deferrability = given.alter_deferrability
    return constraints.AlterConstraint(
        name=given.conname,
        deferrable=given.deferrable if deferrability else None,
        initially_deferred=given.initdeferred if deferrability else None,
        enforced=given.is_enforced if given.alter_enforceability else None,
        **target.part,
    )


def _attach(command: Node, target: Target) -> Operation:
    given = getattr(command, "def").partition_cmd
    return tables.AttachPartition(
        partition=of_range(given.name), bound=bound_of(given.bound), **target.table
    )


def _detach(command: Node, target: Target) -> Operation:
    given = getattr(command, "def").partition_cmd
    return tables.DetachPartition(
        partition=of_range(given.name),
        concurrently=given.concurrent,
        finalize=word(command, "subtype") == "AT_DetachPartitionFinalize",
        **target.table,
    )


def _inherit(command: Node, target: Target) -> Operation:
    return tables.Inherit(
        parent=of_range(getattr(command, "def").range_var),
        remove=word(command, "subtype") == "AT_DropInherit",
        **target.table,
    )


def _persistence(command: Node, target: Target) -> Operation:
    logged = word(command, "subtype") == "AT_SetLogged"
    return tables.SetPersistence(persistence="permanent" if logged else "unlogged", **target.table)


def _tablespace(command: Node, target: Target) -> Operation:
    kind = target.kind if target.kind in ("index", "materialized view") else "table"
    return tables.SetTablespace(tablespace=command.name, kind=kind, **target.table)  # type: ignore[arg-type]


def _access_method(command: Node, target: Target) -> Operation:
    return tables.SetAccessMethod(method=command.name or None, **target.table)


def _table_options(command: Node, target: Target) -> Operation:
    given = options(getattr(command, "def").list.items)
    reset = word(command, "subtype") == "AT_ResetRelOptions"
    return tables.SetTableOptions(
        names=tuple(given), values=() if reset else tuple(given.items()), **target.table
    )


def _triggers(command: Node, target: Target) -> Operation:
    subtype = word(command, "subtype")
    return tables.SetTriggers(
        enable=subtype.startswith("AT_Enable"),
        name=command.name or None,
        rule=subtype.endswith("Rule"),
        user=subtype.endswith("TrigUser"),
        **target.table,
    )


_ROW_SECURITY = {
    "AT_EnableRowSecurity": "enable",
    "AT_DisableRowSecurity": "disable",
    "AT_ForceRowSecurity": "force",
    "AT_NoForceRowSecurity": "no force",
}
_IDENTITIES = {"d": "default", "f": "full", "n": "nothing", "i": "index"}


def _row_security(command: Node, target: Target) -> Operation:
    action: Any = _ROW_SECURITY[word(command, "subtype")]
    return tables.SetRowSecurity(action=action, **target.table)


def _replica_identity(command: Node, target: Target) -> Operation:
    given = getattr(command, "def").replica_identity_stmt
    identity: Any = _IDENTITIES[given.identity_type]
    return tables.SetReplicaIdentity(identity=identity, index=given.name or None, **target.table)


def _owner(command: Node, target: Target) -> Operation:
    return objects.ChangeOwner(kind=target.kind, name=target.name, owner=role(command.newowner))


_ACTIONS: dict[str, Action] = {
    "AT_AddColumn": _add_column,
    "AT_DropColumn": _drop_column,
    "AT_AlterColumnType": _column_type,
    "AT_ColumnDefault": _default,
    "AT_SetNotNull": _of_column(columns.SetNotNull),
    "AT_DropNotNull": _of_column(columns.DropNotNull),
    "AT_SetExpression": _set_expression,
    "AT_DropExpression": _drop_expression,
    "AT_AddIdentity": _identity("add"),
    "AT_SetIdentity": _identity("set"),
    "AT_DropIdentity": _identity("drop"),
    "AT_SetStatistics": _of_column(columns.SetColumnStatistics),
    "AT_SetOptions": _column_options,
    "AT_ResetOptions": _column_options,
    "AT_SetStorage": _storage,
    "AT_SetCompression": _compression,
    "AT_AddConstraint": _add_constraint,
    "AT_DropConstraint": _drop_constraint,
    "AT_ValidateConstraint": _validate,
    "AT_AlterConstraint": _alter_constraint,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
    "AT_DetachPartitionFinalize": _detach,
    "AT_AddInherit": _inherit,
    "AT_DropInherit": _inherit,
    "AT_SetLogged": _persistence,
    "AT_SetUnLogged": _persistence,
    "AT_SetTableSpace": _tablespace,
    "AT_SetAccessMethod": _access_method,
    "AT_SetRelOptions": _table_options,
    "AT_ResetRelOptions": _table_options,
    "AT_ClusterOn": lambda _, target: tables.ClusterOn(**target.table),
    "AT_DropCluster": lambda _, target: tables.ClusterOn(**target.table),
    "AT_EnableTrig": _triggers,
    "AT_EnableAlwaysTrig": _triggers,
    "AT_EnableReplicaTrig": _triggers,
    "AT_DisableTrig": _triggers,
    "AT_EnableTrigAll": _triggers,
    "AT_DisableTrigAll": _triggers,
    "AT_EnableTrigUser": _triggers,
    "AT_DisableTrigUser": _triggers,
    "AT_EnableRule": _triggers,
    "AT_EnableAlwaysRule": _triggers,
    "AT_EnableReplicaRule": _triggers,
    "AT_DisableRule": _triggers,
    "AT_EnableRowSecurity": _row_security,
    "AT_DisableRowSecurity": _row_security,
    "AT_ForceRowSecurity": _row_security,
    "AT_NoForceRowSecurity": _row_security,
    "AT_ReplicaIdentity": _replica_identity,
    "AT_ChangeOwner": _owner,
}

# The name behind ALTER TABLE ONLY, and what can hide a comma of the list of actions.
_NAME = rb'(?:"(?:[^"]|"")+"|[\w$\x80-\xff]+)'
_RELATION = re.compile(_NAME + rb"(?:\s*\.\s*" + _NAME + rb")*\s*(?:\*|\)|)")
_MARK = re.compile(rb"'|\"|\$|--|/\*|[()\[\],]")
_BLANK = re.compile(rb"(?:\s|--[^\r\n]*|/\*.*?\*/)*", re.DOTALL)


def _places(statement: Statement, relation: int) -> Iterator[tuple[int, int]]:
    """The places of the actions: between the commas outside of parentheses."""
    data, end = statement.text.data, statement.end
    named = _RELATION.match(data, relation, end)
    if named is None:
        return
    start = at = named.end()
    depth = 0
    while mark := _MARK.search(data, at, end):
        kind = mark.group()
        at = mark.end()
        if kind in (b"(", b"["):
            depth += 1
        elif kind in (b")", b"]"):
            depth -= 1
        elif kind == b",":
            if not depth:
                yield _trimmed(data, start, mark.start())
                start = at
        else:
            at = END_OF[kind](data, mark.start())
            if at < 0:
                return
    yield _trimmed(data, start, end)


def _trimmed(data: bytes, start: int, end: int) -> tuple[int, int]:
    blank = _BLANK.match(data, start, end)
    start = blank.end() if blank else start
    while end > start and data[end - 1] in b" \t\r\n\f\v":
        end -= 1
    return start, end


def move_all(node: Node, statement: Statement) -> Iterable[Operation]:
    """ALTER TABLE ALL IN TABLESPACE ... SET TABLESPACE ..."""
    yield objects.Other(kind="AlterTableMoveAllStmt")


def rename(node: Node, statement: Statement) -> Iterable[Operation]:
    """RENAME of anything."""
    kind = kind_of(node, "rename_type")
    of = of_range(node.relation) if node.HasField("relation") else object_name(node.object)
    old = node.subname if kind in _PARTS and node.subname else of.name
    if kind in ("schema", "database", "role", "tablespace") and node.subname:
        of, old = Name(None, node.subname), node.subname
    yield objects.Rename(kind=kind, of=of, old=old, new=node.newname, if_exists=node.missing_ok)


_PARTS = frozenset(
    {"column", "constraint", "domain constraint", "attribute", "trigger", "policy", "rule"}
)


def set_schema(node: Node, statement: Statement) -> Iterable[Operation]:
    """SET SCHEMA of anything."""
    yield objects.SetSchema(
        kind=kind_of(node, "object_type"), name=_object(node), schema=node.newschema
    )


def owner(node: Node, statement: Statement) -> Iterable[Operation]:
    """OWNER TO of what is not a relation."""
    yield objects.ChangeOwner(
        kind=kind_of(node, "object_type"), name=_object(node), owner=role(node.newowner)
    )


def _object(node: Node) -> Name:
    return of_range(node.relation) if node.HasField("relation") else object_name(node.object)


TABLE: dict[str, Reader] = {
    "AlterTableStmt": alter_table,
    "AlterTableMoveAllStmt": move_all,
    "RenameStmt": rename,
    "AlterObjectSchemaStmt": set_schema,
    "AlterOwnerStmt": owner,
}
