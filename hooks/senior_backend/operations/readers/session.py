"""Transactions and settings of the session."""

from collections.abc import Iterable
from typing import Literal

from senior_backend.operations.operation import Operation
from senior_backend.operations.readers.nodes import Node, Reader, value, word
from senior_backend.operations.session import SetVariable, TransactionControl
from senior_backend.sql.script import Statement

Action = Literal["begin", "commit", "rollback", "savepoint", "release", "rollback to", "other"]

_ACTIONS: dict[str, Action] = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
    "TRANS_STMT_ROLLBACK": "rollback",
    "TRANS_STMT_SAVEPOINT": "savepoint",
    "TRANS_STMT_RELEASE": "release",
    "TRANS_STMT_ROLLBACK_TO": "rollback to",
}


def transaction(node: Node, statement: Statement) -> Iterable[Operation]:
    """BEGIN, COMMIT and so on; PREPARE TRANSACTION is ``other``."""
    yield TransactionControl(action=_ACTIONS.get(word(node, "kind"), "other"), chain=node.chain)


def variable(node: Node, statement: Statement) -> Iterable[Operation]:
    """SET and RESET; RESET ALL has the name ``all``, SET TRANSACTION ``transaction``."""
    kind = word(node, "kind")
    text = ", ".join(map(value, node.args)) if kind == "VAR_SET_VALUE" else None
    yield SetVariable(
        name="all" if kind == "VAR_RESET_ALL" else node.name.lower(),
        value=text,
        local=node.is_local,
    )


def discard(node: Node, statement: Statement) -> Iterable[Operation]:
    """DISCARD ALL, which resets every setting; the others drop caches and temporary tables."""
    if word(node, "target") == "DISCARD_ALL":
        yield SetVariable(name="all", value=None)


TABLE: dict[str, Reader] = {
    "DiscardStmt": discard,
    "TransactionStmt": transaction,
    "VariableSetStmt": variable,
}
