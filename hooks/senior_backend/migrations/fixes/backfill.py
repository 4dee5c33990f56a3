"""Changes of many rows: in a migration of their own, in batches that commit one by one."""

import re
from collections import Counter
from typing import Final

from senior_backend.catalog import functions
from senior_backend.migrations.fixes import filling
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.constraints import ValidateConstraint
from senior_backend.operations.data import ChangeRows
from senior_backend.operations.objects import CreateMaterializedView, RefreshMaterializedView
from senior_backend.operations.tables import CreateTable
from senior_backend.sql import lexical
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = (
    "unbatched-backfill",
    "ddl-plus-backfill-in-one-transaction",
    "statement-while-holding-access-exclusive",
)

_WORD: Final = re.compile(rb"[a-z_][\w$]*|[()]", re.IGNORECASE)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The statement apart from what came before it, in batches where that can be done."""
    if hazard.class_ in ("note", "hygiene") or not step.alone_in_statement:
        return None
    operation = step.operation
    if not isinstance(operation, ChangeRows):
        return _apart(step)
    if operation.action in ("insert", "copy"):
        return _apart(step)
    if operation.action == "merge" or step.statement.templated or step.statement.abridged:
        return _whole(step, operation, "it cannot be divided into batches by itself")
    key = filling.key_of(step, operation.table)
    if not key:
        return _whole(step, operation, "no primary key is known by which to go in batches")
    if any(step.catalog.key(read) == step.catalog.key(operation.table) for read in operation.reads):
        reason = "it reads the table that it changes: batches would see what earlier ones changed"
        return _whole(step, operation, reason)
    text = _in_batches(step, operation, key)
    if text is None:
        return _whole(step, operation, "it cannot be divided into batches by itself")
    phase = Phase(_name(operation), (text,), transactional=False)
    reason = _not_repeatable(step, operation)
    return Remedy(phases=(phase,), safe=not reason, apart=True, reason=reason)


def _name(operation: ChangeRows) -> str:
    if operation.action == "update" and operation.columns:
        return f"fill_{operation.table.name}_{operation.columns[0]}"
    return f"{operation.action}_{operation.table.name}"


def _apart(step: Step) -> Remedy | None:
    """As it is, in a migration of its own."""
    if step.transaction is None:
        return None
    if step.transaction.kind == "run":
        return Remedy(reason="all migrations of a run share one transaction: run this one alone")
    operation, name = step.operation, "rows"
    if isinstance(operation, ChangeRows | CreateTable | ValidateConstraint):
        name = operation.table.name
    elif isinstance(operation, CreateMaterializedView | RefreshMaterializedView):
        name = operation.name.name
    verb = "validate" if isinstance(operation, ValidateConstraint) else "fill"
    phase = Phase(f"{verb}_{name}", (step.statement.sql,))
    return Remedy(phases=(phase,), safe=True, apart=True)


def _whole(step: Step, operation: ChangeRows, reason: str) -> Remedy | None:
    """Not in batches: apart at least, where a lock is held that others wait for."""
    if step.blocked_since() is None:
        return Remedy(reason=reason)
    phase = Phase(_name(operation), (step.statement.sql,))
    return Remedy(phases=(phase,), apart=True, reason=reason)


def _in_batches(step: Step, operation: ChangeRows, key: tuple[str, ...]) -> str | None:
    """The statement with the range of a batch in its WHERE."""
    data = step.statement.text.data[step.statement.start : step.statement.end]
    words = _top_level_words(data)
    end = words.get("returning", (len(data), 0))[0]
    where = words.get("where")
    relation = step.statement.node.relation
    called = relation.alias.aliasname if relation.HasField("alias") else ""
    if where is None:
        before, after = f"{_text(data[:end])}\n        WHERE ", ""
    else:
        condition = _text(data[where[1] : end])
        if condition.split()[:2] == ["current", "of"]:
            return None
        before = f"{_text(data[: where[0]])}\n        WHERE "
        after = f"\n          AND ({condition})"
        if "--" in condition:
            after = f"\n          AND ({condition}\n          )"
    return recipes.in_batches(operation.table, key, before, after, called=called)


def _text(data: bytes) -> str:
    return data.decode().replace("\r\n", "\n").strip()


def _top_level_words(data: bytes) -> dict[str, tuple[int, int]]:
    """The first place of each word that stands in no parentheses, quotes or comment."""
    found: dict[str, tuple[int, int]] = {}
    depth = 0
    for start, end in lexical.outside(data):
        for word in _WORD.finditer(data, start, end):
            text = word.group().decode().lower()
            if text in "()":
                depth += 1 if text == "(" else -1
            elif depth == 0:
                found.setdefault(text, word.span())
    return found


def _not_repeatable(step: Step, operation: ChangeRows) -> str:
    """Why it must not change a row twice, as it may when a part of the batches failed before."""
    if operation.action == "delete":
        return ""
    data = step.statement.text.data[step.statement.start : step.statement.end]
    spans = lexical.outside(data)
    words = Counter(
        word.group().decode().lower()
        for start, end in spans
        for word in _WORD.finditer(data, start, end)
    )
    plain = b" ".join(data[start:end] for start, end in spans).decode("utf-8", "replace").lower()
    guarded = (
        any(
            re.search(rf"\b{re.escape(column)}\s+is\s+null\b", plain)
            for column in operation.columns
        )
        and " or " not in plain
    )
    read = [
        column
        for column in dict.fromkeys(operation.columns)
        if words[column.lower()] > operation.columns.count(column)
        or quote_identifier(column).startswith('"')
    ]
    if read and not guarded:
        return (
            f"it reads {', '.join(read)}, which it changes: when it fails half-way, the rows of "
            "the finished batches must not be changed again"
        )
    changing = [
        str(f) for f in operation.functions if functions.volatility(step.catalog, f) != "immutable"
    ]
    if changing and not guarded:
        return (
            f"{', '.join(dict.fromkeys(changing))}() may give another value every time: when it "
            "fails half-way, the rows of the finished batches get another one"
        )
    return ""
