"""``migrations run`` from the first look at the database to the last."""

import random
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any, Final

from senior_backend.errors import InputError, NotRunError, SeniorBackendError
from senior_backend.migrations.deploy import connection
from senior_backend.migrations.deploy.child import Input, Interrupted, Signals
from senior_backend.migrations.deploy.database import (
    APPLICATION,
    Database,
    assert_no_service_wins,
    assert_settings_arrive,
    drop_statement,
)
from senior_backend.migrations.deploy.duration import spoken
from senior_backend.migrations.deploy.report import Attempt, Index, Report
from senior_backend.migrations.deploy.tools import Tool, tool_of
from senior_backend.migrations.deploy.watch import Bounds, Watch

FAILED: Final = 1
REFUSED: Final = 3
_BY_SIGNAL: Final = 128
_LONGEST_PAUSE_S: Final = 60.0
_DROP_S: Final = 60.0
"""For a leftover after the last attempt: who waits for the verdict should not wait much longer."""
_LONG_S: Final = 2.0
"""A command that runs for longer and connects is seen at it."""
_SETTLE_S: Final = 2.0
_SURE_S: Final = 0.1
"""Between two looks that have to agree on a leftover: at one, a build may be about to commit."""
_LOOK_AGAIN_S: Final = 1.0
_DIRECT: Final = (
    "DATABASE_DIRECT_URL",
    "DIRECT_DATABASE_URL",
    "DIRECT_URL",
    "DATABASE_URL_UNPOOLED",
    "POSTGRES_URL_NON_POOLING",
)
"""Where frameworks and hosts have the address for migrations, beside a pooler's for the service."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; durations in seconds."""

    command: tuple[str, ...]
    url: str
    """For us."""
    address: str | None
    """For the command; ``None``: it knows by itself."""
    variable: str
    environment: Mapping[str, str]
    lock_timeout: float = 2.0
    concurrent_timeout: float = 600.0
    concurrently: bool = False
    attempts: int = 5
    delay: float = 2.0
    max_wait: float = 900.0
    max_transaction_age: float = 60.0
    wait: float = 0.0
    clean_invalid: bool = False
    force: bool = False
    enforce: bool = False
    in_address: bool = False
    rerunnable: bool = False
    verbose: bool = False
    stdout: IO[Any] | None = None


def pause_before(attempt: int, first_s: float, chance: float) -> float:
    """Seconds before attempt 2, 3, ...: doubling, at most a minute, less up to half by chance.

    The jitter keeps two deployments from meeting again and again.
    """
    return float(min(_LONGEST_PAUSE_S, first_s * 2 ** (attempt - 2)) * (1 - chance / 2))


def run(order: Order, say: Say) -> Report:
    """Run the command as asked.

    Raises ``InputError`` for a command that is not there, ``NotRunError`` when the database cannot
    be reached or is reached through a pooler.
    """
    if shutil.which(order.command[0]) is None:
        raise InputError(f"{order.command[0]}: command not found; check the name and PATH")
    return _Run(order, say).run()


class _Run:
    def __init__(self, order: Order, say: Say) -> None:
        self._order = order
        self._say = say
        self._tool: Tool = tool_of(order.command)
        self._mark = f"{APPLICATION}-{secrets.token_hex(4)}"
        self._between_s = max(order.concurrent_timeout, order.lock_timeout)
        self._stuck: set[int] = set()
        self._foreign: set[int] = set()
        self._input = Input()
        self._began = time.monotonic()
        self._report = Report(connection.shown(order.command), connection.place_of(order.url))

    def run(self) -> Report:
        order, report = self._order, self._report
        with Signals() as signals:
            try:
                assert_settings_arrive(order.url, "lock_timeout", _ms(order.lock_timeout))
                if not (order.in_address or self._tool.in_address):
                    assert_no_service_wins(order.url, order.environment)
                with Database.open(order.url) as database:
                    if not self._clear_way(database, signals):
                        report.outcome, report.exit_code = "refused", REFUSED
                        return self._finished()
                    before = database.indexes()
                self._warn_of_settings()
                try:
                    self._attempts(signals, before)
                except NotRunError as error:
                    if not report.attempts:
                        raise
                    self._note(f"not tried again: {error}")
                self._look_after(before)
            except Interrupted as interruption:
                report.outcome = "interrupted"
                report.exit_code = _BY_SIGNAL + interruption.number
        return self._finished()

    def _finished(self) -> Report:
        self._report.duration_s = time.monotonic() - self._began
        return self._report

    def _note(self, line: str) -> None:
        self._report.notes.append(line)
        self._say(line)

    # Before

    def _clear_way(self, database: Database, signals: Signals) -> bool:
        """Whether the command may run; says what stands in the way."""
        order = self._order
        if order.clean_invalid:
            for index in database.invalid():
                self._drop(database, index, self._between_s)
        for vacuum in database.wraparound_vacuums():
            self._note(
                f"{vacuum}: it does not make way, so that a change of that table waits for its end"
            )
        if unseen := database.unseen_sessions():
            self._note(
                f"sessions of other roles that cannot be looked into: {unseen}; grant "
                "pg_read_all_stats to see their transactions"
            )
        until = time.monotonic() + order.wait
        said = 0
        while True:
            invalid = self._invalid(database)
            obstacles = self._transactions(database) + invalid
            if not obstacles:
                return True
            if not said or len(obstacles) < said:
                for line in obstacles:
                    self._say(f"in the way: {line}")
                said = len(obstacles)
            self._report.obstacles = obstacles
            if order.force:
                self._note("it is run all the same (--force)")
                return True
            if invalid or time.monotonic() >= until:  # an INVALID index does not go by itself
                return False
            signals.sleep(min(_LOOK_AGAIN_S, max(0.01, until - time.monotonic())))
            self._report.obstacles = []

    def _transactions(self, database: Database) -> list[str]:
        limit = self._order.max_transaction_age
        if not limit:
            return []
        return [
            f"{holder}; older than {spoken(limit)}, and a migration would wait for it: end it, or "
            "wait for it with --wait 10min"
            for holder in database.long_transactions(limit, verbose=self._order.verbose)
        ]

    def _invalid(self, database: Database) -> list[str]:
        return [
            f"INVALID index {index.name} on {index.table}, left by an earlier attempt: "
            f"`{drop_statement(index)}`, or --clean-invalid"
            for index in database.invalid()
        ]

    def _warn_of_settings(self) -> None:
        options = self._order.environment.get("PGOPTIONS", "")
        address = self._order.address or ""
        for name, text in (("PGOPTIONS", options), ("the address", connection.options_of(address))):
            if connection.sets_lock_timeout(text):
                self._note(f"the lock_timeout in {name} gives way to --lock-timeout")

        for name in _DIRECT:
            value = self._order.environment.get(name)
            if value and name != self._order.variable and value != self._order.address:
                self._note(
                    f"{name} holds an address too; if the command migrates by that one, say so: "
                    f"--database-env {name}"
                )

    # The command

    def _attempts(self, signals: Signals, before: Mapping[int, tuple[Index, bool]]) -> None:
        order, report = self._order, self._report
        lifted = order.concurrently
        until = self._began + order.max_wait
        for number in range(1, order.attempts + 1):
            attempt, watch = self._attempt(signals, number, lifted=lifted)
            if signals.received is not None:
                report.outcome = "interrupted"
                report.exit_code = _BY_SIGNAL + signals.received
                self._stop_running()
                return
            if not attempt.exit_code:
                report.outcome, report.exit_code = "done", 0
                if watch.timed_out:
                    self._note(
                        "a statement ended at its lock_timeout, and yet the command reports "
                        "success: see its output (psql goes on after errors without "
                        "-v ON_ERROR_STOP=1)"
                    )
                return
            report.outcome, report.exit_code = "failed", FAILED
            self._say(f"attempt {number}: the command ended with {_ending(attempt.exit_code)}")
            if not watch.timed_out:
                return
            attempt.lock_timeout = True
            if any(w.concurrently and w.outcome == "timed out" for w in watch.waits) and not lifted:
                lifted = self._may_lift(watch)
            if not self._input.rewind() or (self._tool.reads_input and self._input.is_pipe):
                self._note(
                    "not tried again: the command has read its standard input, a pipe, and would "
                    "find nothing in it; give it a file (< FILE)"
                )
                return
            own_lock = all(
                w.advisory for w in watch.waits if w.outcome in ("timed out", "cancelled")
            )
            if self._tool.not_again and not order.rerunnable and not own_lock:
                self._note(f"not tried again: {self._tool.not_again}")
                return
            if number == order.attempts:
                self._say(f"given up after {number} attempts (--attempts)")
                return
            pause = pause_before(number + 1, order.delay, random.random())  # noqa: S311
            if time.monotonic() + pause > until:
                self._say(f"given up after {spoken(order.max_wait)} (--max-wait)")
                return
            self._say(
                f"a lock timeout: attempt {number + 1} of {order.attempts} in {spoken(pause)}"
            )
            signals.sleep(pause)
            left = len(report.left)
            self._clean(before, self._between_s)
            if len(report.left) > left:  # the next attempt would find the name taken
                return

    def _may_lift(self, watch: Watch) -> bool:
        """After a CONCURRENTLY that ended at the lock_timeout: whether it may get a longer one."""
        order = self._order
        if watch.certain:
            self._note(
                "CONCURRENTLY waits for every older transaction, and a short lock_timeout "
                f"ends that: from now on it may wait {spoken(order.concurrent_timeout)}; all "
                f"other waits are still bounded by {spoken(order.lock_timeout)}"
            )
        else:  # then we could not bound those
            self._note(
                "CONCURRENTLY ended at the lock_timeout, and gets no longer one: the command's "
                "sessions have a name of their own and cannot be told from others'; leave out "
                "application_name, or take --concurrently"
            )
        return watch.certain

    def _attempt(self, signals: Signals, number: int, *, lifted: bool) -> tuple[Attempt, Watch]:
        order = self._order
        granted = max(order.concurrent_timeout, order.lock_timeout)
        bounds = Bounds(
            granted if lifted else order.lock_timeout, order.lock_timeout, order.enforce
        )
        settings = {"lock_timeout": f"{_ms(bounds.set_s)}ms", "application_name": self._mark}
        in_address = order.in_address or self._tool.in_address
        environment = connection.child_environment(
            order.environment,
            (order.variable, *self._tool.variables),
            order.address,
            settings,
            in_address=in_address,
        )
        command = [
            connection.prepared(word, settings, in_address=in_address) for word in order.command
        ]
        attempt = Attempt(number, bounds.set_s)
        self._report.attempts.append(attempt)
        watch = Watch(
            order.url,
            self._mark,
            bounds,
            self._say,
            verbose=order.verbose,
            terminal=sys.stderr is not None and sys.stderr.isatty(),
        )
        watch.start(Database.open(order.url))
        started = time.monotonic()
        try:
            attempt.exit_code = signals.run(command, environment, order.stdout)
        finally:
            watch.finish()
            self._foreign |= watch.foreign
            attempt.duration_s = time.monotonic() - started
            attempt.waits = watch.waits
            if attempt.duration_s > _LONG_S and not (watch.connected or watch.blind):
                self._note(
                    "no session of the command was seen in this database: if it ran elsewhere (in "
                    "a container, over SSH, on another database), it had no lock_timeout"
                )
            self._report.notes += [n for n in watch.notes if n not in self._report.notes]
        return attempt, watch

    # After

    def _stop_running(self) -> None:
        """Have the server drop what the command was at: it does not see by itself that it ended."""
        try:
            with Database.open(self._order.url) as database:
                until = time.monotonic() + _SETTLE_S
                cancelled = False
                while running := database.running(self._mark):
                    if time.monotonic() > until:
                        self._note(f"still at work on the server: pid {running[0]}")
                        return
                    if not cancelled:
                        database.cancel_running(self._mark)
                        cancelled = True
                    time.sleep(0.02)
                if cancelled:
                    self._note("cancelled what the command was still at on the server")
        except SeniorBackendError as error:
            self._note(f"could not see what is still at work on the server: {error}")

    def _clean(self, before: Mapping[int, tuple[Index, bool]], timeout_s: float) -> list[Index]:
        """Drop the INVALID indexes that were not there before, and return them."""
        with Database.open(self._order.url) as database:
            until = time.monotonic() + _SETTLE_S
            while database.running(self._mark) and time.monotonic() < until:
                time.sleep(0.02)
            if running := database.running(self._mark):
                self._note(
                    f"the command ended and is still at work on the server: pid {running[0]}; "
                    f"`select pg_cancel_backend({running[0]})` stops it"
                )
            new = [
                index
                for index in database.invalid()
                if index.oid not in before and index.oid not in self._stuck
            ]
            others = [i for i in new if {i.oid, i.table_oid} & self._foreign]
            for index in others:
                self._note(
                    f"INVALID index {index.name} is left: another session was building on "
                    f"{index.table} meanwhile; if nobody needs it, `{drop_statement(index)}`"
                )
            own = [
                replace(index, definition=database.definition(index))
                for index in new
                if index not in others
            ]
            for index in own:
                self._drop(database, index, timeout_s)
            return own

    def _drop(self, database: Database, index: Index, timeout_s: float) -> None:
        statement = drop_statement(index)
        if index.toast or index.constraint:
            reason = (
                f"it belongs to the constraint {index.constraint}"
                if index.constraint
                else "it belongs to a TOAST table: a superuser drops it"
            )
        else:
            time.sleep(_SURE_S)
            if not database.is_leftover(index):
                return
            self._say(
                f"dropping the INVALID index {index.name}, once those who use {index.table} now "
                f"have ended: {statement}"
            )
            try:
                reason = database.drop(index, timeout_s) or ""
            except Interrupted:
                self._report.left.append(f"{index.name}: interrupted")
                raise
        if reason:
            self._stuck.add(index.oid)
            self._report.left.append(f"{index.name}: {reason}")
            self._say(f"INVALID index {index.name} is left: {reason}; `{statement}`")
        else:
            self._report.dropped.append(statement)

    def _look_after(self, before: Mapping[int, tuple[Index, bool]]) -> None:
        """Leftovers, and what is there now; a server that is gone is said, not raised."""
        report = self._report
        try:
            new = self._clean(before, min(_DROP_S, self._between_s))
            with Database.open(self._order.url) as database:
                after = database.indexes()
        except NotRunError as error:
            self._note(f"could not look for INVALID indexes after the command: {error}")
            if report.outcome == "done":
                report.exit_code = NotRunError.exit_code
            return
        tables = {index.table for index, _valid in before.values()}
        report.built = [
            index.name
            for oid, (index, valid) in after.items()
            if valid and oid not in before and index.table in tables
        ]
        for oid, (index, valid) in after.items():
            if oid in before and before[oid][1] and not valid and not index.busy:
                report.left.append(f"{index.name}: it was valid before")
                self._note(
                    f"index {index.name} was valid before and is INVALID now, as after a DROP or "
                    "REINDEX CONCURRENTLY that did not end: run the migration again, or "
                    f"`REINDEX INDEX CONCURRENTLY {index.name}`"
                )
        if report.outcome == "done" and new:
            report.outcome, report.exit_code = "failed", FAILED
            for index in new:
                again = index.definition.replace("INDEX", "INDEX CONCURRENTLY", 1)
                self._note(
                    f"the command reports success, but {index.name} was INVALID; it has to be "
                    f"built again{f': {again}' if again else ''}"
                )


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _ending(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
