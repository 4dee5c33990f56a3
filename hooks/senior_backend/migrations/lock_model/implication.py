"""What the CHECK constraints of a table prove, read from their SQL.

PostgreSQL skips a scan when valid constraints imply the new condition (docs, ALTER TABLE: SET NOT
NULL, ATTACH PARTITION). Its prover knows more than this one: what is proved here, PostgreSQL
proves; the reverse is answered with None where the constraint reads the columns in question.
"""

import re
from collections.abc import Iterator

from senior_backend.catalog.model import Table
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.tables import PartitionBound

_NOT_NULL = re.compile(
    r"^(?:not\s*)?\(*\s*(?P<column>\"[^\"]+\"|\w+)\s*\)*\s+is\s+(?:not\s+)?null\s*\)*$",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"^\(*\s*(?P<column>\"[^\"]+\"|\w+)\s*\)*\s*(?P<operator>>=|<|=)\s*(?P<value>.+)$", re.DOTALL
)
_IN = re.compile(
    r"^\(*\s*(?P<column>\"[^\"]+\"|\w+)\s*\)*\s+in\s*\((?P<values>.*)\)$", re.IGNORECASE | re.DOTALL
)
_RANGE = re.compile(r"from\s*\((?P<low>.*)\)\s*to\s*\((?P<high>.*)\)", re.IGNORECASE | re.DOTALL)
_LIST = re.compile(r"\bin\s*\((?P<values>.*)\)", re.IGNORECASE | re.DOTALL)
_WORDS = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|[()]|\b(?:and|or|between)\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CAST = re.compile(r"::[\w ]+(\(\d+\))?$|^(?:date|timestamp|timestamptz)\s+(?=')", re.IGNORECASE)


def valid_checks(table: Table) -> Iterator[Constraint]:
    """Its CHECK constraints that hold for every row."""
    for constraint in table.constraints.values():
        if constraint.kind == "check" and not (constraint.not_valid or constraint.not_enforced):
            yield constraint


def has_no_nulls(table: Table, column: str) -> bool:
    """Whether the column is NOT NULL or the table's primary key has it."""
    known = table.columns.get(column)
    if known is not None and known.definition.not_null:
        unproved = any(
            c.kind == "not_null" and c.not_valid and column in c.columns
            for c in table.constraints.values()
        )
        return not unproved
    return any(c.kind == "primary_key" and column in c.columns for c in table.constraints.values())


def proves_not_null(table: Table, column: str) -> bool:
    """Whether a valid CHECK says ``column IS NOT NULL``, alone or in an AND."""
    return any(
        column in constraint.columns and _says_not_null(constraint, column)
        for constraint in valid_checks(table)
    )


def _says_not_null(constraint: Constraint, column: str) -> bool:
    if constraint.expression is None:
        return False
    return any(
        _not_null_column(condition) == column for condition in conjuncts(constraint.expression.sql)
    )


def _not_null_column(condition: str) -> str | None:
    match = _NOT_NULL.match(condition)
    if match is None:
        return None
    negations = len(re.findall(r"\bnot\b", condition, re.IGNORECASE))
    return _unquoted(match["column"]) if negations == 1 else None


def conjuncts(sql: str) -> list[str]:
    """The conditions of a top-level AND, without outer parentheses."""
    sql = _without_parentheses(sql)
    parts: list[str] = []
    depth = start = 0
    for match in re.finditer(_WORDS, sql):
        word = match[0].lower()
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif word in ("or", "between") and depth == 0:
            return [sql]
        elif word == "and" and depth == 0:
            parts.append(sql[start : match.start()])
            start = match.end()
    if not parts:
        return [sql]
    parts.append(sql[start:])
    return [condition for part in parts for condition in conjuncts(part)]


def implies_bound(table: Table, parent: Table, bound: PartitionBound) -> tuple[bool | None, str]:
    """Whether the table's valid constraints prove that its rows fit the bound."""
    if parent.partition_by is None or not parent.partition_by.columns:
        return None, "the partition key"
    keys = parent.partition_by.columns
    reading = [c for c in valid_checks(table) if set(keys) & set(c.columns)]
    if not reading:
        return False, ""
    conditions = [
        condition
        for constraint in reading
        if constraint.expression is not None
        for condition in conjuncts(constraint.expression.sql)
    ]
    if len(keys) == 1 and _conditions_imply(conditions, table, keys[0], bound.sql):
        return True, ""
    return None, "whether its CHECK constraints prove the bound"


def _conditions_imply(conditions: list[str], table: Table, key: str, bound: str) -> bool:
    no_nulls = has_no_nulls(table, key) or any(_not_null_column(c) == key for c in conditions)
    if not no_nulls:
        return False
    compared = {
        (match["operator"], _value(match["value"]))
        for condition in conditions
        if (match := _COMPARISON.match(condition)) and _unquoted(match["column"]) == key
    }
    if match := _RANGE.search(bound):
        low, high = _value(match["low"]), _value(match["high"])
        return (
            low.lower() == "minvalue"
            or any(o == ">=" and _is_ordered(low, value) for o, value in compared)
        ) and (
            high.lower() == "maxvalue"
            or any(o == "<" and _is_ordered(value, high) for o, value in compared)
        )
    if match := _LIST.search(bound):
        allowed = _values(match["values"])
        if any(operator == "=" and value in allowed for operator, value in compared):
            return True
        return any(
            _unquoted(found["column"]) == key and _values(found["values"]) <= allowed
            for condition in conditions
            if (found := _IN.match(condition))
        )
    return False


def _is_ordered(low: str, high: str) -> bool:
    """Whether one constant is certainly no greater than the other: numbers, dates, or the same."""
    if low == high:
        return True
    if _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high):
        return float(low) <= float(high)
    return bool(_DATE.fullmatch(low) and _DATE.fullmatch(high)) and low <= high


def _values(sql: str) -> set[str]:
    return {_value(value) for value in re.findall(r"'(?:[^']|'')*'|[^,]+", sql) if value.strip()}


def _value(sql: str) -> str:
    """A constant as bounds and conditions may both write it."""
    value = _without_parentheses(sql)
    while (shorter := _CAST.sub("", value).strip()) != value:
        value = _without_parentheses(shorter)
    return value.strip("'")


def _without_parentheses(sql: str) -> str:
    sql = sql.strip()
    while sql.startswith("(") and _closes_at_end(sql):
        sql = sql[1:-1].strip()
    return sql


def _closes_at_end(sql: str) -> bool:
    depth = 0
    for match in re.finditer(r"'(?:[^']|'')*'|\"[^\"]*\"|[()]", sql):
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth -= 1
            if depth == 0:
                return match.end() == len(sql)
    return False


def _unquoted(identifier: str) -> str:
    if identifier.startswith('"'):
        return identifier[1:-1]
    return identifier.lower()
