"""From a migration to its steps: which transaction and settings each statement runs under.

A ``Walk`` goes through one folder and carries the schema from migration to migration. Down
migrations are walked on a copy of the schema as it is after their up.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from senior_backend import sql
from senior_backend.catalog import replay
from senior_backend.catalog.model import Catalog
from senior_backend.migrations.history import History
from senior_backend.migrations.lock_model.effect import Effect
from senior_backend.migrations.lock_model.model import effects
from senior_backend.migrations.step import Assumptions, Direction, OpenTransaction, Session, Step
from senior_backend.operations import reader
from senior_backend.operations.data import Call, Do, Select
from senior_backend.operations.names import Name
from senior_backend.operations.objects import CreateFunction, Drop
from senior_backend.operations.operation import Operation
from senior_backend.operations.session import SetVariable, TransactionControl
from senior_backend.sources.migration import Migration, Segment
from senior_backend.sql.script import Body, Comment, Script, Statement, Unparsed

_IGNORE_MARK = b"-ignore"
"""In bodies only comments with it are looked for: that takes parsing them again."""

MAX_CALL_DEPTH = 5
"""How deep calls of functions that a migration defines are followed: they may be recursive."""


@dataclass(slots=True)
class Walk:
    """The way through a folder. ``scripts`` and ``unparsed`` are those of the last migration."""

    catalog: Catalog
    assumptions: Assumptions
    scripts: list[Script] = field(default_factory=list)
    unparsed: list[Unparsed] = field(default_factory=list)
    bodies: dict[Name, tuple[Body, ...]] = field(default_factory=dict)
    """Of the functions that migrations created, for when one is called."""
    history: History | None = None
    still_open: OpenTransaction | None = None
    """The transaction around a whole run of the tool, from migration to migration."""

    def replay(self, migration: Migration, number: int) -> Iterator[Operation]:
        """Only carry the schema through ``migration``; its operations, in order."""
        for segment in migration.up:
            for statement in sql.read(segment.text).statements:
                yield from self._replay(statement, number)
        replay.end_session(self.catalog)

    def _replay(self, statement: Statement, number: int) -> Iterator[Operation]:
        for operation in self.operations(statement):
            yield operation
            bodies = self._remember(statement, operation)
            if isinstance(operation, Do):
                for body in bodies:
                    for inner in body.statements:
                        yield from self._replay(inner, number)
            self.carry_on(statement, operation, number)
            if self.history is not None:
                self.history.note(self.catalog, statement, operation)

    def steps(
        self, migration: Migration, direction: Direction, number: int, first_of_deploy: int
    ) -> Iterator[Step]:
        """Every operation with the schema and transaction in which it runs.

        The schema is carried on after each step, when the next one is asked for.
        """
        self.scripts, self.unparsed = [], []
        segments = (migration.up if direction == "up" else migration.down) or ()
        for segment in segments:
            script = sql.read(segment.text)
            self.scripts.append(script)
            self.unparsed.extend(script.unparsed)
        read = [[(s, self.operations(s)) for s in script.statements] for script in self.scripts]
        operations = [o for statements in read for _, found in statements for o in found]
        run = _Run(self, migration, direction, number, first_of_deploy, operations)
        if direction == "up" and number > first_of_deploy:
            run.transaction = self.still_open
        for segment, statements in zip(segments, read, strict=True):
            yield from run.segment(segment, statements)
        replay.end_session(self.catalog)
        if direction == "up":
            kept = run.transaction
            self.still_open = kept if kept is not None and kept.kind == "run" else None

    def operations(self, statement: Statement) -> tuple[Operation, ...]:
        """What a statement does; nothing, and a note of it, where a bug keeps it from being read.

        No statement may end the run: the rest is still to be looked at.
        """
        try:
            return reader.read(statement)
        except Exception as error:
            self.unparsed.append(failed(statement, "reading", error))
            return ()

    def effects(
        self, statement: Statement, operation: Operation, session: Session
    ) -> tuple[Effect, ...]:
        """What PostgreSQL does for an operation, with the same care."""
        try:
            return effects(operation, self.catalog, self.assumptions, session)
        except Exception as error:
            self.unparsed.append(failed(statement, "the lock model", error))
            return ()

    def carry_on(self, statement: Statement, operation: Operation, number: int) -> None:
        """Change the schema by an operation, with the same care."""
        if isinstance(operation, Drop):
            self.bodies.pop(self.catalog.key(operation.name), None)
        try:
            replay.apply(self.catalog, operation, number)
        except Exception as error:
            self.unparsed.append(failed(statement, "the replay", error))

    def out_of_sight(self, body: Body) -> None:
        """Note what of a body could not be read; the statement around it was."""
        self.unparsed.extend(replace(piece, refused=False) for piece in body.unparsed)

    def comments(self) -> Iterator[tuple[Script, Comment]]:
        """The comments of the last migration, with the statements that they stand among."""
        for script in self.scripts:
            for comment in script.comments:
                yield script, comment
            if _IGNORE_MARK in script.text.data:
                yield from _comments_in_bodies(script)

    def _remember(self, statement: Statement, operation: Operation) -> tuple[Body, ...]:
        if not isinstance(operation, CreateFunction | Do):
            return ()
        found = sql.bodies(statement)
        if isinstance(operation, CreateFunction):
            key = self.catalog.key(operation.name)
            # Without OR REPLACE one of the same name is an overload: a call may mean either.
            known = () if operation.replace else self.bodies.get(key, ())
            self.bodies[key] = (*known, *found)
        return found


@dataclass(slots=True)
class _Run:
    """One run of one migration by its tool: a session, and the transaction that is open in it."""

    walk: Walk
    migration: Migration
    direction: Direction
    number: int
    first_of_deploy: int
    operations: Sequence[Operation]
    """Of all its statements, without what stands in function bodies."""
    index: int = -1
    session: Session = field(default_factory=Session)
    transaction: OpenTransaction | None = None
    local: dict[str, str | None] = field(default_factory=dict)
    """What SET LOCAL replaced, to be put back when the transaction ends."""
    before: dict[str, str | None] = field(default_factory=dict)
    """What any SET of the open transaction replaced, to be put back by ROLLBACK."""
    schema_before: Catalog | None = None
    """As it was at BEGIN, for ROLLBACK."""
    manual: bool = False
    """The script has ended the tool's own transaction; what follows runs on its own."""
    message: bool = False
    """Several statements in one query message: after a COMMIT comes an implicit transaction."""

    def segment(
        self, segment: Segment, statements: Sequence[tuple[Statement, tuple[Operation, ...]]]
    ) -> Iterator[Step]:
        """The steps of one segment, under its transaction model."""
        self.message = segment.transaction == "implicit" and len(statements) > 1
        if segment.transaction == "statement":
            self._end()
        elif segment.transaction == "implicit":
            self._end()
            if self.message:
                self.transaction = OpenTransaction("implicit")
        elif (self.transaction is None or self.transaction.kind != segment.transaction) and not (
            self.manual
        ):
            self.transaction = OpenTransaction(segment.transaction)
        for statement, operations in statements:
            yield from self._statement(statement, operations, top=True)
        if segment.transaction in ("implicit", "statement"):
            self._end()

    def _statement(
        self,
        statement: Statement,
        operations: tuple[Operation, ...],
        depth: int = 0,
        *,
        top: bool = False,
        in_function: bool = False,
        within: Step | None = None,
    ) -> Iterator[Step]:
        for operation in operations:
            self.index += top
            step = self._step(
                statement, operation, operations, in_function=in_function, within=within
            )
            yield step
            if in_function:
                continue
            if isinstance(operation, CreateFunction):
                for body in step.bodies:
                    self.walk.out_of_sight(body)
                    for inner in body.statements:
                        yield from self._statement(
                            inner, self.walk.operations(inner), in_function=True
                        )
            elif isinstance(operation, Do):
                for body in step.bodies:
                    self.walk.out_of_sight(body)
                yield from self._inside(step, step.bodies, depth)
            elif isinstance(operation, Select | Call) and depth < MAX_CALL_DEPTH:
                for name in _called(operation):
                    bodies = self.walk.bodies.get(self.walk.catalog.key(name), ())
                    yield from self._inside(step, bodies, depth + 1)
            self._after(step)

    def _inside(self, caller: Step, bodies: Iterable[Body], depth: int) -> Iterator[Step]:
        """What a DO block or a called function runs: at least one transaction of its own."""
        own = self.transaction is None
        if own:
            self.transaction = OpenTransaction("implicit")
        for body in bodies:
            for inner in body.statements:
                yield from self._statement(inner, self.walk.operations(inner), depth, within=caller)
        if own:
            self._end()

    def _step(
        self,
        statement: Statement,
        operation: Operation,
        siblings: tuple[Operation, ...],
        *,
        in_function: bool,
        within: Step | None,
    ) -> Step:
        walk = self.walk
        return Step(
            migration=self.migration,
            direction=self.direction,
            number=self.number,
            first_of_deploy=self.first_of_deploy,
            statement=statement,
            operation=operation,
            effects=walk.effects(statement, operation, self.session),
            catalog=walk.catalog,
            session=self.session,
            transaction=self.transaction,
            assumptions=walk.assumptions,
            in_function=in_function,
            alone_in_statement=len(siblings) == 1,
            siblings=siblings,
            bodies=walk._remember(statement, operation),
            operations=self.operations,
            index=self.index,
            within=within,
        )

    def _after(self, step: Step) -> None:
        """Carry schema, session and transaction over the step."""
        operation = step.operation
        if isinstance(operation, TransactionControl):
            self._control(operation, goes_on=step.within is not None)
        elif isinstance(operation, SetVariable):
            self._set(operation)
        self.walk.carry_on(step.statement, operation, self.number)
        if self.walk.history is not None:
            self.walk.history.note(self.walk.catalog, step.statement, operation)
        open_ = self.transaction
        if open_ is None:
            return
        open_.steps.append(step)
        for effect in step.existing:
            if effect.lock is not None:
                held = open_.locks.get(effect.relation)
                if held is None or held < effect.lock:
                    open_.locks[effect.relation] = effect.lock

    def _control(self, operation: TransactionControl, *, goes_on: bool) -> None:
        """``goes_on``: in a PL/pgSQL body the next transaction begins at once."""
        if operation.action == "begin":
            self.schema_before = self.walk.catalog.copy()
            if self.transaction is None:
                self.transaction = OpenTransaction("explicit")
            elif self.transaction.kind == "implicit":
                # What came before in the same message becomes part of the block.
                self.transaction.kind = "explicit"
        elif operation.action in ("commit", "rollback"):
            self.manual = True
            if operation.action == "rollback":
                self._undo_settings()
                if self.schema_before is not None:
                    self.walk.catalog.become(self.schema_before)
            self.schema_before = None
            self._end()
            if operation.chain:
                self.transaction = OpenTransaction("explicit")
            elif goes_on or self.message:
                self.transaction = OpenTransaction("implicit")

    def _set(self, operation: SetVariable) -> None:
        name = operation.name.lower()
        variables = self.session.variables
        if operation.local and self.transaction is None:
            return  # no effect outside a transaction block (PostgreSQL docs, SET)
        for one in [*variables] if name == "all" else [name]:
            if self.transaction is not None:
                self.before.setdefault(one, variables.get(one))
                if operation.local:
                    self.local.setdefault(one, variables.get(one))
                else:
                    self.local.pop(one, None)  # it is the session's from now on
            if operation.value is None:
                variables.pop(one, None)
            else:
                variables[one] = operation.value

    def _undo_settings(self) -> None:
        """ROLLBACK takes back SET as well."""
        self.local = dict(self.before)

    def _end(self) -> None:
        self.transaction = None
        replay.end_transaction(self.walk.catalog)
        for name, value in self.local.items():
            if value is None:
                self.session.variables.pop(name, None)
            else:
                self.session.variables[name] = value
        self.local.clear()
        self.before.clear()


def _comments_in_bodies(script: Script) -> Iterator[tuple[Script, Comment]]:
    outside = {comment.start for comment in script.comments}
    for statement in script.statements:
        inner = sql.body_with_comments(statement)
        if inner is not None:
            yield from ((inner, one) for one in inner.comments if one.start not in outside)


def _called(operation: Select | Call) -> tuple[Name, ...]:
    return operation.functions if isinstance(operation, Select) else (operation.procedure,)


def failed(statement: Statement, who: str, error: Exception) -> Unparsed:
    """A statement on which a part of the linter failed: a bug, and no word on the statement."""
    cause = f"{type(error).__name__}: {error}".split("\n", 1)[0]
    reason = f"{who} failed on it ({cause}); please report the statement"
    return Unparsed(statement.text, statement.start, statement.end, reason)
