"""The sessions of a trace: the one that migrates, and those that look on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from senior_backend.errors import NotRunError
from senior_backend.migrations.trace.observing.execute import Runner
from senior_backend.migrations.trace.observing.parking import Parking
from senior_backend.migrations.trace.observing.probe import Prober
from senior_backend.migrations.trace.observing.watch import Watcher

TELLING: Final = {"client_min_messages": "debug1", "lc_messages": "C"}
"""With these the server says what it works through, in the words that ``messages`` knows."""
_SORTS_FREELY: Final = {"enable_indexonlyscan": "off", "cpu_operator_cost": "0", "jit": "off"}
_PLANNING: Final = _SORTS_FREELY | {"enable_seqscan": "off", "enable_indexscan": "off"}
"""On empty tables the planner would never take an index, and where it must, all of one rather than
sort: with these it takes a bitmap of an index where one serves, and otherwise reads the table, the
only thing that the server counts."""
_BEFORE_DISABLED_NODES: Final = 18
_PLANNING_BEFORE: Final = _SORTS_FREELY | {
    "seq_page_cost": "0.05",
    "random_page_cost": "0",
    "cpu_index_tuple_cost": "0.006",
}
"""The same where a plan that is switched off is one of an enormous cost, beside which nothing else
counts: some entries of an index cost less than the table, all of them more. A table that is known
to be empty (ANALYZE), or others inherit from, seems to be read as a whole here."""
AS_PLANNED_ELSEWHERE: Final = {
    "cpu_index_tuple_cost": "0.005",
    "cpu_operator_cost": "0.0025",
    "enable_indexonlyscan": "on",
    "enable_indexscan": "on",
    "enable_seqscan": "on",
    "random_page_cost": "4",
    "seq_page_cost": "1",
}
"""PostgreSQL's defaults of all of these, for tables that hold rows."""
_RESET_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How the session that migrates is set up, and what is looked at.

    ``variables`` are session settings of whoever migrates, such as default_table_access_method. A
    statement that does not end in ``statement_timeout_s`` is cancelled and reported. ``probe``:
    what is blocked is proved by a second session. ``together``: the traced migrations ship
    together, so relations made since the first of them are nobody's yet. ``own_server``: nobody
    else uses the server, so what reaches beyond the database (roles, other databases, settings of
    the server) may run; ``Scratch.tracer`` sets it.
    """

    timezone: str = "UTC"
    variables: Mapping[str, str] = field(default_factory=dict)
    statement_timeout_s: float = 30.0
    probe: bool = True
    together: bool = False
    own_server: bool = False


class Sessions:
    """Connected when first used; those that were cut are connected anew by ``renew``."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self.settings = settings
        self._planning = _PLANNING
        self._runner: Runner | None = None
        self._watcher: Watcher | None = None
        self._prober: Prober | None = None
        self._parking: Parking | None = None

    @property
    def runner(self) -> Runner:
        """The one that migrates."""
        if self._runner is None:
            self._runner = self._connected()
            if self._runner.major < _BEFORE_DISABLED_NODES and self._planning is _PLANNING:
                self._runner.close()
                self._planning = _PLANNING_BEFORE
                self._runner = self._connected()
        return self._runner

    def _connected(self) -> Runner:
        options = {"timezone": self.settings.timezone, **self._planning, **self.settings.variables}
        try:
            return Runner(self._url, options | TELLING)
        except NotRunError:
            # Only a superuser may choose the language of messages.
            told = TELLING["client_min_messages"]
            return Runner(self._url, {**options, "client_min_messages": told})

    @property
    def watcher(self) -> Watcher:
        """The one that sees its locks."""
        if self._watcher is None:
            self._watcher = Watcher(self._url)
        return self._watcher

    @property
    def prober(self) -> Prober:
        """The one that tries what waits."""
        if self._prober is None:
            self._prober = Prober(self._url)
        return self._prober

    @property
    def parking(self) -> Parking:
        """Those that stand in the way of statements outside transactions."""
        if self._parking is None:
            self._parking = Parking(self._url)
        return self._parking

    def renew(self) -> "Runner":
        """A session as the tool opens it: nothing is left of the migration before."""
        runner = self.runner
        if runner.is_alive and not runner.is_idle:
            runner.run(b"rollback", _RESET_S)
        if not runner.is_alive or runner.run(b"discard all", _RESET_S).error is not None:
            runner.close()
            self._runner = None
        return self.runner

    def reconnect(self) -> None:
        """Have the next session begin with what ALTER ROLE or ALTER DATABASE set meanwhile."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def close(self) -> None:
        """Close them; closing twice is fine."""
        for session in (self._parking, self._prober, self._watcher, self._runner):
            if session is not None:
                session.close()
        self._runner = self._watcher = self._prober = self._parking = None
