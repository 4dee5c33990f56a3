"""Filling the model: what each operation changes in the schema.

Nothing here raises on what PostgreSQL would refuse: of two creations the later is kept, and what
is not known is not dropped. What is altered without having been seen becomes an incomplete table.
"""

from typing import Any

from senior_backend.catalog.model import Catalog
from senior_backend.catalog.replay import (
    columns,
    constraints,
    indexes,
    objects,
    said,
    session,
    tables,
)
from senior_backend.catalog.replay.session import end_session, end_transaction
from senior_backend.operations import columns as on_columns
from senior_backend.operations import constraints as on_constraints
from senior_backend.operations import indexes as on_indexes
from senior_backend.operations import objects as on_objects
from senior_backend.operations import session as on_session
from senior_backend.operations import tables as on_tables
from senior_backend.operations.operation import Operation

__all__ = ["apply", "end_session", "end_transaction"]


def apply(catalog: Catalog, operation: Operation, number: int) -> None:
    """Carry the schema through one operation of the migration ``number``."""
    change = _TABLE.get(type(operation))
    if change is not None and not (catalog.complete and _for_nothing(catalog, operation)):
        change(catalog, operation, number)
        catalog.settle()


def _for_nothing(catalog: Catalog, operation: Operation) -> bool:
    """Whether ALTER TABLE IF EXISTS names a table that is certain not to exist."""
    if isinstance(operation, on_tables.TableOperation):
        return operation.if_exists and catalog.table(operation.table) is None
    if isinstance(operation, on_columns.ColumnOperation | on_constraints.ConstraintOperation):
        return operation.if_table_exists and catalog.table(operation.table) is None
    return False


_TABLE: dict[type[Operation], Any] = {
    on_tables.CreateTable: tables.create_table,
    on_tables.AttachPartition: tables.attach_partition,
    on_tables.DetachPartition: tables.detach_partition,
    on_tables.Inherit: tables.inherit,
    on_tables.SetPersistence: tables.set_persistence,
    on_tables.SetRowSecurity: tables.set_row_security,
    on_columns.AddColumn: columns.add_column,
    on_columns.DropColumn: columns.drop_column,
    on_columns.AlterColumnType: columns.alter_type,
    on_columns.SetDefault: columns.set_default,
    on_columns.DropDefault: columns.drop_default,
    on_columns.SetNotNull: columns.set_not_null,
    on_columns.DropNotNull: columns.drop_not_null,
    on_columns.SetExpression: columns.set_expression,
    on_columns.DropExpression: columns.drop_expression,
    on_columns.AlterIdentity: columns.alter_identity,
    on_constraints.AddConstraint: constraints.add_constraint,
    on_constraints.AlterConstraint: constraints.alter_constraint,
    on_constraints.ValidateConstraint: constraints.validate,
    on_constraints.DropConstraint: constraints.drop_constraint,
    on_indexes.CreateIndex: indexes.create_index,
    on_indexes.DropIndex: indexes.drop_index,
    on_indexes.AttachIndex: indexes.attach,
    on_objects.CreateView: objects.create_view,
    on_objects.CreateMaterializedView: objects.create_view,
    on_objects.CreateSequence: objects.create_sequence,
    on_objects.AlterSequence: objects.alter_sequence,
    on_objects.CreateEnum: objects.create_enum,
    on_objects.AddEnumValue: objects.add_enum_value,
    on_objects.CreateDomain: objects.create_domain,
    on_objects.AlterDomain: objects.alter_domain,
    on_objects.CreateFunction: objects.create_function,
    on_objects.AlterFunction: objects.alter_function,
    on_objects.CreateSchema: objects.create_schema,
    on_objects.CreateExtension: objects.create_extension,
    on_objects.CreateTrigger: objects.create_trigger,
    on_objects.CreatePolicy: objects.create_policy,
    on_objects.DropFromTable: objects.drop_from_table,
    on_objects.Drop: objects.drop,
    on_objects.Rename: objects.rename,
    on_objects.SetSchema: objects.set_schema,
    on_session.SetVariable: session.set_variable,
    on_session.TransactionControl: session.end_transaction,
    **said.TABLE,
}
