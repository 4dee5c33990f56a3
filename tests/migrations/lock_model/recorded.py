"""The case corpus, what PostgreSQL 14 to 18 were seen to do for each case, and how it is recorded.

A case is a line of ``schema_cases.sql`` or ``live_cases.sql``, run on ``schema.sql`` or
``live.sql``: in a transaction that is rolled back, or in a database of its own where a statement
refuses a transaction. ``RECORD=1`` with the tests of the majors writes ``observed.json`` anew.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from senior_backend import sql
from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.step import Assumptions
from senior_backend.migrations.trace.agreement import (
    Agreement,
    Prediction,
    compare,
    predictions,
)
from senior_backend.migrations.trace.observed import (
    IndexBuild,
    MigrationTrace,
    ObservedLock,
    ObservedStatement,
    RelationKind,
    Traffic,
)
from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.migrations.walk import Walk
from senior_backend.postgres import Session
from senior_backend.sources.migration import Migration, Segment
from tests.migrations.lock_model.schema import catalog_of

HERE = Path(__file__).parent
FILE = HERE / "observed.json"
MAJORS = (14, 15, 16, 17, 18)
SUITES = {"schema": "schema_cases.sql", "live": "live_cases.sql"}
"""Schema, without its suffix, to the cases that run on it."""

_TRANSACTION_REFUSED = "25001"
_TRAFFIC: tuple[Traffic, ...] = ("reads", "writes")


@dataclass(frozen=True)
class Case:
    """Statements on a schema; ``heading`` is what they are about."""

    suite: str
    heading: str
    sql: str

    def __str__(self) -> str:
        return self.sql

    @property
    def schema(self) -> str:
        """The statements that make what is there before."""
        return (HERE / f"{self.suite}.sql").read_text()

    def migration(self, *, alone: bool) -> Migration:
        """The case as a migration that leaves nothing behind, unless it must run alone."""
        text = self.sql if alone else f"begin; {self.sql}; rollback"
        segment = Segment(sql.SqlText("case.sql", text.encode()), "statement")
        return Migration("cases", "case.sql", "1", "case", (segment,))


@dataclass(frozen=True)
class Seen:
    """What a server did for a case, statement by statement; ``error`` when it refused it."""

    statements: tuple[ObservedStatement, ...]
    alone: bool = False
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The form in the record, without what is the same for every case."""
        if self.error is not None:
            return {"error": self.error}
        return {"steps": [_packed(one) for one in self.statements]}


@dataclass
class Record:
    """Everything that was recorded: by case and major."""

    versions: dict[int, str] = field(default_factory=dict)
    seen: dict[tuple[str, str], dict[int, Seen]] = field(default_factory=dict)

    def of(self, case: Case, major: int) -> Seen | None:
        """What was seen for a case on a major; None: it is not recorded."""
        return self.seen.get((case.suite, case.sql), {}).get(major)


@cache
def cases() -> tuple[Case, ...]:
    """All of them, in order."""
    found = []
    for suite, name in SUITES.items():
        heading = ""
        for line in (HERE / name).read_text().splitlines()[1:]:
            if line.startswith("-- "):
                heading = line.removeprefix("-- ")
            elif line:
                found.append(Case(suite, heading, line.removesuffix(";")))
    return tuple(found)


# --- Running -------------------------------------------------------------------------------------


class Bench:
    """One server of a major, with a database for each suite."""

    def __init__(self, scratch: Scratch, *, probe: bool) -> None:
        self.scratch = scratch
        self.settings = Settings(probe=probe)
        self._templates: dict[str, str] = {}
        self._tracers: dict[str, Tracer] = {}
        self._spare: dict[str, str] = {}

    def close(self) -> None:
        """End the tracers; the server drops what is left."""
        for tracer in self._tracers.values():
            tracer.__exit__(None, None, None)

    def run(self, case: Case) -> Seen:
        """Run a case, and look."""
        if case.suite not in self._templates:
            self._templates[case.suite] = self._made(case)
        if case.suite not in self._tracers:
            url = self.scratch.database(self._templates[case.suite])
            self._tracers[case.suite] = self.scratch.tracer(url, self.settings).__enter__()
        seen = _seen(self._tracers[case.suite].trace(case.migration(alone=False)), alone=False)
        if case.sql.startswith("analyze"):
            # What it writes of a table's size stays after ROLLBACK, and planners go by it.
            self._tracers.pop(case.suite).__exit__(None, None, None)
        if seen.error is not None and _TRANSACTION_REFUSED in seen.error:
            return self._alone(case)
        return seen

    def _alone(self, case: Case) -> Seen:
        url = self.scratch.database(self._templates[case.suite])
        with self.scratch.tracer(url, self.settings) as tracer:
            seen = _seen(tracer.trace(case.migration(alone=True)), alone=True)
        self.scratch.drop(url)
        return seen

    def _made(self, case: Case) -> str:
        url = self.scratch.database()
        with Session(url) as session:
            session.execute("set client_min_messages = warning")
            session.execute(_without_roles(case.schema, session))
        return url


def _without_roles(schema: str, session: Session) -> str:
    """A schema on a server that may have its roles from before."""
    there = {name for (name,) in session.execute("select rolname from pg_roles")}
    return re.sub(
        r"create role (\w+);", lambda match: "" if match[1] in there else match[0], schema
    )


def _seen(trace: MigrationTrace, *, alone: bool) -> Seen:
    failed = trace.failed
    if failed is not None:
        return Seen((), alone, f"{failed.sqlstate}: {failed.error}")
    statements = trace.statements if alone else trace.statements[1:-1]
    return Seen(tuple(statements), alone)


# --- Comparing -----------------------------------------------------------------------------------


@cache
def said(case: Case, major: int, *, alone: bool) -> tuple[Prediction, ...]:
    """The lock model's word on a case."""
    walk = Walk(catalog_of(case.schema), Assumptions(major=major, timezone="UTC"))
    steps = walk.steps(case.migration(alone=alone), "up", 1, 1)
    found = predictions(steps)
    return found if alone else found[1:-1]


def agreed(case: Case, major: int, seen: Seen, *, probed: bool = True) -> tuple[Agreement, ...]:
    """The word on a case beside what was seen."""
    words = said(case, major, alone=seen.alone)
    trace = MigrationTrace("case.sql", "up", _placed(words, seen.statements))
    return compare(words, trace, probed=probed)


def _placed(
    words: Sequence[Prediction], statements: Sequence[ObservedStatement]
) -> tuple[ObservedStatement, ...]:
    """Recorded statements have no text of their own."""
    return tuple(
        replace(one, path=word.path, line=word.line, sql=word.sql)
        for word, one in zip(words, statements, strict=True)
    )


# --- The file ------------------------------------------------------------------------------------

ABOUT = {
    "cases": "schema_cases.sql on schema.sql, live_cases.sql on live.sql; each ran in the tracer, "
    "on empty tables, TimeZone UTC",
    "locks": "relation as before the statement, kind, strongest mode, what a second session was "
    "seen to wait for (r reads, w writes), ? where the lock was only asked for",
    "rewrites": "tables with a new file node",
    "scans": "tables of which every row was read",
    "builds": "tables on which an index was built",
    "waits": "what it waited for outside a transaction",
}


def read() -> Record:
    """The record."""
    data = json.loads(FILE.read_text())
    record = Record({int(major): version for major, version in data["versions"].items()})
    for case in data["cases"]:
        for variant in case["observed"]:
            steps = tuple(_unpacked(one, alone=case["alone"]) for one in variant.get("steps", ()))
            seen = Seen(steps, case["alone"], variant.get("error"))
            for major in variant["majors"]:
                record.seen.setdefault((case["suite"], case["sql"]), {})[major] = seen
    return record


def write(record: Record) -> None:
    """One line a case, what is the same on several majors once."""
    lines = [json.dumps(_entry(case, record), ensure_ascii=False) for case in cases()]
    head = json.dumps(
        {"about": ABOUT, "versions": {str(m): v for m, v in sorted(record.versions.items())}},
        indent=1,
    ).removesuffix("\n}")
    FILE.write_text(f'{head},\n "cases": [\n' + ",\n".join(lines) + "\n ]\n}\n")


def _entry(case: Case, record: Record) -> dict[str, Any]:
    variants: dict[str, list[int]] = {}
    alone = False
    for major in MAJORS:
        seen = record.of(case, major)
        if seen is not None:
            alone = alone or seen.alone
            variants.setdefault(json.dumps(seen.as_json()), []).append(major)
    observed = [{"majors": majors, **json.loads(form)} for form, majors in variants.items()]
    return {"suite": case.suite, "sql": case.sql, "alone": alone, "observed": observed}


def _packed(one: ObservedStatement) -> dict[str, Any]:
    form: dict[str, Any] = {
        "locks": sorted(
            [lock.relation, lock.kind, str(lock.mode), _letters(lock)] for lock in _strongest(one)
        ),
        "rewrites": sorted(one.rewrites),
        "scans": sorted(one.scans),
        "builds": sorted({build.table for build in one.index_builds}),
        "waits": sorted(one.waits_for),
    }
    return {name: value for name, value in form.items() if value}


def _strongest(one: ObservedStatement) -> Iterator[ObservedLock]:
    found: dict[str, ObservedLock] = {}
    for lock in one.locks:
        known = found.get(lock.relation)
        found[lock.relation] = lock if known is None or lock.mode > known.mode else known
    yield from found.values()


def _letters(lock: ObservedLock) -> str:
    blocked = "".join(kind[0] for kind in _TRAFFIC if kind in lock.blocks)
    return blocked + ("" if lock.granted else "?")


def _unpacked(form: Mapping[str, Any], *, alone: bool) -> ObservedStatement:
    locks = tuple(
        ObservedLock(
            relation,
            cast(RelationKind, kind),
            Lock[mode.replace(" ", "_")],
            tuple(one for one in _TRAFFIC if one[0] in letters),
            granted="?" not in letters,
        )
        for relation, kind, mode, letters in form.get("locks", ())
    )
    return ObservedStatement(
        "case.sql",
        1,
        "",
        None if alone else 1,
        locks,
        tuple(form.get("rewrites", ())),
        tuple(form.get("scans", ())),
        tuple(IndexBuild(table) for table in form.get("builds", ())),
        tuple(form.get("waits", ())),
    )


def same(one: Seen, other: Seen) -> bool:
    """Whether two runs saw the same but for what waited."""
    return _comparable(one) == _comparable(other)


def _comparable(seen: Seen) -> str:
    form = seen.as_json()
    for step in form.get("steps", ()):
        step["locks"] = [lock[:3] for lock in step.get("locks", ())]
        step.pop("waits", None)
    return json.dumps(form)
