"""Looking on while the command runs: what it waits for, who is in the way, how its builds go on.

A thread with a session of its own. It only looks, except that it cancels a statement whose wait it
was told to bound: where we lifted the command's own lock_timeout for the sake of CONCURRENTLY, or
with ``--enforce``. It cancels only what is certainly the command's: a session with our mark, or one
whose port belongs to a process below us. One that only came from our address may be an application.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from senior_backend.errors import SeniorBackendError
from senior_backend.migrations.deploy.database import Builder, Database, Progress, WaitSeen
from senior_backend.migrations.deploy.duration import spoken
from senior_backend.migrations.deploy.owner import ports_below
from senior_backend.migrations.deploy.report import Wait
from senior_backend.postgres.session import StatementError

Say = Callable[[str], None]

_SLOWEST_S: Final = 0.1
_FASTEST_S: Final = 0.01
_PROGRESS_EVERY_S: Final = 0.5
_LINE_EVERY_S: Final = 30.0
_AGAIN_S: Final = 1.0
_LEAVE_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an attempt may wait."""

    set_s: float
    """The lock_timeout that the command's connections were given."""
    lock_timeout_s: float
    """The one for all but CONCURRENTLY: less than ``set_s`` where that one was lifted."""
    enforce: bool
    """Cancel waits beyond it also where it should be in effect by itself."""

    @property
    def lifted(self) -> bool:
        """Whether it is up to us to bound the waits that hold up traffic."""
        return self.set_s > self.lock_timeout_s

    @property
    def interval_s(self) -> float:
        """How often to look, so that no wait up to the bound is missed."""
        return min(_SLOWEST_S, max(_FASTEST_S, self.lock_timeout_s / 5))


@dataclass(slots=True)
class _Tracked:
    seen: WaitSeen
    wait: Wait
    at: float
    """When it was last seen, by our clock."""
    told: set[int] = field(default_factory=set)
    warned: bool = False


class Watch:
    """Watches one attempt from ``start`` to ``finish``."""

    def __init__(
        self, url: str, mark: str, bounds: Bounds, say: Say, *, verbose: bool, terminal: bool
    ) -> None:
        self.waits: list[Wait] = []
        self.notes: list[str] = []
        self.connected = False
        """Whether a session of the command was seen in this database."""
        self.blind = False
        """Whether it could not look for a while."""
        self.certain = False
        """Whether one was seen that certainly is its own; from then on only such ones count."""
        self.foreign: set[int] = set()
        """The tables and indexes (their oids) at which others were building an index."""
        self._url = url
        self._mark = mark
        self._bounds = bounds
        self._say = say
        self._verbose = verbose
        self._terminal = terminal
        self._since = ""
        self._stop = threading.Event()
        self._open: dict[tuple[int, str, str], _Tracked] = {}
        self._next_progress = 0.0
        self._next_line = 0.0
        self._drawn = False
        self._guesses: list[Wait] = []
        self._ports: frozenset[int] = frozenset()
        self._ports_at = 0.0
        self._sees_ports = False
        self._thread: threading.Thread | None = None

    def start(self, database: Database) -> None:
        """Begin with a session that is open, and becomes ours: none may be free later on."""
        self._since = database.now()
        self._sees_ports = database.sees_our_ports()
        self._next_line = time.monotonic() + _LINE_EVERY_S
        self._thread = threading.Thread(target=self._run, args=(database,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Look a last time, and end; a server that hangs does not hold us up."""
        self._stop.set()
        if self._thread is None:
            return
        self._thread.join(_LEAVE_S)
        if self._thread.is_alive():
            self.blind = True
            self._note("the server does not answer: the end of the command was not watched")

    @property
    def timed_out(self) -> bool:
        """Whether a wait ended at its bound."""
        return any(wait.outcome in ("timed out", "cancelled") for wait in self.waits)

    def _run(self, database: Database | None) -> None:
        while True:
            last = self._stop.is_set()
            try:
                if database is None:
                    database = Database.open(self._url)
                self._look(database)
            except Exception as error:  # whatever it is: what bounds the command must go on
                if database is not None:
                    database.close()
                    database = None
                self.blind = True
                reason = error if isinstance(error, SeniorBackendError) else repr(error)
                self._note(f"not watched for a while: {reason}")
                if last or self._stop.wait(_AGAIN_S):
                    return
                continue
            if last:
                database.close()
                self._clear()
                return
            self._stop.wait(self._pause())

    def _pause(self) -> float:
        """Until the next look: just after the moment at which a wait should end, if one is near."""
        pause = self._bounds.interval_s
        for tracked in self._open.values():
            left = self._bounds.set_s - tracked.seen.waited_s - (time.monotonic() - tracked.at)
            if 0 < left < pause:
                pause = left + _FASTEST_S
        return pause

    def _is_ours(self, *, marked: bool, port: int | None) -> bool:
        """Whether a session certainly is the command's."""
        if marked or not self._sees_ports or port is None:
            return marked
        if port not in self._ports and time.monotonic() - self._ports_at > _AGAIN_S:
            self._look_for_ports()
        return port in self._ports

    def _look_for_ports(self) -> None:
        self._ports = ports_below(os.getpid())
        self._ports_at = time.monotonic()

    def _look_for_sessions(self, database: Database) -> None:
        sessions = database.at_work(self._mark, self._since)
        self.connected = self.connected or bool(sessions)
        self.certain = any(self._is_ours(marked=marked, port=port) for marked, port in sessions)
        if self.certain:
            guessed = {id(wait) for wait in self._guesses}
            self.waits = [wait for wait in self.waits if id(wait) not in guessed]
            self._open = {k: t for k, t in self._open.items() if id(t.wait) not in guessed}

    def _look(self, database: Database) -> None:
        now = time.monotonic()
        waits = database.waits(self._mark, self._since)
        if not self.certain:
            self._look_for_sessions(database)
        seen = {
            (wait.pid, wait.since, wait.lock): wait
            for wait in waits
            if wait.since != "None"  # it began this very moment
            and (not self.certain or self._is_ours(marked=wait.marked, port=wait.port))
        }
        for key in [key for key in self._open if key not in seen]:
            self._ended(database, self._open.pop(key), now)
        for key, wait in seen.items():
            tracked = self._open.get(key)
            if tracked is None:
                record = Wait(
                    wait.pid,
                    wait.lock,
                    0.0,
                    concurrently=wait.concurrently,
                    advisory=wait.kind == "advisory",
                )
                self.waits.append(record)
                if not self.certain:
                    self._guesses.append(record)
                tracked = self._open[key] = _Tracked(wait, record, now)
            tracked.seen, tracked.at = wait, now
            tracked.wait.waited_s = wait.waited_s
            self._name_blockers(database, tracked)
            self._bound(database, tracked)
        self.foreign |= {
            builder.oid
            for builder in database.builders(self._mark, self._since)
            if not builder.ours or not self._counts(builder)
        }
        if now >= self._next_progress:
            self._next_progress = now + _PROGRESS_EVERY_S
            builds = database.progress(self._mark, self._since)
            self._show([build for build in builds if self._counts(build)], now)

    def _counts(self, build: Builder | Progress) -> bool:
        return not self.certain or self._is_ours(marked=build.marked, port=build.port)

    def _ended(self, database: Database, tracked: _Tracked, now: float) -> None:
        """How a wait ended: the server does not tell, but what is left to see does."""
        wait = tracked.wait
        if wait.outcome == "cancelled":
            return
        if database.goes_on(tracked.seen):
            wait.outcome = "granted"
        elif database.still_held(tracked.seen):  # also at a lock_timeout of the migration's own
            wait.outcome = "timed out"
        else:
            # At most this long: it ended at some moment since it was last seen.
            longest = tracked.seen.waited_s + now - tracked.at
            at_the_bound = longest >= self._bounds.set_s - _FASTEST_S and not tracked.warned
            wait.outcome = "timed out" if at_the_bound else "granted"

    def _name_blockers(self, database: Database, tracked: _Tracked) -> None:
        """Who is in the way, each once, and not for a wait that is hardly one."""
        wait = tracked.seen
        new = set(wait.blockers) - tracked.told
        if not new or wait.waited_s < min(0.5, self._bounds.lock_timeout_s / 3):
            return
        tracked.told |= new
        holders = database.holders(sorted(new), verbose=self._verbose)
        tracked.wait.blockers += holders
        if holders:
            self._tell(f"waiting for {wait.lock}; in the way: {'; '.join(map(str, holders))}")

    def _bound(self, database: Database, tracked: _Tracked) -> None:
        wait, bounds = tracked.seen, self._bounds
        if tracked.wait.outcome != "waiting" or wait.concurrently:
            return
        if bounds.lifted:
            if wait.waited_s >= bounds.lock_timeout_s:
                self._cancel(database, tracked)
            return
        if wait.waited_s <= bounds.lock_timeout_s * 1.5 + 0.3:
            return
        if not tracked.warned:
            tracked.warned = True
            self._note(
                f"pid {wait.pid} has waited {spoken(wait.waited_s)} for {wait.lock}: the "
                f"lock_timeout of {spoken(bounds.lock_timeout_s)} is not in effect there; either "
                "the migration sets its own, or this client takes no PGOPTIONS (try --in-address)"
            )
        if bounds.enforce:
            self._cancel(database, tracked)

    def _cancel(self, database: Database, tracked: _Tracked) -> None:
        if not tracked.seen.marked:
            self._look_for_ports()  # a port may have passed to another process
        if not self._is_ours(marked=tracked.seen.marked, port=tracked.seen.port):
            self._note(
                f"pid {tracked.seen.pid} waits for {tracked.seen.lock}, and is not cancelled: it "
                "came from here and has a name of its own, so that it may not be the command's"
            )
            return
        try:
            if database.cancel(tracked.seen):
                tracked.wait.outcome = "cancelled"
                self._tell(
                    f"cancelled pid {tracked.seen.pid}: it waited "
                    f"{spoken(tracked.seen.waited_s)} for {tracked.seen.lock}"
                )
        except StatementError as error:
            if "permission" not in str(error):
                raise
            self._note(
                f"pid {tracked.seen.pid} waits for {tracked.seen.lock}, and this role may not "
                "cancel it: connect as the command's role, or grant pg_signal_backend"
            )

    def _show(self, builds: list[Progress], now: float) -> None:
        if not builds:
            return
        if not self._terminal and now < self._next_line:
            return
        self._next_line = now + _LINE_EVERY_S
        texts = []
        for build in builds:
            share = f" {build.share:.0%}" if build.share is not None else ""
            name = build.index if build.index != "-" else f"an index on {build.table}"
            texts.append(f"{name}: {build.phase}{share}")
        if self._terminal:
            self._draw(f"\r\x1b[K{'; '.join(texts)}"[:200])
            self._drawn = True
        else:
            self._say("; ".join(texts))

    def _clear(self) -> None:
        if self._drawn:
            self._draw("\r\x1b[K")
            self._drawn = False

    def _draw(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            sys.stderr.write(text)
            sys.stderr.flush()

    def _tell(self, line: str) -> None:
        self._clear()
        self._say(line)

    def _note(self, line: str) -> None:
        if line not in self.notes:
            self.notes.append(line)
            self._tell(line)
