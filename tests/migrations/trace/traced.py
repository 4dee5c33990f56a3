"""Migrations as text, and what a trace saw of them as lines that a person can read."""

from senior_backend.migrations.trace.observed import ObservedStatement
from senior_backend.migrations.trace.observing.tracer import Tracer
from senior_backend.sources.migration import Migration, Segment, Transaction
from senior_backend.sql import SqlText


def migration(
    *parts: str | tuple[str, Transaction],
    transaction: Transaction = "file",
    name: str = "1_change.sql",
) -> Migration:
    """A migration of segments; each with its own transaction model, or all with the same."""
    segments = [(part, transaction) if isinstance(part, str) else part for part in parts]
    return Migration(
        "plain_sql",
        name,
        "1",
        "change",
        tuple(Segment(SqlText(name, sql.encode()), model) for sql, model in segments),
        files=(name,),
    )


def lines(seen: ObservedStatement) -> list[str]:
    """Locks with what they block, then the work, then what it waited for and how it failed."""
    told = []
    for lock in seen.locks:
        wanted = "" if lock.granted else " wanted"
        blocks = f" blocks {' and '.join(lock.blocks)}" if lock.blocks else ""
        told.append(f"{lock.relation} {lock.mode}{wanted}{blocks}")
    told += [f"rewrite {table}" for table in seen.rewrites]
    told += [f"scan {table}" for table in sorted(seen.scans)]
    told += [f"build {build.index} on {build.table}" for build in seen.index_builds]
    told += [f"waits for {what}" for what in seen.waits_for]
    told += [f"error {seen.error}"] if seen.error is not None else []
    told += [f"not run: {seen.not_run}"] if seen.not_run is not None else []
    return told


def prepare(tracer: Tracer, schema: str) -> None:
    """Empty the tracer's database, then make ``schema``."""
    anew = f"drop schema public cascade; create schema public; {schema}"
    assert tracer.apply(migration(anew)) is None
