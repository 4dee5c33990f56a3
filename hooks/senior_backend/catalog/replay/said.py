"""What was said of a table and is not kept: that it was said, so that nobody drops it unseen."""

from typing import Any, Final

from senior_backend.catalog.model import Catalog
from senior_backend.catalog.replay.known import edit, edit_index
from senior_backend.operations import columns, objects, tables
from senior_backend.operations.indexes import SetIndexOptions
from senior_backend.operations.names import Name

UNFILLED: Final = "WITH NO DATA"
"""Of a materialized view that cannot be read yet."""


def of_column(catalog: Catalog, operation: Any, number: int) -> None:  # noqa: ANN401 - several
    """Storage, compression, statistics target and options of a column."""
    _say(catalog, operation.table, "the storage or statistics of a column")


def comment(catalog: Catalog, operation: objects.Comment, number: int) -> None:
    """COMMENT ON COLUMN, CONSTRAINT and INDEX."""
    if operation.table is not None and operation.kind in ("column", "constraint"):
        _say(catalog, operation.table, f"a comment on a {operation.kind}")
    if operation.index is not None:
        _of_index(catalog, operation.index)


def grant(catalog: Catalog, operation: objects.Grant, number: int) -> None:
    """GRANT of columns."""
    if operation.of_columns and operation.kind == "table":
        for name in operation.objects:
            _say(catalog, name, "privileges on columns")


def statistics(catalog: Catalog, operation: objects.CreateStatistics, number: int) -> None:
    """CREATE STATISTICS."""
    _say(catalog, operation.table, "extended statistics")


def publication(catalog: Catalog, operation: objects.ChangePublication, number: int) -> None:
    """A publication of some columns or rows."""
    for name in operation.narrowed:
        _say(catalog, name, "a publication of columns or rows")


def rule(catalog: Catalog, operation: objects.CreateRule, number: int) -> None:
    """CREATE RULE."""
    _say(catalog, operation.table, "a rule")


def cluster(catalog: Catalog, operation: tables.ClusterOn, number: int) -> None:
    """CLUSTER ON an index."""
    _say(catalog, operation.table, "CLUSTER ON")


def replica_identity(catalog: Catalog, operation: tables.SetReplicaIdentity, number: int) -> None:
    """REPLICA IDENTITY USING INDEX."""
    if operation.index is not None:
        _say(catalog, operation.table, "a replica identity")


def index_options(catalog: Catalog, operation: SetIndexOptions, number: int) -> None:
    """ALTER INDEX SET."""
    _of_index(catalog, operation.index)


def refresh(catalog: Catalog, operation: objects.RefreshMaterializedView, number: int) -> None:
    """REFRESH MATERIALIZED VIEW fills it, or empties it."""
    if catalog.table(operation.name) is not None:
        view = edit(catalog, operation.name)
        view.said = view.said - {UNFILLED} if operation.with_data else view.said | {UNFILLED}


def _say(catalog: Catalog, name: Name, what: str) -> None:
    if catalog.table(name) is not None:
        table = edit(catalog, name)
        table.said |= {what}


def _of_index(catalog: Catalog, name: Name) -> None:
    key = catalog.key(name)
    if key in catalog.indexes:
        edit_index(catalog, key).abridged = True


TABLE: dict[type, Any] = {
    columns.SetStorage: of_column,
    columns.SetCompression: of_column,
    columns.SetColumnStatistics: of_column,
    columns.SetColumnOptions: of_column,
    objects.Comment: comment,
    objects.Grant: grant,
    objects.CreateStatistics: statistics,
    objects.ChangePublication: publication,
    objects.CreateRule: rule,
    objects.RefreshMaterializedView: refresh,
    tables.ClusterOn: cluster,
    tables.SetReplicaIdentity: replica_identity,
    SetIndexOptions: index_options,
}
