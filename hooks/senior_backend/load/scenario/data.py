"""Rows to fill requests with: from csv, jsonl, made by requests before the run, or generated.

A feeder becomes columns: what ``${users.email}`` stands for. All columns of a feeder take the same
row for an arrival, and so do all steps of a flow.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, Final

from senior_backend.errors import InputError
from senior_backend.load.scenario import random_values, template
from senior_backend.load.scenario.errors import ScenarioError, shown
from senior_backend.load.scenario.model import Feeder, Scenario
from senior_backend.load.scenario.source import Path
from senior_backend.load.scenario.template import BUILT_IN, NAME, Expression, Scope

Columns = dict[str, list[Any]]
"""Name -> values, one a row."""
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Feeder -> the rows that its requests have made."""

_LONGEST_VALUE: Final = 16 * 1024 * 1024


def scopes(
    scenario: Scenario, *, nonce: int, env: Mapping[str, str], rows: Rows
) -> Iterator[tuple[str | None, Scope]]:
    """The names that exist at each feeder: those of the feeders above it; at last (None) all."""
    known = Scope(scenario.load.seed, nonce, env, later=frozenset(scenario.data))
    for name, feeder in scenario.data.items():
        _judge_name(name, ("data", name))
        yield name, known
        columns = _expressions(name, feeder, known, rows)
        known = replace(
            known, data={**known.data, name: columns}, later=known.later - frozenset({name})
        )
    yield None, known


def _judge_name(name: str, path: Path) -> None:
    if name in BUILT_IN:
        raise ScenarioError(path, f"'{name}' has a meaning already; choose another name")
    if not NAME.fullmatch(name):
        raise ScenarioError(path, f"'{name}' is no name; use letters, digits, - and _")


def _expressions(name: str, feeder: Feeder, known: Scope, rows: Rows) -> dict[str, Expression]:
    if feeder.generate is not None:
        return _generated(name, feeder.generate, known)
    if feeder.requests is not None:
        columns = _made(feeder, rows.get(name))
        if not any(columns.values()):  # not made yet: what counts is that the names exist
            return {column: Expression(value=_not_made) for column in columns}
    elif feeder.csv is not None:
        columns = read_csv(feeder.csv, shown(feeder.csv), ("data", name, "csv"))
    elif feeder.jsonl is not None:
        columns = read_jsonl(feeder.jsonl, shown(feeder.jsonl), ("data", name, "jsonl"))
    else:
        raise AssertionError(f"data {name} without a source")
    count = len(next(iter(columns.values())))
    index = None
    if feeder.pick == "random":
        start = random_values.key(known.seed, "pick", name)
        index = random_values.integers(start, 0, count - 1)
    return {column: Expression(options=values, index=index) for column, values in columns.items()}


def _generated(name: str, columns: Mapping[str, Any], known: Scope) -> dict[str, Expression]:
    """The place is the column's, so that all who use it in one arrival see the same value."""
    path = ("data", name, "generate")
    if not columns:
        raise ScenarioError(path, "no columns; write one like id: ${uuid}")
    return {
        column: template.value(source, known, (*path, column), f"data.{name}.{column}")
        for column, source in columns.items()
    }


def _made(feeder: Feeder, rows: Sequence[Mapping[str, Any]] | None) -> Columns:
    names = [name for step in feeder.requests or () for name in step.capture]
    return {name: [row[name] for row in rows or ()] for name in names}


def _not_made(_k: int, _variables: Any) -> Any:  # noqa: ANN401
    raise AssertionError("the rows of this data are made before the run")


def _read(path: FilePath, name: str, at: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ScenarioError(at, f"{name} cannot be read: {reason}; check the name") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}:{line}: not UTF-8; save the file as UTF-8") from None


def read_csv(path: FilePath, name: str, at: Path) -> Columns:
    """The columns of a csv file with a header row (RFC 4180), all of them texts."""
    csv.field_size_limit(_LONGEST_VALUE)
    lines = csv.reader(io.StringIO(_read(path, name, at), newline=""), strict=True)
    try:
        header = [column.strip() for column in next(lines, [])]
        _judge_header(header, name)
        values: list[list[str]] = [[] for _ in header]
        for row in lines:
            if not row:
                continue
            if len(row) != len(header):
                raise InputError(
                    f"{name}:{lines.line_num}: {len(row)} values for {len(header)} columns; "
                    "give every row the same number (quote a value that has a comma)"
                )
            for column, value in zip(values, row, strict=True):
                column.append(value)
    except csv.Error as error:
        raise InputError(f"{name}:{lines.line_num}: not CSV: {error}; mend the row") from None
    if not values[0]:
        raise InputError(f"{name}:{lines.line_num + 1}: no rows below the header; add at least one")
    return dict(zip(header, values, strict=True))


def _judge_header(header: list[str], name: str) -> None:
    if not header:
        raise InputError(f"{name}:1: the file is empty; it needs a header row and rows")
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise InputError(f"{name}:1: separate the columns with commas")
    for index, column in enumerate(header):
        if not column:
            raise InputError(f"{name}:1: column {index + 1} has no name; the first row names them")
        if column in header[:index]:
            raise InputError(f"{name}:1: two columns are called '{column}'; rename one")


def read_jsonl(path: FilePath, name: str, at: Path) -> Columns:
    """The columns of a file with one JSON object a line, all with the same keys."""
    columns: Columns = {}
    for number, line in enumerate(_read(path, name, at).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{name}:{number}:{error.colno}: not JSON: {error.msg}; write one object a line"
            ) from None
        except (ValueError, RecursionError) as error:
            what = str(error) if isinstance(error, ValueError) else "nested too deeply"
            raise InputError(f"{name}:{number}: not JSON: {what}; mend the line") from None
        if not isinstance(row, dict) or not row:
            raise InputError(f'{name}:{number}: write an object with keys: {{"sku": "A-1"}}')
        if not columns:
            columns = {key: [] for key in row}
        if differing := sorted(columns.keys() ^ row.keys()):
            key = differing[0]
            where = "missing" if key in columns else "not in the lines above"
            raise InputError(f"{name}:{number}: '{key}' is {where}; give every line the same keys")
        for key, value in row.items():
            columns[key].append(value)
    if not columns:
        raise InputError(f"{name}:1: no rows; write one JSON object a line")
    return columns


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} in it")
