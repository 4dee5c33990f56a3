"""Observed statements in few words, for tests that need no server."""

from senior_backend.findings import Finding
from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace.observed import (
    IndexBuild,
    MigrationTrace,
    ObservedLock,
    ObservedStatement,
)

PATH = "db/002_b.sql"

_MODES = {
    "AS": (Lock.ACCESS_SHARE, ()),
    "RE": (Lock.ROW_EXCLUSIVE, ()),
    "SUE": (Lock.SHARE_UPDATE_EXCLUSIVE, ()),
    "S": (Lock.SHARE, ("writes",)),
    "SRE": (Lock.SHARE_ROW_EXCLUSIVE, ("writes",)),
    "AE": (Lock.ACCESS_EXCLUSIVE, ("reads", "writes")),
}


def statement(
    sql, *locks, line=1, transaction=1, scans=(), rewrites=(), builds=(), path=PATH, **more
):
    """Such as ``statement("CREATE INDEX ...", "orders S", builds=["orders"])``."""
    taken = []
    for lock in locks:
        relation, _, mode = lock.partition(" ")
        taken.append(ObservedLock(relation, "table", *_MODES[mode]))
    return ObservedStatement(
        path,
        line,
        sql,
        transaction,
        tuple(taken),
        tuple(rewrites),
        tuple(scans),
        tuple(IndexBuild(table, f"{table}_idx") for table in builds),
        **more,
    )


def trace(*statements, path=PATH):
    """One migration; each statement on the line after the one before, unless it says otherwise."""
    return MigrationTrace(path, "up", statements)


def finding(rule, line=1, path=PATH, class_="gate", **more):
    """A finding of a rule, in a way up."""
    return Finding(
        rule=rule,
        path=path,
        line=line,
        message=f"What {rule} says.",
        class_=class_,
        details={"direction": "up"},
        **more,
    )
