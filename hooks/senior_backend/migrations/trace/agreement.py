"""The lock model's word on a statement beside what the server was seen to do for it.

Relation by relation and aspect by aspect the two are *equal*, or the model does not *know*, or it
is *wrong*; a wrong lock is *harmless* when neither what was said nor what was seen keeps reads or
writes waiting. Pure: steps of the linter's walk and a trace go in.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from senior_backend.catalog.model import Catalog
from senior_backend.migrations.lock_model.database import merged
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.migrations.step import Step
from senior_backend.migrations.trace.observed import (
    MigrationTrace,
    ObservedLock,
    ObservedStatement,
    Traffic,
)
from senior_backend.operations.data import Call, ChangeRows, Do, Select
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Rename, SetSchema
from senior_backend.operations.operation import Operation
from senior_backend.sql.script import Statement

Aspect = Literal["lock", "blocks", "rewrite", "scan", "index build"]
Verdict = Literal["equal", "harmless", "unknown", "wrong"]

_WORSE: Final[tuple[Verdict, ...]] = ("equal", "harmless", "unknown", "wrong")
_BOTH: Final[tuple[Traffic, ...]] = ("reads", "writes")
_TELLING: Final = 200
"""Characters by which statements on one line are told apart: a trace cuts long ones."""

_WITHOUT_TRAFFIC: Final = frozenset({"composite type"})
"""Relations that no query reads: who uses such a type does not wait for its lock."""

_RELATIONS: Final = frozenset(
    {"table", "foreign table", "view", "materialized view", "sequence", "index"}
)
_ONLY_READ: Final = frozenset({"view", "materialized view", "sequence"})
"""No second session tries to write to them."""

_WITH_ROWS: Final = frozenset({"table", "partitioned table", "materialized view"})


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the lock model says of one statement, with all that its operations do merged.

    ``effects`` are those on relations that others may be using. ``unsure`` are relations of which
    something in a body speaks, which runs only when the body gets there. ``unseen`` says what else
    the statement runs that no migration shows; empty when everything is in sight. ``catalog`` is
    the schema before the statement.
    """

    path: str
    line: int
    sql: str
    effects: tuple[Effect, ...]
    catalog: Catalog
    unsure: frozenset[Name] = frozenset()
    unseen: str = ""
    renamed: tuple[tuple[Name, Name], ...] = ()
    """Relations by their names before it and after it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One aspect of one relation: what was said, what was seen, as words."""

    relation: str
    aspect: Aspect
    verdict: Verdict
    said: str
    seen: str
    why: str = ""
    """Of what is unknown: what it depends on."""

    def __str__(self) -> str:
        """One line for people."""
        if self.verdict == "equal":
            return f"{self.relation}: {self.aspect} {self.seen}"
        said = "unknown" if self.verdict == "unknown" and not self.said else self.said
        why = f" ({self.why})" if self.why else ""
        return f"{self.relation}: {self.aspect} said {said}, seen {self.seen}{why}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A statement that ran, and everything that was compared of it."""

    statement: ObservedStatement
    comparisons: tuple[Comparison, ...]

    def of(self, verdict: Verdict) -> list[Comparison]:
        """The comparisons that ended so."""
        return [one for one in self.comparisons if one.verdict == verdict]

    @property
    def verdict(self) -> Verdict:
        """The worst of its comparisons; equal where there are none."""
        return max((one.verdict for one in self.comparisons), key=_WORSE.index, default="equal")


@dataclass(slots=True)
class _Held:
    """What a transaction holds already: a lock again, or a weaker one, changes nothing."""

    locks: dict[Name, Lock] = field(default_factory=dict)
    blocked: dict[Name, set[Traffic]] = field(default_factory=lambda: defaultdict(set))

    def rename(self, old: Name, new: Name) -> None:
        if old in self.locks:
            self.locks[new] = self.locks.pop(old)
        if old in self.blocked:
            self.blocked[new] |= self.blocked.pop(old)


def tally(agreements: Iterable[Agreement]) -> Counter[Verdict]:
    """How many comparisons ended how."""
    return Counter(one.verdict for agreed in agreements for one in agreed.comparisons)


def predictions(steps: Iterable[Step]) -> tuple[Prediction, ...]:
    """What the model says of each statement of a migration, in order.

    What a DO block or a called function runs counts for the statement of the migration itself.
    ``steps`` must come fresh from the walk: it changes the schema as they are asked for.
    """
    made: list[_Gathered] = []
    for step in steps:
        if step.in_function:
            continue
        top = step
        while top.within is not None:
            top = top.within
        if not made or made[-1].statement is not top.statement:
            made.append(_Gathered(top.statement, step.catalog.copy()))
        made[-1].add(step)
    return tuple(one.prediction() for one in made)


@dataclass(slots=True)
class _Gathered:
    """The steps of one statement so far."""

    statement: Statement
    catalog: Catalog
    sure: list[Effect] = field(default_factory=list)
    unsure: list[Effect] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    renamed: list[tuple[Name, Name]] = field(default_factory=list)

    def add(self, step: Step) -> None:
        (self.sure if step.within is None else self.unsure).extend(step.existing)
        self.unseen += _unseen(step)
        self.renamed += _renamed(step)

    def prediction(self) -> Prediction:
        return Prediction(
            path=self.statement.text.path,
            line=self.statement.position.line,
            sql=self.statement.sql,
            effects=merged([*self.sure, *self.unsure]),
            catalog=self.catalog,
            unsure=frozenset(self.catalog.key(effect.name) for effect in self.unsure),
            unseen=", ".join(dict.fromkeys(self.unseen)),
            renamed=tuple(self.renamed),
        )


def _unseen(step: Step) -> Iterator[str]:
    """What a step runs that is out of sight."""
    operation = step.operation
    if any(body.dynamic for body in step.bodies) and isinstance(operation, Do):
        yield "what it EXECUTEs is put together at run time"
    if any(body.unparsed for body in step.bodies) and isinstance(operation, Do):
        yield "a part of its body could not be read"
    if not all(_is_built_in(step.catalog, name) for name in _called(operation)):
        yield "what the functions that it calls do"
    if isinstance(operation, ChangeRows):
        table = step.catalog.table(operation.table)
        if table is not None and table.triggers:
            yield f"what the triggers of {step.label(operation.table)} do"


def _renamed(step: Step) -> Iterator[tuple[Name, Name]]:
    operation, catalog = step.operation, step.catalog
    if isinstance(operation, Rename) and operation.kind in _RELATIONS:
        key = catalog.key(operation.of)
        yield key, Name(key.schema, operation.new)
    elif isinstance(operation, SetSchema) and operation.kind in _RELATIONS:
        key = catalog.key(operation.name)
        yield key, Name(operation.schema, key.name)
        along = [index.name for index in catalog.indexes_of(key)]
        along += [sequence.name for sequence in catalog.sequences_of(key)]
        for other in along:
            yield other, Name(operation.schema, other.name)


def _called(operation: Operation) -> tuple[Name, ...]:
    if isinstance(operation, Call):
        return (operation.procedure,)
    return operation.functions if isinstance(operation, Select | ChangeRows) else ()


def _is_built_in(catalog: Catalog, name: Name) -> bool:
    if name.schema in ("pg_catalog", "information_schema"):
        return True
    return catalog.functions.get(catalog.key(name)) is None


def compare(
    said: Sequence[Prediction], trace: MigrationTrace, *, probed: bool = True
) -> tuple[Agreement, ...]:
    """Every statement of a traced migration that ran, beside the model's word on it.

    ``said`` are the predictions of the same migration and direction. ``probed`` is False for a
    trace that did not try what is blocked.
    """
    waiting: dict[tuple[str, int, str], deque[Prediction]] = defaultdict(deque)
    for prediction in said:
        waiting[prediction.path, prediction.line, prediction.sql[:_TELLING]].append(prediction)
    found = []
    held: dict[int, _Held] = defaultdict(_Held)
    for statement in trace.statements:
        if statement.error is not None or statement.not_run is not None:
            continue
        queue = waiting[statement.path, statement.line, statement.sql[:_TELLING]]
        word = queue.popleft() if queue else None
        own = _Held() if statement.transaction is None else held[statement.transaction]
        compared = _Compared(word, statement, own, probed=probed)
        found.append(Agreement(statement, tuple(compared.all())))
        compared.hold()
    return tuple(found)


class _Compared:
    """One statement. Relations are keyed by their whole names."""

    def __init__(
        self,
        prediction: Prediction | None,
        statement: ObservedStatement,
        held: _Held,
        *,
        probed: bool,
    ) -> None:
        self.prediction = prediction
        self.catalog = prediction.catalog if prediction is not None else Catalog()
        self.statement = statement
        self.held = held
        self.probed = probed
        self.said: dict[Name, Effect] = {}
        self.said_of_indexes: dict[Name, Effect] = {}
        for effect in prediction.effects if prediction is not None else ():
            key = self.catalog.key(effect.name)
            is_index = key in self.catalog.indexes and key not in self.catalog.tables
            (self.said_of_indexes if is_index else self.said)[key] = effect
        self.seen: dict[Name, list[ObservedLock]] = defaultdict(list)
        self.seen_of_indexes: dict[Name, list[ObservedLock]] = defaultdict(list)
        for lock in statement.locks:
            if lock.kind not in _WITHOUT_TRAFFIC:
                where = self.seen_of_indexes if lock.kind == "index" else self.seen
                where[_name(lock.relation)].append(lock)
        self.labels = {_name(lock.relation): lock.relation for lock in statement.locks}
        self.blocked = self._blocked()
        self.seen_blocked = self._seen_blocked()

    def hold(self) -> None:
        """Let the transaction keep what was seen."""
        for name, locks in [*self.seen.items(), *self.seen_of_indexes.items()]:
            strongest = max(lock.mode for lock in locks)
            self.held.locks[name] = max(strongest, self.held.locks.get(name, strongest))
        for name, blocks in self.seen_blocked.items():
            self.held.blocked[name] |= blocks
        for old, new in self.prediction.renamed if self.prediction is not None else ():
            self.held.rename(old, new)

    def all(self) -> Iterator[Comparison]:
        """Everything that can be compared of the statement."""
        worked = [
            _name(relation) for relation in (*self.statement.works_through, *self.statement.scans)
        ]
        for name in dict.fromkeys([*self.said, *self.seen, *worked]):
            yield from self._lock(name)
            if self.probed:
                yield from self._blocks(name)
            if self._has_rows(name):
                yield from self._work(name)
        for name in self.said_of_indexes:
            yield from self._lock(name)
        if self.probed:
            for table in self._tables_of_indexes():
                if table not in self.said and table not in self.seen:
                    yield from self._blocks(table)

    def _label(self, name: Name) -> str:
        return self.labels.get(name) or (name.name if name.schema == "public" else str(name))

    def _has_rows(self, name: Name) -> bool:
        return not _WITH_ROWS.isdisjoint(self._kinds(name) or _WITH_ROWS)

    def _kinds(self, name: Name) -> set[str]:
        """As the server says, else the replay."""
        table = self.catalog.tables.get(name)
        known = {table.kind} if table is not None else set()
        return {lock.kind for lock in self.seen.get(name, ())} or set[str](known)

    # --- Locks ------------------------------------------------------------------------------

    def _lock(self, name: Name) -> Iterator[Comparison]:
        effect = self.said.get(name) or self.said_of_indexes.get(name)
        locks = self.seen.get(name) or self.seen_of_indexes.get(name) or []
        said = effect.lock if effect is not None else None
        seen = max((lock.mode for lock in locks), default=None)
        if said is None and seen is None:
            return
        held = self.held.locks.get(name, 0)
        expected, found = max(said or 0, held), max(seen or 0, held)
        verdict, why = self._judge(name, more_said=expected > found, more_seen=found > expected)
        if verdict == "wrong" and max(expected, found) < Lock.SHARE:
            verdict = "harmless"
        yield Comparison(
            self._label(name),
            "lock",
            verdict,
            str(said) if said is not None else "none",
            str(seen) if seen is not None else "none",
            why,
        )

    def _judge(self, name: Name, *, more_said: bool, more_seen: bool) -> tuple[Verdict, str]:
        if not more_said and not more_seen:
            return "equal", ""
        if self.prediction is None:
            return "unknown", "the linter could not read the statement"
        if more_said and self.statement.transaction is None:
            return "unknown", "outside a transaction: released before it could be seen"
        if more_said and name in self.prediction.unsure:
            return "unknown", "it stands in a body, which may not have come to it"
        if more_seen and self.prediction.unseen:
            return "unknown", self.prediction.unseen
        table = self.catalog.tables.get(name)
        if name not in self.catalog.indexes and (table is None or not table.complete):
            return "unknown", "no migration shows what creates it"
        return "wrong", ""

    # --- What waits -------------------------------------------------------------------------

    def _blocks(self, name: Name) -> Iterator[Comparison]:
        held = self.held.blocked.get(name, set())
        said = self.blocked.get(name, set()) | held
        seen = self.seen_blocked.get(name, set()) | held
        if not _ONLY_READ.isdisjoint(self._kinds(name)):
            said, seen = said - {"writes"}, seen - {"writes"}
        if not said and not seen and name not in self.seen:
            return
        if said != seen and self._is_only_seen_through_others(name):
            return
        verdict, why = self._judge(name, more_said=bool(said - seen), more_seen=bool(seen - said))
        yield Comparison(self._label(name), "blocks", verdict, _traffic(said), _traffic(seen), why)

    def _is_only_seen_through_others(self, name: Name) -> bool:
        """Whether the server shows no lock of it at all: then nobody tried to use it."""
        locked = name in self.seen or any(
            table == name for table in self._tables_of_indexes(seen_only=True)
        )
        return not locked

    def _blocked(self) -> dict[Name, set[Traffic]]:
        """By the model: through its own lock, its indexes', its partitions', what it reads."""
        found: dict[Name, set[Traffic]] = defaultdict(set)
        for name, effect in self.said.items():
            found[name] |= set(effect.blocked)
        for name, effect in self.said_of_indexes.items():
            if effect.lock is not None and effect.lock.blocks_reads:
                found[self.catalog.indexes[name].table] |= set(_BOTH)
        for name in self.seen:
            found[name] |= self._through(name, found, set())
        return found

    def _through(
        self, name: Name, found: Mapping[Name, set[Traffic]], visited: set[Name]
    ) -> set[Traffic]:
        """What waits for a relation because of those that are used along with it."""
        if name in visited:
            return set()
        visited.add(name)
        blocks = set(found.get(name, ())) | self.held.blocked.get(name, set())
        table = self.catalog.tables.get(name)
        if table is None or table.kind == "materialized view":
            return blocks
        for other in (*table.partitions, *table.heirs, *table.reads):
            blocks |= self._through(self.catalog.key(other), found, visited)
        return blocks

    def _seen_blocked(self) -> dict[Name, set[Traffic]]:
        found: dict[Name, set[Traffic]] = defaultdict(set)
        for name, locks in self.seen.items():
            for lock in locks:
                found[name] |= set(lock.blocks)
        for name, locks in self.seen_of_indexes.items():
            index = self.catalog.indexes.get(name)
            if index is not None:
                for lock in locks:
                    found[index.table] |= set(lock.blocks)
        return found

    def _tables_of_indexes(self, *, seen_only: bool = False) -> list[Name]:
        names = [*self.seen_of_indexes] if seen_only else [
            *self.seen_of_indexes, *self.said_of_indexes
        ]  # fmt: skip
        known = (self.catalog.indexes.get(name) for name in names)
        return list(dict.fromkeys(index.table for index in known if index is not None))

    # --- Work that grows with the table -----------------------------------------------------

    def _work(self, name: Name) -> Iterator[Comparison]:
        effect = self.said.get(name) or Effect(str(name), None)
        rewrites = {_name(one) for one in self.statement.rewrites}
        builds = {_name(build.table) for build in self.statement.index_builds}
        scans = {_name(one) for one in self.statement.scans} | rewrites | builds
        flags: tuple[tuple[Aspect, bool | None, bool], ...] = (
            ("rewrite", effect.rewrite, name in rewrites),
            ("scan", effect.scan, name in scans),
            ("index build", effect.index_build, name in builds),
        )
        for aspect, said, seen in flags:
            shown = "yes" if seen else "no"
            if said is None:
                yield Comparison(
                    self._label(name), aspect, "unknown", "", shown, effect.unknown or "not known"
                )
                continue
            verdict, why = self._judge(name, more_said=said and not seen, more_seen=seen > said)
            said_so = "yes" if said else "no"
            yield Comparison(self._label(name), aspect, verdict, said_so, shown, why)


def _traffic(blocks: set[Traffic]) -> str:
    return " and ".join(one for one in _BOTH if one in blocks) or "nothing"


def _name(label: str) -> Name:
    """A relation as a trace writes it, in its parts."""
    parts = [""]
    quoted = False
    for character in label:
        if character == '"':
            quoted = not quoted
        elif character == "." and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return Name(parts[0], parts[1]) if len(parts) > 1 else Name("public", parts[0])
