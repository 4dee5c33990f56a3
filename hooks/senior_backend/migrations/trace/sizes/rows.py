"""Filling tables: rows that satisfy what a schema asks of them, made on the server itself."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from senior_backend.migrations.trace.sizes.filling import shape
from senior_backend.migrations.trace.sizes.filling.plan import Parent, Plan, Planner
from senior_backend.migrations.trace.sizes.filling.shape import ForeignKey, Shape, Types
from senior_backend.migrations.trace.sizes.filling.values import Values
from senior_backend.postgres.session import Session, StatementError, quoted

_SESSION: Final = """
set client_min_messages = warning; set statement_timeout = '10min'; set lock_timeout = '5s'
"""
_ROUNDS: Final = 6
_FEWEST_PARENTS: Final = 20
_CHILDREN: Final = 10
"""Rows of a table for each row of one that it refers to."""
_FEWER: Final = (1000, 100, 10, 1)
_CONFLICTS: Final = ("23505", "23P01")


@dataclass(frozen=True, slots=True)
class Filled(Mapping[str, int]):
    """The rows that each table has now, by the name that was asked for; parents as well.

    ``unfilled`` says of those that have fewer rows than were asked for, why.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    unfilled: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, table: str) -> int:
        return self.rows[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def fill(url: str, rows: Mapping[str, int], after: str | None = None) -> Filled:
    """Give tables of the database at ``url`` as many rows, by table as people write it.

    Tables that they refer to are filled as needed. Rows that are there count, and stay. The rows
    are the same every time. Primary keys, unique indexes, foreign keys, NOT NULL, CHECK and
    exclusion constraints, domains and partitions are satisfied; what could not be filled is said in
    ``unfilled``, and raises nothing. Triggers of users do not fire where the role may say so.
    ``after`` is a database with the same tables after a migration: the rows are such that it
    succeeds (values for a column that becomes NOT NULL, no doubles where an index will be unique).

    Raises:
        NotRunError: the database cannot be reached.
    """
    with Session(url) as session:
        session.execute(_SESSION)
        if after is None:
            return _Filler(session).fill(rows)
        with Session(after) as later:
            return _Filler(session, later).fill(rows)


@dataclass(slots=True)
class _Filler:
    session: Session
    later: Session | None = None
    later_types: Types = field(init=False)
    types: Types = field(init=False)
    shapes: dict[int, Shape] = field(default_factory=dict)
    wanted: dict[int, int] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    counts: dict[int, int] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)
    keys: int = 0
    may_replicate: bool = False

    def __post_init__(self) -> None:
        self.types = Types(self.session)
        self.later_types = Types(self.later if self.later is not None else self.session)

    def fill(self, rows: Mapping[str, int]) -> Filled:
        unfilled: dict[str, str] = {}
        for table, count in rows.items():
            oid, reason = self._find(table)
            if oid is None:
                unfilled[table] = reason
            else:
                self.wanted[oid] = max(0, count)
                self.labels[oid] = table
        self.may_replicate = self._may_replicate()
        for oid in list(self.wanted):
            self._fill_safely(oid)
        self._remove_orphans()
        by_label = {self.labels[oid]: count for oid, count in self.counts.items()}
        unfilled.update({self.labels[oid]: reason for oid, reason in self.reasons.items()})
        return Filled(by_label, unfilled)

    def _find(self, table: str) -> tuple[int | None, str]:
        """The number of a table as people write it, or why it cannot be filled."""
        try:
            ((oid,),) = self.session.execute("select to_regclass(%s)::oid::int8", (table,))
        except StatementError as error:
            return None, str(error)
        if oid is None:
            found = self.session.execute(_BY_NAME, (table,))
            if len(found) != 1:
                return None, "there is no such table" if not found else "several schemas have one"
            ((oid,),) = found
        ((kind, label),) = self.session.execute(_KIND, (oid,))
        if kind not in ("r", "p"):
            return None, f"it is a {_KINDS.get(kind, 'relation that is no table')}"
        self.labels.setdefault(oid, label)
        return oid, ""

    def _may_replicate(self) -> bool:
        try:
            self.session.execute("set session_replication_role = replica")
            self.session.execute("set session_replication_role = origin")
        except StatementError:
            return False
        return True

    def _shape(self, oid: int) -> Shape:
        if oid not in self.shapes:
            self.shapes[oid] = self._demanding(shape.read(self.session, oid, self.types))
        return self.shapes[oid]

    def _demanding(self, table: Shape) -> Shape:
        """With what the same table asks after the migration."""
        if self.later is None:
            return table
        ((there,),) = self.later.execute("select to_regclass(%s)::oid::int8", (table.name,))
        if there is None:
            return table
        after = shape.read(self.later, there, self.later_types)
        parents: dict[str, int] = {}
        for key in after.foreign_keys:
            ((oid,),) = self.session.execute(
                "select to_regclass(%s)::oid::int8", (key.parent_name,)
            )
            if oid is not None and self._has(oid, key.parent_columns):
                parents[key.parent_name] = oid
        return shape.with_demands_of(table, after, parents)

    def _has(self, oid: int, columns: Collection[str]) -> bool:
        """Whether a table has columns of these names, all of them as a key."""
        rows = self.session.execute(
            "select count(*) from pg_attribute where attrelid = %s and attname = any (%s) "
            "and not attisdropped",
            (oid, list(columns)),
        )
        return bool(rows[0][0] == len(columns))

    def _fill_safely(self, oid: int) -> None:
        if oid in self.begun:
            return
        self.begun.add(oid)
        self.labels.setdefault(oid, self._label(oid))
        try:
            self._fill(oid)
        except StatementError as error:
            self.reasons[oid] = str(error)
        self.session.execute("set session_replication_role = origin") if self.may_replicate else ()
        self.counts.setdefault(oid, 0)

    def _label(self, oid: int) -> str:
        ((label,),) = self.session.execute("select %s::oid::regclass::text", (oid,))
        return str(label)

    def _count(self, oid: int) -> int:
        name = self._shape(oid).name
        ((count,),) = self.session.execute(f"select count(*) from {name}")
        return int(count)

    def _fill(self, oid: int) -> None:
        table = self._shape(oid)
        wanted = self.wanted[oid]
        there = self.counts[oid] = self._count(oid)
        if there >= wanted:
            return
        parents: list[Parent] = []
        given: dict[str, Values] = {}
        to_itself: list[ForeignKey] = []
        for key in table.foreign_keys:
            if key.parent == oid:
                to_itself.append(key)
                continue
            parent = self._parent(table, key, wanted)
            if parent is not None:
                parents.append(parent)
                continue
            left_open = self._open(table, key)
            if left_open is None:
                self.reasons[oid] = f"{key.name}: {key.parent_name} has no rows to refer to" + (
                    f" ({self.reasons[key.parent]})" if key.parent in self.reasons else ""
                )
                return
            given.update(left_open)
        first = self._first(table, there)
        planner = Planner(self.session, table, wanted - there, first)
        plan = planner.make(parents, given, to_itself)
        plan.may_conflict |= there > 0 and not any(u.deferrable for u in table.uniques)
        self.plans[oid] = plan
        self._insert(oid, plan, first, wanted)

    def _parent(self, table: Shape, key: ForeignKey, wanted: int) -> Parent | None:
        """The keys to refer to; None where there are none, or not yet."""
        alone = any(u.columns and set(u.columns) <= set(key.columns) for u in table.uniques)
        need = wanted if alone else min(wanted, max(_FEWEST_PARENTS, wanted // _CHILDREN))
        if key.parent not in self.begun:
            self.wanted.setdefault(key.parent, need)
            self._fill_safely(key.parent)
        if not self.counts.get(key.parent):
            return None
        self.keys += 1
        name = f"senior_backend_keys_{self.keys}"
        columns = ", ".join(map(quoted, key.parent_columns))
        present = " and ".join(f"{quoted(c)} is not null" for c in key.parent_columns)
        parent = self._shape(key.parent).name
        self.session.execute(
            f'create temporary table {name} as select row_number() over () as "#", {columns} '
            f"from {parent} where {present} limit {max(wanted, 1)}; "
            f'alter table {name} add primary key ("#"); analyze {name}'
        )
        ((rows,),) = self.session.execute(f"select count(*) from {name}")
        return Parent(key, name, rows) if rows else None

    def _open(self, table: Shape, key: ForeignKey) -> dict[str, Values] | None:
        """Values of a key whose parent has no rows: NULL, or the first that a cycle will have."""
        columns = [table.column(c) for c in key.columns]
        optional = [c for c in columns if not c.not_null and not c.type.refuses_null]
        if optional and (len(optional) == len(columns) or not key.match_full):
            return {c.name: Values(f"null::{c.type.base.name}", 1) for c in optional}
        in_cycle = key.parent in self.begun and key.parent not in self.reasons
        if not in_cycle or not self.may_replicate or self.counts.get(key.parent):
            return None
        parent = self._shape(key.parent)
        planner = Planner(self.session, parent, self.wanted[key.parent])
        plan = planner.make((), {})
        return {
            own: Values(plan.values[theirs].at("1::bigint"), 1)
            for own, theirs in zip(key.columns, key.parent_columns, strict=True)
            if theirs in plan.values
        }

    def _first(self, table: Shape, there: int) -> int:
        """The first number of a row that meets no row that is there."""
        if not there:
            return 1
        counted = {name for u in table.uniques for name in u.columns}
        numbers = [
            quoted(c.name)
            for c in table.columns
            if c.name in counted and c.type.base.internal in ("int2", "int4", "int8", "numeric")
        ]
        highest = ", ".join(f"coalesce(max({n}), 0)" for n in numbers)
        first = there
        if numbers:
            ((found,),) = self.session.execute(f"select greatest({highest}) from {table.name}")
            first = max(first, int(found)) if 0 <= found < 2**31 - 2**27 else first
        return first + 1

    def _insert(self, oid: int, plan: Plan, first: int, wanted: int) -> None:
        """Rows until there are enough, or no more come."""
        table = plan.shape
        if plan.told:
            self.reasons[oid] = "; ".join(plan.told)
        deferrable = any(u.deferrable for u in table.uniques)
        if self.may_replicate and not deferrable:
            # Neither triggers of users nor those of foreign keys, which are five times the work.
            self.session.execute("set session_replication_role = replica")
        enabled = [] if self.may_replicate and not deferrable else self._disable_triggers(table)
        try:
            why = self._insert_rounds(oid, plan, first, wanted)
        finally:
            for statement in enabled:
                self.session.execute(statement)
        there = self.counts[oid]
        if there < wanted:
            known = [
                *plan.told,
                *([plan.why_most] if there >= plan.most else []),
                *filter(None, [why]),
            ]
            self.reasons[oid] = "; ".join(dict.fromkeys(known)) or "its conditions leave no more"
        elif oid in self.reasons:
            del self.reasons[oid]
        self._advance_sequences(table)

    def _insert_rounds(self, oid: int, plan: Plan, first: int, wanted: int) -> str:
        why = ""
        if not plan.written:
            for _ in range(min(wanted - self.counts[oid], _FEWER[0])):
                self.session.execute(plan.insert(1, 1))
            self.counts[oid] = self._count(oid)
            return "it has no columns to be written"
        missing = wanted - self.counts[oid]
        size = missing
        for _ in range(_ROUNDS):
            before = self.counts[oid]
            why = self._insert_some(plan, first, size)
            self.counts[oid] = self._count(oid)
            first += size
            missing = wanted - self.counts[oid]
            gained = self.counts[oid] - before
            if missing <= 0 or not gained or self.counts[oid] >= plan.most:
                break
            size = min(max(missing, 2 * missing * size // max(gained, 1)), 4 * wanted)
        if missing < 0:
            self._remove_surplus(plan.shape, -missing)
            self.counts[oid] = self._count(oid)
        return why

    def _insert_some(self, plan: Plan, first: int, count: int) -> str:
        """One INSERT; fewer rows where the server refuses. Why it did, if it did."""
        why = ""
        count = int(min(count, max(plan.most, 1)))
        for size in (count, *(fewer for fewer in _FEWER if fewer < count)):
            try:
                self.session.execute(plan.insert(first, size))
            except StatementError as error:
                why = str(error)
                conflict = error.sqlstate in _CONFLICTS
                if conflict and not any(u.deferrable for u in plan.shape.uniques):
                    plan.may_conflict = True
                    try:
                        self.session.execute(plan.insert(first, size))
                    except StatementError as again:
                        why = str(again)
                    else:
                        return ""
            else:
                return why
        return why

    def _remove_surplus(self, table: Shape, surplus: int) -> None:
        self.session.execute(
            f"delete from {table.name} where (tableoid, ctid) in "
            f"(select tableoid, ctid from {table.name} order by tableoid, ctid desc "
            f"limit {surplus})"
        )

    def _disable_triggers(self, table: Shape) -> list[str]:
        """Triggers of users are switched off; returns what switches them on again."""
        enabled = []
        for (name,) in self.session.execute(_TRIGGERS, (table.oid,)):
            try:
                self.session.execute(f"alter table {table.name} disable trigger {quoted(name)}")
            except StatementError:
                continue
            enabled.append(f"alter table {table.name} enable trigger {quoted(name)}")
        return enabled

    def _advance_sequences(self, table: Shape) -> None:
        for column in table.columns:
            if column.sequence is None:
                continue
            sequence = "'" + column.sequence.replace("'", "''") + "'"
            try:
                self.session.execute(
                    f"select setval({sequence}, max({quoted(column.name)})) "
                    f"from {table.name} having max({quoted(column.name)}) > 0"
                )
            except StatementError:
                continue

    def _remove_orphans(self) -> None:
        """Rows whose parent did not come, where the server was told not to look."""
        if not self.may_replicate:
            return
        for oid, plan in self.plans.items():
            for key in plan.shape.foreign_keys:
                self._remove_orphans_of(oid, plan.shape, key)

    def _remove_orphans_of(self, oid: int, table: Shape, key: ForeignKey) -> None:
        pairs = list(zip(key.columns, key.parent_columns, strict=True))
        given = " and ".join(f"c.{quoted(own)} is not null" for own, _ in pairs)
        same = " and ".join(f"c.{quoted(own)} = p.{quoted(theirs)}" for own, theirs in pairs)
        parent = self._shape(key.parent).name
        self.session.execute("set session_replication_role = replica")
        self.session.execute(
            f"delete from {table.name} c where {given} "
            f"and not exists (select from {parent} p where {same})"
        )
        self.session.execute("set session_replication_role = origin")
        left = self._count(oid)
        if left < self.counts[oid]:
            self.reasons[oid] = f"{key.name}: rows that it refers to could not be made"
            self.counts[oid] = left


_BY_NAME: Final = """
select c.oid::int8 from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relname = %s and c.relkind in ('r', 'p') and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
"""
_KIND: Final = "select relkind::text, oid::regclass::text from pg_class where oid = %s"
_KINDS: Final = {
    "v": "view", "m": "materialized view", "f": "foreign table", "i": "index", "S": "sequence",
    "c": "composite type", "I": "partitioned index", "t": "TOAST table",
}  # fmt: skip
_TRIGGERS: Final = """
select tgname::text from pg_trigger where tgrelid = %s and not tgisinternal and tgenabled = 'O'
"""
