"""The database before the migrations that are looked at: stand-ins, a dump, earlier migrations."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from senior_backend.catalog import load
from senior_backend.errors import InputError
from senior_backend.migrations.trace.observed import MigrationTrace, ObservedStatement, Problem
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch import ledgers, needs, stubs
from senior_backend.migrations.trace.scratch.needs import Substitution
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.postgres import Session
from senior_backend.sources.migration import Migration, Segment

_ACCESS_METHOD: Final = "default_table_access_method"

Progress = Callable[[str], None]


def silent(_step: str) -> None:
    """For those who do not show progress."""


@dataclass(frozen=True, slots=True)
class Built:
    """A database that is ready. ``problems`` did not run; ``stubbed`` was stood in for."""

    problems: tuple[Problem, ...] = ()
    stubbed: tuple[str, ...] = ()
    substitution: Substitution = field(default_factory=Substitution)

    def runnable(self, migration: Migration) -> Migration:
        """The migration without what this server cannot run at all (missing extensions, roles)."""
        return needs.without(migration, self.substitution)[0]

    def as_written(self, migration: Migration, trace: MigrationTrace) -> MigrationTrace:
        """The trace of ``runnable(migration)``, with the statements as they stand in the file."""
        _, originals = needs.without(migration, self.substitution)
        if not originals:
            return trace
        return replace(trace, statements=tuple(_restored(trace.statements, originals)))


def _restored(
    statements: Sequence[ObservedStatement], originals: needs.Originals
) -> Iterator[ObservedStatement]:
    for one in statements:
        if (one.path, one.line) not in originals:
            yield one
            continue
        written, reason = originals[one.path, one.line]
        if reason is None:
            yield replace(one, sql=written)
        elif one.sql.strip() == needs.SUBSTITUTE.decode():
            yield ObservedStatement(one.path, one.line, written, one.transaction, not_run=reason)
        else:
            yield one


def build(
    url: str,
    migrations: Sequence[Migration],
    scratch: Scratch,
    settings: Settings,
    *,
    later: Sequence[Migration] = (),
    schema: Path | None = None,
    progress: Progress = silent,
) -> Built:
    """Run ``migrations`` in the empty database at ``url``; what fails is told, the rest goes on.

    What ``later`` migrations need is stood in for as well. ``schema`` is a dump of what was there
    before the first migration.

    Raises:
        InputError: ``schema`` cannot be read.
        NotRunError: the database does not answer, or has not what the settings need.
    """
    dumped = (dump(schema),) if schema is not None else ()
    everything = (*dumped, *migrations, *later)
    wanted = needs.of(everything)
    stood_in = stubs.provide(url, wanted, settings.variables.get("search_path"), scratch)
    named = list(stood_in.named)
    for table, statement in ledgers.named(everything).items():
        with Session(url) as session:
            session.execute(statement)
        named.append(f"the tool's own table {table}")
    method = settings.variables.get(_ACCESS_METHOD)
    if method is not None and (made := stubs.access_method(url, method)):
        named.append(made)
    built = Built((), tuple(named), stood_in.substitution)
    problems: list[Problem] = []
    with scratch.tracer(url, settings) as tracer:
        for number, migration in enumerate((*dumped, *migrations), start=1):
            progress(f"building the schema: {number} of {len(dumped) + len(migrations)}")
            problems += not_read(migration)
            problem = tracer.apply(built.runnable(migration))
            if problem is not None:
                problems.append(problem)
        tracer.finish()
    return replace(built, problems=tuple(problems))


def not_read(migration: Migration) -> Iterator[Problem]:
    """What of a migration could not be read, and is wanted."""
    for missing in migration.not_read:
        if not missing.left_out:
            yield Problem(missing.path, missing.line, missing.reason)


def dump(path: Path) -> Migration:
    """A schema dump as a migration of its own, run as psql does.

    Raises:
        InputError: it cannot be read, or is no SQL.
    """
    text = load.text_of(path)
    if path.suffix == ".prisma":
        raise InputError(
            f"{path}: a server cannot run it: name a dump made with pg_dump --schema-only"
        )
    segment = Segment(text, "statement")
    return Migration("plain_sql", str(path), "", path.name, (segment,), files=(str(path),))
