"""Transactions and settings of the session."""

from typing import Literal

from senior_backend.operations.operation import Operation, operation


@operation
class TransactionControl(Operation):
    """BEGIN, COMMIT, ROLLBACK, SAVEPOINT and so on."""

    action: Literal["begin", "commit", "rollback", "savepoint", "release", "rollback to", "other"]
    chain: bool = False
    """AND CHAIN: the next transaction begins at once."""


@operation
class SetVariable(Operation):
    """SET, SET LOCAL, RESET, and ``SELECT set_config(...)`` with constants.

    ``value`` is as written without quotes (``5s``, ``0``), or None for DEFAULT and RESET.
    """

    name: str
    value: str | None
    local: bool = False
