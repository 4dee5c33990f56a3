"""One INSERT that fills a table: which expression each column gets, tried on a few rows first."""

import itertools
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from senior_backend.migrations.trace.sizes.filling.shape import (
    Check,
    Column,
    ForeignKey,
    Shape,
    Unique,
)
from senior_backend.migrations.trace.sizes.filling.values import (
    ROW,
    Values,
    candidates,
    chosen_of,
    hints,
)
from senior_backend.postgres.session import Session, StatementError, quoted

_ROW_COLUMN: Final = 'g."#"'
_NULL_EVERY: Final = 11
_COMBINATIONS: Final = 900
_IN_ORDER: Final = 300
_FORMS_OF_ONE: Final = 24
"""Of a column that conditions tie to others: how many ways to fill it are combined."""
_PRESENT: Final = ("", "false", f"{ROW} % 2 = 0", f"{ROW} % 2 <> 0")
"""When a row refers to a parent: always, never, every other row."""
_SOME: Final = 0.1
_LOW: Final = 1000
"""Fewer different values than this are not called different for each row."""


@dataclass(slots=True)
class Parent:
    """A foreign key, and the temporary table of keys that its values come from.

    ``stride`` rows after each other take the same key. ``fixed`` are the columns that another
    foreign key has given their value already.
    """

    key: ForeignKey
    table: str
    rows: int
    stride: int = 1
    fixed: tuple[str, ...] = ()
    when: str = ""
    """The condition on ``ROW`` under which a row refers to anything; empty: always."""

    @property
    def own(self) -> tuple[str, ...]:
        """The columns that take their value from it."""
        return tuple(c for c in self.key.columns if c not in self.fixed)

    def value(self, column: str) -> str:
        """The SQL of a column's value."""
        theirs = self.key.parent_columns[self.key.columns.index(column)]
        value = f"{self.table}.{quoted(theirs)}"
        return (
            f"case when {self.when.replace(ROW, _ROW_COLUMN)} then {value} end"
            if self.when
            else value
        )


@dataclass(slots=True)
class Plan:
    """How rows of one table are made."""

    shape: Shape
    values: dict[str, Values] = field(default_factory=dict)
    parents: list[Parent] = field(default_factory=list)
    filtered: list[Check] = field(default_factory=list)
    """Conditions that the made rows are held against before they are inserted."""
    most: float = inf
    """Rows that there can be."""
    why_most: str = ""
    told: list[str] = field(default_factory=list)
    may_conflict: bool = False

    def rows(self, numbers: str, skip: Iterable[Check] = ()) -> str:
        """A query that makes rows; ``numbers`` is a FROM item with one column of row numbers."""
        skipped = {id(check) for check in skip}
        conditions = [
            f"({check.condition}) is not false"
            for check in self.filtered
            if id(check) not in skipped
        ]
        where = f" where {' and '.join(conditions)}" if conditions else ""
        generated = [c for c in self.shape.columns if c.generated is not None]
        made = ", ".join(["s.*", *(f"({c.generated}) as {quoted(c.name)}" for c in generated)])
        inner = self._made(numbers)
        if generated:
            inner = f"select {made} from ({inner}) s"
        return f"select * from ({inner}) s{where}"

    def insert(self, first: int, count: int) -> str:
        """The statement for ``count`` rows from number ``first``."""
        columns = ", ".join(quoted(name) for name in self.written)
        if not self.written:
            return f"insert into {self.shape.name} default values"
        numbers = f"generate_series({first}::bigint, {first + count - 1}::bigint)"
        conflict = " on conflict do nothing" if self.may_conflict else ""
        return (
            f"insert into {self.shape.name} ({columns}) overriding system value "
            f"select {columns} from ({self.rows(numbers)}) s{conflict}"
        )

    @property
    def written(self) -> list[str]:
        """The columns that the INSERT names."""
        return [c.name for c in self.shape.columns if c.generated is None]

    def _made(self, numbers: str) -> str:
        made = []
        for column in self.shape.columns:
            if column.generated is not None:
                continue
            parent = next((p for p in self.parents if column.name in p.own), None)
            value = (
                parent.value(column.name) if parent else self.values[column.name].at(_ROW_COLUMN)
            )
            made.append(f"{value} as {quoted(column.name)}")
        joins = "".join(self._join(parent) for parent in self.parents)
        # The order of the table is that of the rows' numbers, whatever the joins did.
        order = f" order by {_ROW_COLUMN}" if joins else ""
        return f'select {", ".join(made)} from {numbers} as g("#"){joins}{order}'

    def _join(self, parent: Parent) -> str:
        turn = f"({_ROW_COLUMN} / {parent.stride})" if parent.stride > 1 else _ROW_COLUMN
        if not parent.fixed:
            return f' join {parent.table} on {parent.table}."#" = 1 + {turn} % {parent.rows}'
        pairs = dict(zip(parent.key.columns, parent.key.parent_columns, strict=True))
        given = {
            pairs[column]: next(p for p in self.parents if column in p.own).value(column)
            for column in parent.fixed
        }
        theirs = ", ".join(map(quoted, given))
        numbered, total = parent.table, f"{parent.table}_total"
        same = " and ".join(f"{numbered}.{quoted(c)} = {v}" for c, v in given.items())
        same_total = " and ".join(f"{total}.{quoted(c)} = {v}" for c, v in given.items())
        return (
            f" join (select {theirs}, count(*) as total from {parent.table} group by {theirs}) "
            f"{total} on {same_total} join (select *, row_number() over (partition by {theirs}) "
            f"as place from {parent.table}) {numbered} on {same} "
            f"and {numbered}.place = 1 + {turn} % {total}.total"
        )


@dataclass(slots=True)
class Planner:
    """Chooses the expressions of one table by trying them on the server."""

    session: Session
    shape: Shape
    count: int
    first: int = 1
    plan: Plan = field(init=False)
    ways: dict[str, list[Values]] = field(default_factory=dict)

    def make(
        self,
        parents: Sequence[Parent],
        given: Mapping[str, Values],
        to_itself: Sequence[ForeignKey] = (),
    ) -> Plan:
        """The plan. ``given`` are columns whose values are settled: those of open references.

        ``to_itself`` are foreign keys to the table's own rows.
        """
        self.plan = Plan(self.shape, parents=_without_overlap(parents))
        own = {column for parent in self.plan.parents for column in parent.own}
        keys = {column for key in to_itself for column in key.parent_columns}
        inner = {c for key in to_itself for c in key.columns if c not in own and c not in keys}
        free = [
            c for c in self.shape.columns
            if c.generated is None and c.name not in own | inner and c.name not in given
        ]  # fmt: skip
        self.plan.values = dict(given)
        for name in inner:
            self.plan.values[name] = _nothing(self.shape.column(name))
        distinct = self._columns_to_be_distinct([c.name for c in free])
        for column in free:
            self._settle(column, unique=column.name in distinct)
        self._satisfy_several({c.name for c in free}, distinct)
        distinct = {
            c.name for c in free if self.plan.values[c.name].distinct >= max(self.count, 2)
        } | {c for c in given if given[c].distinct >= max(self.count, 2)}
        self._spread(distinct)
        self._add_nulls(free)
        for key in to_itself:
            self._refer_to_itself(key, inner)
        self._keep_testable()
        return self.plan

    def _refer_to_itself(self, key: ForeignKey, inner: set[str]) -> None:
        """A tree where nothing speaks against it; else each row names itself, or none."""
        mine = [c for c in key.columns if c in inner]
        pairs = dict(zip(key.columns, key.parent_columns, strict=True))
        keys = {c: self.plan.values.get(pairs[c]) for c in mine}
        nothing = {c: _nothing(self.shape.column(c)) for c in mine}
        optional = all(
            not self.shape.column(c).not_null and not self.shape.column(c).type.refuses_null
            for c in mine
        )
        ways: list[dict[str, Values]] = []
        if all(keys.values()):
            earlier = f"({self.first} + ({ROW} - {self.first}) / 2)"
            tree = {c: Values(values.at(earlier)) for c, values in keys.items() if values}
            own = {c: values for c, values in keys.items() if values}
            whole = len(mine) == len(key.columns) and not self.plan.may_conflict
            if whole and (self._passing(self.shape.checks) or 0) == 1:
                if optional:
                    roots = f"{ROW} % {_NULL_EVERY} = 1 or {ROW} = {self.first}"
                    ways.append({
                        c: Values(f"case when not ({roots}) then {v.expression} end")
                        for c, v in tree.items()
                    })  # fmt: skip
                ways.append(tree)
            ways += [nothing, own] if optional else [own]
        elif optional:
            ways.append(nothing)
        if not ways:
            self.plan.told.append(f"{key.name}: its own rows cannot be named before they are there")
        for way in ways:
            self.plan.values.update(way)
            if self._passing(self.shape.checks) in (1, None):
                break

    def _columns_to_be_distinct(self, free: Sequence[str]) -> set[str]:
        """For each unique index one column of its own, where it has any that can be."""
        distinct: set[str] = set()
        for unique in self.shape.uniques:
            columns = self._made_of(unique.columns)
            able = [
                c
                for c in columns
                if c in free and _can_be_distinct(self.shape.column(c), self.count)
            ]
            if able and not distinct.intersection(columns):
                distinct.add(able[0])
            if unique.exclusion:
                distinct.update(able)
        return distinct

    def _settle(self, column: Column, *, unique: bool) -> None:
        """The first way to fill a column alone that its own conditions allow."""
        alone = [c for c in self.shape.checks if set(c.columns) == {column.name}]
        touching = [c.condition for c in self.shape.checks if column.name in c.columns]
        ways = candidates(column.type, hints(touching), unique=unique)
        if not alone and not touching and self._share(column, ways[0], ()) == 1:
            self.plan.values[column.name] = ways[0]
            self.ways[column.name] = ways
            return
        fit: list[Values] = []
        constants: list[Values] = []
        partly: list[tuple[float, Values]] = []
        enough = len(ways) if len(touching) > len(alone) else 1
        for way in ways:
            share = self._share(column, way, alone)
            if share == 1:
                (constants if way.distinct == 1 else fit).append(way)
            elif share:
                partly.append((share, way))
            if len(fit) >= enough and not (unique and fit[0].distinct < self.count):
                break
        if constants:
            pool = chosen_of([way.expression for way in constants], column.type)
            fit.append(pool)
            if len(constants) > 1 and alone and _are_listed(constants, touching):
                fit.insert(0, fit.pop())
        if not fit and partly:
            fit.append(max(partly, key=lambda pair: pair[0])[1])
        if unique:
            # Different values of which some are refused do more than a few that are all allowed.
            fit += [way for share, way in partly if share >= _SOME and way not in fit]
            fit.sort(key=lambda way: -min(way.distinct, self.count))
        nothing = _nothing(column)
        if not fit:
            if column.not_null or column.type.refuses_null:
                names = ", ".join(c.source for c in alone) or f"type {column.type.name}"
                self.plan.told.append(f"column {column.name}: no value found that {names} allows")
            fit = [nothing]
        self.plan.values[column.name] = fit[0]
        null = [] if column.not_null or column.type.refuses_null else [nothing]
        self.ways[column.name] = [*fit[:3], *null, *constants[:8], *fit[3:]][:_FORMS_OF_ONE]

    def _share(self, column: Column, way: Values, alone: Sequence[Check]) -> float:
        """The share of rows that may have this value; 0 where the server refuses the expression."""
        value = way.at(_ROW_COLUMN)
        conditions = [f"({check.condition}) is not false" for check in alone]
        limit = column.type.base.modifier
        name = quoted(column.name)
        if column.type.base.internal in ("varchar", "bpchar") and limit > 4:
            conditions.append(f"char_length({name}::text) <= {limit - 4}")
        modified = _modified(column)
        kept = f" filter (where {' and '.join(conditions)})" if conditions else ""
        query = (
            f"select count({name}::{modified}){kept}::float8 / count(*) "
            f'from (select {value} as {name} from {self._sample()} as g("#")) s'
        )
        try:
            return float(self.session.execute(query)[0][0])
        except StatementError:
            if not alone or not conditions:
                return 0.0
        # A condition that only stands in a table (it names the row, or fails): the type at least.
        return 0.0

    def _sample(self) -> str:
        numbers = {*range(1, 25), self.count // 3, self.count // 2, self.count - 1, self.count}
        shifted = sorted(self.first + n - 1 for n in numbers if n > 0)
        return f"unnest(array[{', '.join(map(str, shifted))}]::bigint[])"

    def _passing(self, checks: Sequence[Check]) -> float | None:
        """The share of rows of the plan that satisfy conditions; None where that cannot be told."""
        conditions = " and ".join(f"({check.condition}) is not false" for check in checks)
        query = (
            f"select count(*) filter (where {conditions})::float8, count(*) "
            f"from ({self.plan.rows(self._sample())}) s"
        )
        try:
            ((kept, all_),) = self.session.execute(query)
        except StatementError:
            return None
        return kept / all_ if all_ else 0.0

    def _satisfy_several(self, free: set[str], distinct: set[str]) -> None:
        """Conditions on several columns, and on those that come from parents or expressions."""
        expanded = [(c, set(self._made_of(c.columns))) for c in self.shape.checks]
        several = [(c, on) for c, on in expanded if set(c.columns) - free or len(on) > 1 or not on]
        while several:
            check, on = several.pop(0)
            group = [check]
            while joined := [pair for pair in several if pair[1] & on]:
                for pair in joined:
                    group.append(pair[0])
                    on |= pair[1]
                    several.remove(pair)
            self._satisfy(group, sorted(on & free), distinct)

    def _made_of(self, columns: Iterable[str]) -> list[str]:
        """The columns that are written, for those that the server makes of them."""
        found: list[str] = []
        for name in columns:
            made = self.shape.column(name).generated
            if made is None:
                found.append(name)
            else:
                words = set(re.findall(r"\w+", made))
                found += [
                    c.name for c in self.shape.columns
                    if c.name in words or quoted(c.name) in made
                ]  # fmt: skip
        return list(dict.fromkeys(found))

    def _optional_parents(self, checks: Iterable[Check]) -> list[Parent]:
        """Those that conditions read, and that a row may do without."""
        read = {name for check in checks for name in check.columns}
        return [
            p
            for p in self.plan.parents
            if read.intersection(p.own)
            and not p.fixed
            and not any(
                self.shape.column(c).not_null or self.shape.column(c).type.refuses_null
                for c in p.own
            )
        ]

    def _satisfy(self, group: Sequence[Check], columns: Sequence[str], distinct: set[str]) -> None:
        """Look for ways to fill some columns that conditions allow together."""
        alone = [c for c in self.shape.checks if len(c.columns) == 1 and c.columns[0] in columns]
        tests = list({id(c): c for c in (*group, *alone)}.values())
        start = self._passing(tests)
        if start is None or start == 1:
            return
        parents = self._optional_parents(group)
        present: list[Sequence[Values | str]] = [_PRESENT] * len(parents)
        best: tuple[float, tuple[Values | str, ...]] = (start, ())
        for keep_distinct in (True, False):
            ways: list[Sequence[Values | str]] = [
                [w for w in self.ways[c] if w.distinct >= self.count]
                if keep_distinct and c in distinct
                else self.ways[c]
                for c in columns
            ]
            for combination in _combinations([*ways, *present]):
                self._choose(columns, parents, combination)
                share = self._passing(tests) or 0.0
                if share > best[0]:
                    best = (share, combination)
                if share == 1:
                    return
            if best[0] or not distinct.intersection(columns):
                break
        if best[1]:
            self._choose(columns, parents, best[1])
        if not best[0]:
            names = ", ".join(check.source for check in group)
            self.plan.told.append(f"no row found that {names} allows")

    def _choose(
        self, columns: Sequence[str], parents: Sequence[Parent], ways: Sequence[Values | str]
    ) -> None:
        """Take a combination: a way for each column, then when each parent is referred to."""
        self.plan.values.update(
            (name, way) for name, way in zip(columns, ways, strict=False) if isinstance(way, Values)
        )
        for parent, way in zip(parents, ways[len(columns) :], strict=True):
            parent.when = str(way)

    def _spread(self, distinct: set[str]) -> None:
        """Unique indexes over references and few values: every combination once, in turn."""
        spread: set[str] = set()
        for unique in self.shape.uniques:
            columns = self._made_of(unique.columns)
            if not columns or distinct.intersection(columns):
                self.plan.may_conflict |= unique.partial or unique.exclusion
                continue
            self.plan.may_conflict = not unique.deferrable
            self._spread_one(unique, spread)
        self.plan.may_conflict &= not any(u.deferrable for u in self.shape.uniques)

    def _spread_one(self, unique: Unique, spread: set[str]) -> None:
        stride = 1
        for parent in self.plan.parents:
            if set(parent.own) & set(unique.columns):
                if parent.key.name not in spread:
                    parent.stride = stride
                    spread.add(parent.key.name)
                stride *= parent.rows
        for name in unique.columns:
            values = self.plan.values.get(name)
            if values is None or values.distinct == 1 or stride > 2**40:
                continue
            if name not in spread and stride > 1:
                shifted = f"(({ROW} - 1) / {stride} + 1)"
                self.plan.values[name] = Values(values.at(shifted), values.distinct)
                spread.add(name)
            stride = int(min(stride * values.distinct, 2**50))
        if stride < self.plan.most and not unique.partial:
            self.plan.most = stride
            named = ", ".join(unique.columns)
            self.plan.why_most = f"unique ({named}): only {stride} combinations"

    def _add_nulls(self, free: Sequence[Column]) -> None:
        """A share of NULLs where nothing speaks against it."""
        unique = {name for u in self.shape.uniques for name in u.columns}
        tied = {name for c in self.shape.checks if len(c.columns) != 1 for name in c.columns}
        referred = unique | tied | self.shape.partition_columns
        for number, column in enumerate(free):
            if column.not_null or column.type.refuses_null or column.name in referred:
                continue
            values = self.plan.values[column.name]
            every = f"{ROW} % {_NULL_EVERY} = {number % _NULL_EVERY}"
            holed = Values(f"case when not {every} then {values.expression} end", values.distinct)
            checks = [c for c in self.shape.checks if c.columns == (column.name,)]
            before, self.plan.values[column.name] = values, holed
            if checks and self._passing(checks) != 1:
                self.plan.values[column.name] = before
        for parent in self.plan.parents:
            columns = [self.shape.column(name) for name in parent.own]
            overlaps = any(set(parent.key.columns) & set(o.fixed) for o in self.plan.parents)
            if not (
                parent.fixed
                or overlaps
                or any(c.not_null or c.type.refuses_null or c.name in referred for c in columns)
            ):
                parent.when = f"{ROW} % {_NULL_EVERY} <> 5"

    def _keep_testable(self) -> None:
        """Hold the rows against every condition that can be asked of them before the INSERT."""
        for check in self.shape.checks:
            if self._passing([check]) is not None:
                self.plan.filtered.append(check)


def _nothing(column: Column) -> Values:
    return Values(f"null::{column.type.base.name}", 1)


def _modified(column: Column) -> str:
    """The type to convert to, so that the server says whether the value fits."""
    type_ = column.type
    precise = type_.internal == "numeric" and type_.modifier >= 4
    if precise and (type_.modifier - 4) & 0x7FF < 1024:
        return f"numeric({(type_.modifier - 4) >> 16}, {(type_.modifier - 4) & 0x7FF})"
    return type_.name


def _are_listed(constants: Sequence[Values], conditions: Sequence[str]) -> bool:
    """Whether the allowed values are an enumeration: then they are the natural ones."""
    return any("ANY" in condition or " OR " in condition for condition in conditions) and bool(
        constants
    )


def _can_be_distinct(column: Column, count: int) -> bool:
    ways = candidates(column.type, hints(()), unique=True)
    return bool(ways) and ways[0].distinct >= min(count, _LOW)


def _combinations(
    ways: Sequence[Sequence[Values | str]],
) -> Iterable[tuple[Values | str, ...]]:
    """Combinations near the usual first, then some from all over; always the same ones."""
    if not ways or not all(ways):
        return
    near = itertools.product(*(range(min(len(w), 6)) for w in ways))
    ordered = sorted(itertools.islice(near, 20_000), key=sum)[:_IN_ORDER]
    chance = random.Random(7)  # noqa: S311 - no secret: the same choice every time
    for places in ordered:
        yield tuple(w[p] for w, p in zip(ways, places, strict=True))
    for _ in range(_COMBINATIONS - len(ordered)):
        yield tuple(chance.choice(w) for w in ways)


def _without_overlap(parents: Sequence[Parent]) -> list[Parent]:
    """Those of most columns first; the others take over what those have given."""
    ordered = sorted(parents, key=lambda parent: -len(parent.key.columns))
    given: set[str] = set()
    for parent in ordered:
        parent.fixed = tuple(c for c in parent.key.columns if c in given)
        given.update(parent.key.columns)
    return ordered
