"""Which statements change more than the database they run in: roles, other databases, the server.

On a server that others use they are not run.
"""

import re
from typing import Final

from senior_backend import sql
from senior_backend.sql.script import Statement

_KINDS: Final = frozenset(
    {
        "AlterDatabaseRefreshCollStmt",
        "AlterDatabaseSetStmt",
        "AlterDatabaseStmt",
        "AlterRoleSetStmt",
        "AlterRoleStmt",
        "AlterSubscriptionStmt",
        "AlterSystemStmt",
        "AlterTableSpaceOptionsStmt",
        "CreateRoleStmt",
        "CreateSubscriptionStmt",
        "CreateTableSpaceStmt",
        "CreatedbStmt",
        "DropOwnedStmt",
        "DropRoleStmt",
        "DropSubscriptionStmt",
        "DropTableSpaceStmt",
        "DropdbStmt",
        "GrantRoleStmt",
        "ReassignOwnedStmt",
    }
)
_OBJECT: Final = {
    "AlterOwnerStmt": "object_type",
    "CommentStmt": "objtype",
    "GrantStmt": "objtype",
    "RenameStmt": "rename_type",
    "SecLabelStmt": "objtype",
}
"""Statements about objects of any kind, and where in their trees the kind stands."""
_SHARED: Final = frozenset(
    {"OBJECT_DATABASE", "OBJECT_PARAMETER_ACL", "OBJECT_ROLE", "OBJECT_TABLESPACE"}
)
_EXECUTED: Final = re.compile(
    rb"\bexecute\b.*?\b(?:alter\s+system"
    rb"|(?:create|alter|drop)\s+(?:role|user(?!\s+mapping\b)|group|database|tablespace"
    rb"|subscription))\b",
    re.IGNORECASE | re.DOTALL,
)
"""SQL that a DO block puts together stands in it as text."""


def reaches_beyond(statement: Statement) -> bool:
    """Whether it changes more than its database, also from within a DO block.

    What a function does that it calls is not looked into.
    """
    if statement.kind == "DoStmt":
        bodies = sql.bodies(statement)
        written = statement.text.data[statement.start : statement.end]
        return _EXECUTED.search(written) is not None or any(
            reaches_beyond(inner) for body in bodies for inner in body.statements
        )
    node = statement.node
    if statement.kind == "CopyStmt":  # files and programs of the server
        return bool(node.is_program or (node.filename and not node.is_from))
    field = _OBJECT.get(statement.kind)
    if field is not None:
        values = node.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
        return values[getattr(node, field)].name in _SHARED
    return statement.kind in _KINDS
