"""The course of one migration: which transaction each statement runs in, as its tool has it.

- ``file`` and ``run``: the tool's own transaction, which neighbours share; ``run`` stays open from
  migration to migration. A script's own COMMIT ends it, and what follows runs on its own.
- ``implicit``: several statements in one message are one transaction. They are run one by one in an
  explicit one, to be looked at; what the server treats otherwise there is done as in a message:
  SAVEPOINT is refused, BEGIN makes it the script's own, after a COMMIT comes another one.
- ``statement``, and a message of one statement: outside a transaction block, unless the script
  begins one. To be looked at, a statement is wrapped in a transaction where that changes nothing;
  where PostgreSQL refuses one it is held up and looked at from outside.

After an error every tool stops. In a transaction the server would refuse what comes after; with
each statement on its own, psql alone would go on (without ON_ERROR_STOP).
"""

from dataclasses import replace
from typing import Final

import psycopg

from senior_backend.errors import NotRunError
from senior_backend.migrations.step import Direction
from senior_backend.migrations.trace.observed import Held, ObservedStatement, Problem
from senior_backend.migrations.trace.observing.block import Block, Owner
from senior_backend.migrations.trace.observing.execute import Outcome
from senior_backend.migrations.trace.observing.observation import Eye, described
from senior_backend.migrations.trace.observing.outside import outside
from senior_backend.migrations.trace.observing.pieces import NO_ROWS, Piece, pieces
from senior_backend.migrations.trace.observing.sessions import Sessions
from senior_backend.migrations.trace.scratch.beyond import reaches_beyond
from senior_backend.sources.migration import Migration, Segment, Transaction

_PLAIN: Final = frozenset(
    {
        "TransactionStmt",
        "VariableSetStmt",
        "VariableShowStmt",
        "ConstraintsSetStmt",
        "LockStmt",
        "DeclareCursorStmt",
        "ListenStmt",
        "UnlistenStmt",
        "NotifyStmt",
        "DiscardStmt",
    }
)
"""Alone they mean something else than in a transaction of their own, or there is nothing to see."""
_FOR_LATER_SESSIONS: Final = frozenset({"AlterDatabaseSetStmt", "AlterRoleSetStmt"})
_IN_A_BLOCK: Final = "25001"
"""SQLSTATE of a statement that must not run in a transaction block."""
_NO_COMMIT_HERE: Final = "2D000"
"""SQLSTATE of COMMIT in a procedure that was called in a transaction block."""
_NO_BLOCK: Final = "25P01"
_END_S: Final = 30.0


class Course:
    """Runs one migration. Without an eye nothing is looked at."""

    def __init__(self, sessions: Sessions, eye: Eye | None, block: Block | None = None) -> None:
        """``block`` is the transaction that the migration before has left open."""
        self._sessions = sessions
        self._eye = eye
        self.block = block
        self.statements: list[ObservedStatement] = []
        self.notes: list[str] = []
        self.lock_queue: list[Held] = []
        self.for_later_sessions = False
        """Whether it set what only a new session has."""
        self._unsent: Problem | None = None
        self._stopped = block.aborted if block is not None else None
        self._model: Transaction = "run" if block is not None else "statement"
        self._manual = False
        """The script has ended the tool's transaction itself."""
        self._transactions = 0
        if block is not None:
            block.number = self._transactions = 1

    def run(
        self, migration: Migration, direction: Direction = "up", *, commit: bool = True
    ) -> None:
        """Every statement. A transaction around a whole run of the tool is left open.

        Without ``commit`` the tool's last transaction is rolled back instead.
        """
        for segment in (migration.up if direction == "up" else migration.down) or ():
            self._segment(segment)
        if self._model != "run":
            self.end(commit=commit)
        elif self.block is not None:
            self.lock_queue.extend(self.block.queue())

    def problem(self) -> Problem | None:
        """The first statement that was refused, or else that could not be sent."""
        for one in self.statements:
            if one.error is not None:
                return Problem(one.path, one.line, one.error)
        return self._unsent

    def end(self, *, commit: bool = True) -> None:
        """The tool's COMMIT; its ROLLBACK after an error, and of what a script left open."""
        runner, block = self._sessions.runner, self.block
        self.block = None
        if block is None or not runner.is_alive or runner.is_idle:
            return
        self.lock_queue.extend(block.queue())
        left_open = block.owner == "script" and self._model in ("statement", "implicit")
        if not commit or left_open or self._stopped is not None or runner.has_failed:
            runner.run(b"rollback", _END_S)
            if left_open and self._stopped is None:
                self.notes.append("the transaction that it begins is never committed")
            return
        outcome = runner.run(b"commit", self._sessions.settings.statement_timeout_s)
        if outcome.error is not None:
            self._commit_failed(outcome)
        elif self._eye is not None:
            self._eye.committed(block)

    def _commit_failed(self, outcome: Outcome) -> None:
        last = self.statements[-1] if self.statements else ObservedStatement("", 1, "", None)
        self.statements.append(
            replace(
                ObservedStatement(last.path, last.line, "COMMIT", last.transaction),
                duration_ms=outcome.duration_ms,
                error=outcome.error,
                sqlstate=outcome.sqlstate,
                notes=("the tool's own COMMIT, after the last statement",),
            )
        )
        self._stopped = "the COMMIT before it failed"

    def _segment(self, segment: Segment) -> None:
        found = pieces(segment.text)
        model = segment.transaction
        if model == "implicit":
            # In one message no client sends rows in between.
            found = [
                replace(one, not_run=NO_ROWS) if one.rows is not None else one for one in found
            ]
            if any(piece.not_run is not None for piece in found):
                self.notes.append(
                    "it is sent as one message: what cannot be run here may change all of it"
                )
            if len(found) == 1:
                model = "statement"
        if self._model != model or model in ("statement", "implicit"):
            self.end()
        self._model = model
        for piece in found:
            self._piece(piece)
        if model in ("statement", "implicit"):
            self.end()

    def _piece(self, piece: Piece) -> None:
        reason = piece.not_run or self._stopped
        if reason is None and not self._sessions.settings.own_server and _is_beyond(piece):
            reason = "it reaches beyond the scratch database, on a server that others use"
        if reason is not None:
            if piece.matters and self._unsent is None:
                self._unsent = Problem(piece.path, piece.line, f"not run: {reason}")
            number = self.block.number if self.block is not None else None
            self.statements.append(
                ObservedStatement(piece.path, piece.line, piece.shown, number, not_run=reason)
            )
            return
        try:
            seen, outcome = self._run(piece)
        except (psycopg.Error, NotRunError) as error:
            # The sessions that look on are gone, and with them the server.
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            outcome = Outcome(f"the server is gone: {first}", "08006")
            seen = described(piece, None, outcome)
            self._sessions.reconnect()
        self.statements.append(seen)
        self.for_later_sessions |= piece.kind in _FOR_LATER_SESSIONS
        self._after(piece, outcome)

    def _run(self, piece: Piece) -> tuple[ObservedStatement, Outcome]:
        runner = self._sessions.runner
        if runner.is_idle and self._model != "statement" and not self._manual:
            self._begin("tool")
        block = self.block
        if block is not None and self._model == "implicit" and block.owner == "tool":
            action = piece.control.action if piece.control is not None else ""
            if action in ("savepoint", "release", "rollback to"):
                name = action.upper()
                refused = Outcome(f"{name} can only be used in transaction blocks", _NO_BLOCK)
                return described(piece, block.number, refused), refused
            if action == "begin":
                block.owner = "script"
        if self._eye is None:
            return self._plain(piece)
        if block is not None:
            return self._eye.inside(piece, block)
        if piece.kind in _PLAIN:
            return self._plain(piece)
        return self._alone(piece, self._eye)

    def _plain(self, piece: Piece) -> tuple[ObservedStatement, Outcome]:
        """Run without looking."""
        number = self.block.number if self.block is not None else None
        if self._eye is not None:
            outcome, told = self._eye.run(piece)
            return described(piece, number, outcome, told), outcome
        limit = self._sessions.settings.statement_timeout_s
        outcome = self._sessions.runner.run(piece.message, limit, piece.rows)
        return described(piece, number, outcome), outcome

    def _alone(self, piece: Piece, eye: Eye) -> tuple[ObservedStatement, Outcome]:
        """Outside a transaction block."""
        if piece.ends_transactions:
            return outside(eye, piece)
        runner = self._sessions.runner
        block = self._begin("trace")
        self.block = None
        seen, outcome = eye.inside(piece, block)
        if outcome.error is not None:
            if runner.is_alive and not runner.is_idle:
                runner.run(b"rollback", _END_S)
            if outcome.sqlstate in (_IN_A_BLOCK, _NO_COMMIT_HERE):
                return outside(eye, piece)
            return seen, outcome
        ended = runner.run(b"commit", self._sessions.settings.statement_timeout_s)
        if ended.error is None:
            eye.committed(block)
            return seen, outcome
        return replace(seen, error=ended.error, sqlstate=ended.sqlstate), ended

    def _begin(self, owner: Owner) -> Block:
        if self._eye is not None:
            self._eye.refresh()
        self._sessions.runner.run(b"begin", _END_S)
        self.block = self._block(owner)
        return self.block

    def _block(self, owner: Owner) -> Block:
        if owner == "trace":
            return Block(None, owner)
        self._transactions += 1
        return Block(self._transactions, owner)

    def _after(self, piece: Piece, outcome: Outcome) -> None:
        """Carry the transaction over the statement."""
        block = self.block
        if outcome.error is not None:
            self._stop(piece, block)
            return
        if self._sessions.runner.has_failed:
            # By a query of ours: only a timeout that the migration has set ends one.
            self._stopped = f"looking at line {piece.line} ran into a timeout that it has set"
            self.notes.append(f"{self._stopped}: the transaction could not go on")
        elif self._sessions.runner.is_idle:
            if block is not None:
                self.lock_queue.extend(block.queue())
                self._manual = self._manual or self._model in ("file", "run")
                self.block = None
            if self._eye is not None and piece.kind in _PLAIN:
                self._eye.committed(None)
        elif block is None or (piece.control is not None and piece.control.chain):
            if block is not None:
                self.lock_queue.extend(block.queue())
            if self._eye is not None:
                self._eye.committed(None)
                self._eye.refresh()
            self.block = self._block("script")

    def _stop(self, piece: Piece, block: Block | None) -> None:
        if not self._sessions.runner.is_alive:
            self.block = None
            self._stopped = f"the session ended at line {piece.line}"
        elif block is not None and self._sessions.runner.has_failed:
            self._stopped = f"the transaction was aborted at line {piece.line}"
            block.aborted = f"the transaction was aborted at {piece.path}:{piece.line}"
        else:
            self._stopped = f"its tool stops at the error at line {piece.line}"


def _is_beyond(piece: Piece) -> bool:
    return piece.statement is not None and reaches_beyond(piece.statement)
