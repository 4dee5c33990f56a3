"""What the migrations of a folder make of each table, and which statements touched it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from senior_backend.catalog import checks
from senior_backend.catalog.model import Catalog, Index, Table
from senior_backend.findings import Finding
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation
from senior_backend.sql.script import Statement

_SHOWN = 72
"""Characters of a statement."""


@dataclass(frozen=True, slots=True)
class Touch:
    """A statement that did something to a table."""

    path: str
    line: int
    statement: str


@dataclass(slots=True)
class History:
    """The schema after the last migration, and the statements by table."""

    catalog: Catalog = field(default_factory=Catalog)
    touched: dict[Name, list[Touch]] = field(default_factory=dict)

    def note(self, catalog: Catalog, statement: Statement, operation: Operation) -> None:
        """Note a statement under the tables that it names."""
        for name in _tables(operation):
            line = statement.position.line
            text = " ".join(statement.sql.split())
            shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
            touch = Touch(statement.text.path, line, shown)
            known = self.touched.setdefault(catalog.key(name), [])
            if touch not in known:
                known.append(touch)


def _tables(operation: Operation) -> Iterator[Name]:
    for attribute in ("table", "of", "partition"):
        name = getattr(operation, attribute, None)
        if isinstance(name, Name):
            yield name
    yield from getattr(operation, "tables", ())
    if getattr(operation, "kind", None) == "table" and isinstance(
        name := getattr(operation, "name", None), Name
    ):
        yield name


def render(history: History, findings: Sequence[Finding]) -> str:
    """A block of text for each table, in the order of names."""
    catalog = history.catalog
    bare = {(u.table.name, u.name) for u in checks.unindexed_foreign_keys(catalog)}
    redundant = {r.index.name: r.by for r in checks.redundant_indexes(catalog)}
    places: dict[tuple[str, int], list[str]] = {}
    for finding in findings:
        if finding.suppressed is None:
            places.setdefault((finding.path, finding.line), []).append(finding.rule)
    blocks = [
        "\n".join(_block(history, table, bare, redundant, places))
        for _, table in sorted(catalog.tables.items(), key=lambda item: str(item[0]))
        if table.kind in ("table", "foreign table", "materialized view")
    ]
    return "\n\n".join(blocks)


def _block(
    history: History,
    table: Table,
    bare: set[tuple[Name, str]],
    redundant: Mapping[Name, Index],
    places: Mapping[tuple[str, int], list[str]],
) -> Iterator[str]:
    catalog = history.catalog
    known = "" if table.complete else ", not created in these migrations: only what they change"
    kind = "partitioned table" if table.partition_by else table.kind
    yield f"{table.name} ({kind}{known})"
    for name, column in table.columns.items():
        definition = column.definition
        parts = [str(definition.type) or "(type unknown)"]
        if definition.default:
            parts.append(f"default {definition.default.sql}")
        if definition.identity:
            parts.append("identity")
        if definition.generated:
            parts.append(f"generated {definition.generated}")
        if definition.not_null:
            parts.append("not null")
        yield f"  column       {name} {' '.join(parts)}"
    for name, constraint in table.constraints.items():
        missing = "; no index supports it" if (table.name, name) in bare else ""
        yield f"  {_LABELS[constraint.kind]:<12} {name} {_constraint(constraint)}{missing}"
    for index in catalog.indexes_of(table.name):
        by = redundant.get(index.name)
        note = f"; redundant: {by.name.name} does its work" if by else ""
        yield f"  index        {index.name.name} {_index(index)}{note}"
    for touch in history.touched.get(table.name, ()):
        rules = places.get((touch.path, touch.line), [])
        found = f"  [{', '.join(dict.fromkeys(rules))}]" if rules else ""
        yield f"  touched by   {touch.path}:{touch.line}: {touch.statement}{found}"


_LABELS = {
    "check": "check",
    "foreign_key": "foreign key",
    "unique": "unique",
    "primary_key": "primary key",
    "exclude": "exclude",
    "not_null": "not null",
}


def _constraint(constraint: Constraint) -> str:
    text = f"({', '.join(constraint.columns)})"
    if constraint.kind == "check" and constraint.expression:
        text = f"({constraint.expression.sql})"
    if constraint.references:
        columns = f" ({', '.join(constraint.referenced_columns)})"
        text += f" -> {constraint.references}{columns if constraint.referenced_columns else ''}"
        text += f" on delete {constraint.on_delete}" if constraint.on_delete else ""
    return f"{text} not valid" if constraint.not_valid else text


def _index(index: Index) -> str:
    keys = ", ".join(key.column or f"({key.expression})" for key in index.keys)
    text = f"{'unique ' if index.unique else ''}{index.method} ({keys})"
    text += f" include ({', '.join(index.include)})" if index.include else ""
    text += f" where {index.where.sql}" if index.where else ""
    return f"{text} for {index.constraint}" if index.constraint else text
