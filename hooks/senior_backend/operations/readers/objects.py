"""Views, types, functions, sequences and all that is neither a table nor an index."""

from collections.abc import Iterable
from typing import Any

from senior_backend.operations import objects
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.indexes import DropIndex
from senior_backend.operations.names import Expression, Name
from senior_backend.operations.operation import Operation
from senior_backend.operations.readers.constraints import constraint
from senior_backend.operations.readers.expressions import expression, look
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
    strings,
    value,
    word,
)
from senior_backend.operations.readers.tables import persistence
from senior_backend.operations.readers.targets import names
from senior_backend.sql.script import Statement

# Objects of which a statement that creates or drops them names the table as well.
_OF_TABLE: dict[str, Any] = {"trigger": "trigger", "policy": "policy", "rule": "rule"}


def drop(node: Node, statement: Statement) -> Iterable[Operation]:
    """DROP of one or several objects."""
    kind = kind_of(node, "remove_type")
    for item in node.objects:
        if kind == "index":
            yield DropIndex(
                index=object_name(item),
                concurrently=node.concurrent,
                if_exists=node.missing_ok,
                cascade=cascade(node),
            )
        elif kind in _OF_TABLE:
            parts = item.list.items
            yield objects.DropFromTable(
                kind=_OF_TABLE[kind],
                name=parts[-1].string.sval,
                table=of_parts(parts[:-1]),
                if_exists=node.missing_ok,
            )
        else:
            yield objects.Drop(
                kind=kind,
                name=object_name(item),
                cascade=cascade(node),
                if_exists=node.missing_ok,
            )


def drop_database(node: Node, statement: Statement) -> Iterable[Operation]:
    """DROP DATABASE."""
    name = Name(None, node.dbname)
    yield objects.Drop(kind="database", name=name, if_exists=node.missing_ok)


def drop_tablespace(node: Node, statement: Statement) -> Iterable[Operation]:
    """DROP TABLESPACE."""
    name = Name(None, node.tablespacename)
    yield objects.Drop(kind="tablespace", name=name, if_exists=node.missing_ok)


def drop_subscription(node: Node, statement: Statement) -> Iterable[Operation]:
    """DROP SUBSCRIPTION."""
    name = Name(None, node.subname)
    yield objects.Drop(kind="subscription", name=name, if_exists=node.missing_ok)


def drop_role(node: Node, statement: Statement) -> Iterable[Operation]:
    """DROP ROLE, one for each."""
    for item in node.roles:
        name = Name(None, role(item.role_spec))
        yield objects.Drop(kind="role", name=name, if_exists=node.missing_ok)


def create_view(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE VIEW."""
    found = look(node.query)
    yield objects.CreateView(
        name=of_range(node.view),
        replace=node.replace,
        reads=tuple(found.relations),
        columns_read=found.columns_read(),
        columns=strings(node.aliases) or tuple(filter(None, names(node.query.select_stmt))),
        temporary=persistence(node.view) == "temporary",
    )


def create_trigger(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE TRIGGER."""
    yield objects.CreateTrigger(
        name=node.trigname,
        table=of_range(node.relation),
        function=of_parts(node.funcname),
        replace=node.replace,
        constraint=node.isconstraint,
        references=of_range(node.constrrel) if node.HasField("constrrel") else None,
        names_columns=bool(node.columns) or node.HasField("when_clause"),
    )


def create_policy(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE and ALTER POLICY."""
    alter = type(node).__name__ == "AlterPolicyStmt"
    yield objects.CreatePolicy(name=node.policy_name, table=of_range(node.table), alter=alter)


def create_rule(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE RULE."""
    yield objects.CreateRule(
        name=node.rulename, table=of_range(node.relation), replace=node.replace
    )


def create_enum(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE TYPE AS ENUM."""
    yield objects.CreateEnum(name=of_parts(node.type_name), labels=strings(node.vals))


def alter_enum(node: Node, statement: Statement) -> Iterable[Operation]:
    """ALTER TYPE ADD VALUE and RENAME VALUE."""
    name = of_parts(node.type_name)
    if node.old_val:
        yield objects.Rename(kind="enum value", of=name, old=node.old_val, new=node.new_val)
    else:
        neighbor = node.new_val_neighbor or None
        yield objects.AddEnumValue(
            type=name,
            label=node.new_val,
            if_not_exists=node.skip_if_new_val_exists,
            before=None if node.new_val_is_after else neighbor,
            after=neighbor if node.new_val_is_after else None,
        )


def create_composite(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE TYPE AS (...)."""
    yield objects.CreateCompositeType(name=of_range(node.typevar))


def create_range(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE TYPE AS RANGE."""
    yield objects.CreateCompositeType(name=of_parts(node.type_name))


def define(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE TYPE of base types; aggregates, operators, collations and so on are ``Other``."""
    if kind_of(node, "kind") == "type":
        yield objects.CreateCompositeType(name=of_parts(node.defnames))
    else:
        yield objects.Other(kind="DefineStmt")


def create_domain(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE DOMAIN."""
    not_null = False
    default: Expression | None = None
    checks: list[Constraint] = []
    for item in node.constraints:
        kind = word(item.constraint, "contype")
        if kind == "CONSTR_NOTNULL":
            not_null = True
        elif kind == "CONSTR_DEFAULT":
            default = expression(item.constraint.raw_expr)
        else:
            checks += filter(None, [constraint(item.constraint)])
    yield objects.CreateDomain(
        name=of_parts(node.domainname),
        type=of_type(node.type_name),
        not_null=not_null,
        default=default,
        checks=tuple(checks),
        collation=of_parts(node.coll_clause.collname) if node.HasField("coll_clause") else None,
    )


# The letters of ``AlterDomainStmt.subtype`` (nodes/parsenodes.h).
_DOMAIN: dict[str, Any] = {
    "N": "drop not null",
    "O": "set not null",
    "C": "add constraint",
    "X": "drop constraint",
    "V": "validate constraint",
}


def alter_domain(node: Node, statement: Statement) -> Iterable[Operation]:
    """ALTER DOMAIN."""
    given = getattr(node, "def")
    if node.subtype == "T":
        action: Any = "drop default" if given.WhichOneof("node") is None else "set default"
    else:
        action = _DOMAIN[node.subtype]
    yield objects.AlterDomain(
        domain=of_parts(node.type_name),
        action=action,
        constraint=constraint(given.constraint) if action == "add constraint" else None,
        name=node.name or None,
    )


def create_function(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE FUNCTION and PROCEDURE."""
    given: dict[str, str] = {}
    sets_path = False
    for item in node.options:
        option = item.def_elem
        if option.defname == "set":
            sets_path |= option.arg.variable_set_stmt.name.lower() == "search_path"
        else:
            given[option.defname] = value(option.arg)
    volatility: Any = given.get("volatility", "volatile").lower()
    yield objects.CreateFunction(
        name=of_parts(node.funcname),
        language=given.get("language", "sql").lower(),
        volatility=volatility,
        replace=node.replace,
        procedure=node.is_procedure,
        security_definer=given.get("security") == "true",
        sets_search_path=sets_path,
        for_triggers=of_type(node.return_type).name in ("trigger", "event_trigger"),
    )


def alter_function(node: Node, statement: Statement) -> Iterable[Operation]:
    """ALTER FUNCTION ... IMMUTABLE and so on."""
    given = {item.def_elem.defname: item.def_elem.arg for item in node.actions}
    volatility: Any = value(given["volatility"]).lower() if "volatility" in given else None
    yield objects.AlterFunction(name=of_parts(node.func.objname), volatility=volatility)


def create_sequence(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE SEQUENCE."""
    owner = _owner(node)
    yield objects.CreateSequence(
        name=of_range(node.sequence),
        if_not_exists=node.if_not_exists,
        owned_by=of_parts(owner[:-1]) if owner else None,
        owned_column=owner[-1].string.sval if owner else None,
        temporary=persistence(node.sequence) == "temporary",
    )


def alter_sequence(node: Node, statement: Statement) -> Iterable[Operation]:
    """ALTER SEQUENCE."""
    owner = _owner(node)
    yield objects.AlterSequence(
        name=of_range(node.sequence),
        options=tuple(item.def_elem.defname for item in node.options),
        owned_by=of_parts(owner[:-1]) if owner else None,
        owned_column=owner[-1].string.sval if owner else None,
    )


def _owner(node: Node) -> list[Node]:
    """The parts of OWNED BY table.column; empty for NONE and when nothing is said."""
    for item in node.options:
        if item.def_elem.defname == "owned_by":
            parts = list(item.def_elem.arg.list.items)
            return parts if len(parts) > 1 else []
    return []


def create_extension(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE EXTENSION."""
    yield objects.CreateExtension(name=node.extname, if_not_exists=node.if_not_exists)


def alter_extension(node: Node, statement: Statement) -> Iterable[Operation]:
    """ALTER EXTENSION UPDATE."""
    yield objects.AlterExtension(name=node.extname)


def create_statistics(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE STATISTICS."""
    yield objects.CreateStatistics(
        name=of_parts(node.defnames) if node.defnames else None,
        table=of_range(node.relations[0].range_var),
    )


def publication(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE and ALTER PUBLICATION."""
    yield objects.ChangePublication(
        name=node.pubname,
        create=type(node).__name__ == "CreatePublicationStmt",
        tables=tuple(
            of_range(item.publication_obj_spec.pubtable.relation)
            for item in node.pubobjects
            if item.publication_obj_spec.HasField("pubtable")
        ),
        narrowed=tuple(
            of_range(item.publication_obj_spec.pubtable.relation)
            for item in node.pubobjects
            if item.publication_obj_spec.pubtable.columns
            or item.publication_obj_spec.pubtable.HasField("where_clause")
        ),
    )


_ON_TABLE = frozenset({"table", "foreign table", "materialized view", "view", "sequence"})
_IN_TABLE = frozenset({"column", "constraint", "trigger", "policy", "rule"})


def comment(node: Node, statement: Statement) -> Iterable[Operation]:
    """COMMENT."""
    kind = kind_of(node, "objtype")
    table: Name | None = None
    if kind in _ON_TABLE:
        table = object_name(node.object)
    elif kind in _IN_TABLE and node.object.HasField("list"):
        table = of_parts(node.object.list.items[:-1])
    index = object_name(node.object) if kind == "index" else None
    yield objects.Comment(kind=kind, table=table, index=index)


def grant(node: Node, statement: Statement) -> Iterable[Operation]:
    """GRANT and REVOKE of privileges; ``all`` for ALL PRIVILEGES."""
    kind = kind_of(node, "objtype")
    if word(node, "targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        kind = f"all {kind}s in schema"
    yield objects.Grant(
        kind=kind,
        objects=tuple(map(object_name, node.objects)),
        privileges=tuple(item.access_priv.priv_name for item in node.privileges) or ("all",),
        grantees=tuple(role(item.role_spec) for item in node.grantees),
        revoke=not node.is_grant,
        of_columns=any(item.access_priv.cols for item in node.privileges),
    )


def grant_role(node: Node, statement: Statement) -> Iterable[Operation]:
    """GRANT and REVOKE of roles: ``objects`` are the roles granted."""
    yield objects.Grant(
        kind="role",
        objects=tuple(Name(None, item.access_priv.priv_name) for item in node.granted_roles),
        grantees=tuple(role(item.role_spec) for item in node.grantee_roles),
        revoke=not node.is_grant,
    )


def change_role(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE and ALTER ROLE."""
    create = type(node).__name__ == "CreateRoleStmt"
    yield objects.ChangeRole(
        name=node.role if create else role(node.role),
        create=create,
        options=tuple(
            name for name, text in options(node.options).items() if text not in ("false", "")
        ),
    )


TABLE: dict[str, Reader] = {
    "DropStmt": drop,
    "DropdbStmt": drop_database,
    "DropTableSpaceStmt": drop_tablespace,
    "DropSubscriptionStmt": drop_subscription,
    "DropRoleStmt": drop_role,
    "ViewStmt": create_view,
    "CreateTrigStmt": create_trigger,
    "CreatePolicyStmt": create_policy,
    "AlterPolicyStmt": create_policy,
    "RuleStmt": create_rule,
    "CreateEnumStmt": create_enum,
    "AlterEnumStmt": alter_enum,
    "CompositeTypeStmt": create_composite,
    "CreateRangeStmt": create_range,
    "DefineStmt": define,
    "CreateDomainStmt": create_domain,
    "AlterDomainStmt": alter_domain,
    "CreateFunctionStmt": create_function,
    "AlterFunctionStmt": alter_function,
    "CreateSeqStmt": create_sequence,
    "AlterSeqStmt": alter_sequence,
    "CreateExtensionStmt": create_extension,
    "AlterExtensionStmt": alter_extension,
    "CreateStatsStmt": create_statistics,
    "CreatePublicationStmt": publication,
    "AlterPublicationStmt": publication,
    "CommentStmt": comment,
    "GrantStmt": grant,
    "GrantRoleStmt": grant_role,
    "CreateRoleStmt": change_role,
    "AlterRoleStmt": change_role,
}
