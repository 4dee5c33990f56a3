"""The course of one migration: which transaction each statement runs in, as the tool has it.

After an error every tool stops. In a transaction the server would refuse what comes after; with
each statement on its own, psql alone would go on (unless ON_ERROR_STOP is set, as it should be).
"""

from dataclasses import replace

from senior_backend.migrations.step import Direction
from senior_backend.migrations.trace.execute import Outcome
from senior_backend.migrations.trace.observation import Block, Eye
from senior_backend.migrations.trace.observed import Held, ObservedStatement
from senior_backend.migrations.trace.pieces import Piece, pieces
from senior_backend.migrations.trace.sessions import Sessions
from senior_backend.sources.migration import Migration, Segment, Transaction

_PLAIN = frozenset(
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
"""Alone they mean something else than in a transaction of their own, or do nothing to see."""
_REFUSES_A_BLOCK = ("25001", "2D000")
"""SQLSTATEs of what must not run in a transaction block, and of COMMIT inside a procedure."""


class Course:
    """Runs one migration. Without an eye nothing is looked at."""

    def __init__(self, sessions: Sessions, eye: Eye | None, block: Block | None) -> None:
        self._sessions = sessions
        self._eye = eye
        self.block = block
        self.statements: list[ObservedStatement] = []
        self.notes: list[str] = []
        self._stopped: str | None = block.aborted if block else None
        self._model: Transaction = "statement"
        self._manual = False
        self._transactions = 0
        if block is not None:
            block.number = self._transactions = 1

    def run(self, migration: Migration, direction: Direction) -> None:
        """Every statement; the transaction around a whole run of the tool is left open."""
        for segment in (migration.up if direction == "up" else migration.down) or ():
            self._segment(segment)
        if self._model != "run" or self._eye is None:
            self.end(commit=True)

    def queue(self) -> list[Held]:
        """Locks that kept traffic waiting while their transaction went on."""
        return []

    def end(self, *, commit: bool) -> None:
        """The tool's COMMIT, or its ROLLBACK after an error."""
        runner = self._sessions.runner
        if self.block is None or not runner.is_alive:
            self.block = None
            return
        if runner.is_idle:
            self.block = None
            return
        left_open = self.block.owner == "script" and self._model in ("statement", "implicit")
        if not commit or left_open or self._stopped is not None or runner.has_failed:
            runner.run(b"rollback", 10.0)
            if left_open and self._stopped is None:
                self.notes.append("a transaction that it began was never committed: rolled back")
        else:
            outcome = runner.run(b"commit", self._sessions.settings.statement_timeout_s)
            if outcome.error is not None:
                last = self.statements[-1] if self.statements else None
                self._record_failed_commit(outcome, last)
        self.block = None
        self._changed()

    def _record_failed_commit(self, outcome: Outcome, last: ObservedStatement | None) -> None:
        self.statements.append(
            ObservedStatement(
                last.path if last else "",
                last.line if last else 1,
                "COMMIT",
                last.transaction if last else None,
                duration_ms=outcome.duration_ms,
                error=outcome.error,
                sqlstate=outcome.sqlstate,
                notes=("the tool's own COMMIT, after the last statement",),
            )
        )
        self._stopped = "the COMMIT before failed"

    def _segment(self, segment: Segment) -> None:
        found = pieces(segment.text)
        alone = segment.transaction == "implicit" and len(found) == 1
        model: Transaction = "statement" if alone else segment.transaction
        if self._model != model or model in ("statement", "implicit"):
            self.end(commit=True)
        self._model = model
        for piece in found:
            self._piece(piece)
        if model in ("statement", "implicit"):
            self.end(commit=True)

    def _piece(self, piece: Piece) -> None:
        reason = piece.not_run or self._stopped
        if reason is not None:
            number = self.block.number if self.block else None
            self.statements.append(
                ObservedStatement(piece.path, piece.line, piece.shown, number, not_run=reason)
            )
            return
        runner = self._sessions.runner
        if runner.is_idle and self._model != "statement" and not self._manual:
            self._begin("tool")
        if self.block is None and piece.kind not in _PLAIN:
            seen, outcome = self._alone(piece)
        elif self.block is None:
            seen, outcome = self._plain(piece)
        else:
            seen, outcome = self._in_block(piece, self.block)
        self.statements.append(seen)
        self._after(piece, outcome)

    def _begin(self, owner: str) -> None:
        if self._eye is not None:
            self._eye.refresh()
        self._sessions.runner.run(b"begin", 10.0)
        number = None
        if owner != "trace":
            self._transactions += 1
            number = self._transactions
        self.block = Block(number, owner)

    def _in_block(self, piece: Piece, block: Block) -> tuple[ObservedStatement, Outcome]:
        if self._eye is None:
            return self._plain(piece)
        return self._eye.inside(piece, block)

    def _plain(self, piece: Piece) -> tuple[ObservedStatement, Outcome]:
        """Run without looking."""
        outcome = self._sessions.runner.run(
            piece.message, self._sessions.settings.statement_timeout_s
        )
        number = self.block.number if self.block else None
        return (
            ObservedStatement(
                piece.path,
                piece.line,
                piece.shown,
                number,
                duration_ms=outcome.duration_ms,
                rows=outcome.rows,
                error=outcome.error,
                sqlstate=outcome.sqlstate,
            ),
            outcome,
        )

    def _alone(self, piece: Piece) -> tuple[ObservedStatement, Outcome]:
        """Outside a transaction block; wrapped in one to be looked at, where that is the same."""
        if self._eye is None:
            return self._plain(piece)
        runner = self._sessions.runner
        self._begin("trace")
        block = self.block
        assert block is not None
        seen, outcome = self._eye.inside(piece, block)
        self.block = None
        if outcome.sqlstate in _REFUSES_A_BLOCK:
            runner.run(b"rollback", 10.0)
            seen, outcome = self._plain(piece)
        elif outcome.error is not None:
            runner.run(b"rollback", 10.0)
        else:
            ended = runner.run(b"commit", self._sessions.settings.statement_timeout_s)
            if ended.error is not None:
                outcome = ended
                seen = replace(seen, error=ended.error, sqlstate=ended.sqlstate)
        self._changed()
        return seen, outcome

    def _after(self, piece: Piece, outcome: Outcome) -> None:
        runner = self._sessions.runner
        if outcome.error is not None:
            where = f"line {piece.line}"
            if self.block is not None:
                self._stopped = f"the transaction was aborted at {where}"
                self.block.aborted = f"the transaction was aborted at {piece.path}:{piece.line}"
            else:
                self._stopped = f"the tool stops at the error at {where}"
            return
        if self.block is None:
            if not runner.is_idle:
                self._transactions += 1
                self.block = Block(self._transactions, "script")
            return
        if runner.is_idle:
            self._manual = self._manual or self._model in ("file", "run")
            self.block = None
            self._changed()

    def _changed(self) -> None:
        if self._eye is not None:
            self._eye.changed()
