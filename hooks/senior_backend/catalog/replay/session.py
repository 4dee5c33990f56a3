"""Replay of the settings that decide what a name means."""

from senior_backend.catalog.model import Catalog
from senior_backend.catalog.replay import tables
from senior_backend.operations.names import Name
from senior_backend.operations.session import SetVariable, TransactionControl


def set_variable(catalog: Catalog, operation: SetVariable, number: int) -> None:
    """SET search_path; all other settings change nothing here."""
    if operation.name not in ("search_path", "all"):
        return
    if operation.local and catalog.path_before is None:
        catalog.path_before = (catalog.search_path, *catalog.further)
    _set_path(catalog, operation.value)


def _set_path(catalog: Catalog, value: str | None) -> None:
    if value is None:
        value = "public"
    schemas = [part.strip().strip('"') for part in value.split(",")]
    schemas = [schema for schema in schemas if schema not in ("$user", "pg_catalog")]
    catalog.search_path, *further = schemas or [""]
    catalog.further = tuple(further)


def end_transaction(
    catalog: Catalog, operation: TransactionControl | None = None, number: int = 0
) -> None:
    """COMMIT or ROLLBACK: SET LOCAL is undone."""
    del number
    if operation is not None and operation.action not in ("commit", "rollback"):
        return
    if catalog.path_before is not None:
        catalog.search_path, *further = catalog.path_before
        catalog.further = tuple(further)
        catalog.path_before = None


def end_session(catalog: Catalog) -> None:
    """The connection is closed: temporary relations and settings are gone."""
    end_transaction(catalog)
    _set_path(catalog, None)
    for name in sorted(catalog.temporary):
        tables.drop(catalog, Name("pg_temp", name))
    catalog.temporary.clear()
