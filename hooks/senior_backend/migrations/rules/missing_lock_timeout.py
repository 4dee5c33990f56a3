"""No lock_timeout before a statement that others wait behind."""

from collections.abc import Iterator
from typing import Final

from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.migrations.step import Step, milliseconds
from senior_backend.operations.session import SetVariable

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="missing-lock-timeout",
    title="Without lock_timeout a short statement can stop all traffic of a table",
    class_="hygiene",
    severity="warning",
    why="""
A statement that needs a strong lock waits for every transaction that has used the table and is
still open: a report, a backup, an idle session. **While it waits, everything that comes later
queues behind it**, so a change of a millisecond stops the table for as long as the oldest
transaction lasts.

`lock_timeout` gives up after the time that traffic can bear; a failed migration is run again. In a
transaction say `SET LOCAL lock_timeout = '2s'`, else `SET lock_timeout`, *before* the first
statement that locks. `0` switches it off, `SET LOCAL` outside a transaction has no effect, and
minutes are too long. If the role or the connection that runs migrations has it set, say so in the
settings of this tool. Statements with `CONCURRENTLY` are not meant: they need patience, and block
nobody.
""",
    source="lock_timeout; 13.3.1 Table-Level Locks; SET",
    bad=Example(
        sql="ALTER TABLE invoices ADD COLUMN note text;",
        setup=_SETUP,
        proof=("invoices ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="""
SET LOCAL lock_timeout = '2s';
ALTER TABLE invoices ADD COLUMN note text;
""",
            setup=_SETUP,
        ),
        Example(
            sql="""
SET lock_timeout = '2s';
ALTER TABLE invoices ADD COLUMN remark text;
""",
            transaction="statement",
        ),
    ),
    silent=(
        Example("CREATE TABLE notes (id bigint PRIMARY KEY); CREATE INDEX ON notes (id);"),
        Example(
            "CREATE INDEX CONCURRENTLY invoices_total ON invoices (total);",
            setup=_SETUP,
            transaction="statement",
        ),
        Example("UPDATE invoices SET total = 0 WHERE id = 1;", setup=_SETUP),
    ),
)

LONGEST_MS: Final = 60_000
"""How long a lock may be waited for at most: all requests of the table wait as long."""


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """One finding: at the first statement that may wait for ever while others queue behind it."""
    first: Step | None = None
    others = 0
    without_effect: Step | None = None
    for step in view.steps:
        if step.in_function:
            continue
        operation = step.operation
        if isinstance(operation, SetVariable):
            if operation.name == "lock_timeout" and operation.local and step.transaction is None:
                without_effect = step
        elif step.existing and _others_wait(step) and not _is_guarded(step):
            if first is None:
                first = step
            elif step.statement is not first.statement:
                others += 1
    if first is None:
        return
    also = f" The same holds for {others} later statements." if others > 1 else ""
    also = " The same holds for a later statement." if others == 1 else also
    if first.lock_timeout is None and _is_set_afterwards(view, first):
        cause = "before lock_timeout is set, which comes only later"
    elif first.lock_timeout is None:
        cause = "without a lock_timeout"
    elif milliseconds(first.lock_timeout) is None:
        cause = f"with lock_timeout {first.lock_timeout}, which is none"
    else:
        cause = f"with a lock_timeout of {first.lock_timeout}"
    why = "SET LOCAL has no effect outside a transaction, so " if without_effect else ""
    locked = _locked(first)
    table = "the table" if len(locked) == 1 else "one of the tables"
    yield Hazard(
        f"{why}{_what(locked)} {cause}: while it waits for an open transaction, everything "
        f"that uses {table} later waits behind it.{also}",
        at=without_effect or first,
    )


def _others_wait(step: Step) -> bool:
    return any(e.lock is not None and e.lock.blocks_writes for e in step.existing)


def _is_guarded(step: Step) -> bool:
    for timeout in (step.lock_timeout, step.statement_timeout):
        if timeout is not None:
            limit = milliseconds(timeout)
            if limit is not None and limit <= LONGEST_MS:
                return True
    return False


def _locked(step: Step) -> list[Effect]:
    """The effects with the strongest lock."""
    locked = [e for e in step.existing if e.lock is not None and e.lock.blocks_writes]
    strongest = max(locked, key=_lock)
    return [e for e in locked if e.lock == strongest.lock]


def _what(locked: list[Effect]) -> str:
    """``ACCESS EXCLUSIVE on orders, lines, events and 11 more is asked for``."""
    same = [e.relation for e in locked]
    names = ", ".join(same[:3]) + (f" and {len(same) - 3} more" if len(same) > 3 else "")
    return f"{locked[0].lock} on {names} is asked for"


def _lock(effect: Effect) -> int:
    return effect.lock or Lock.ACCESS_SHARE


def _is_set_afterwards(view: MigrationView, first: Step) -> bool:
    after = False
    for step in view.steps:
        after = after or step is first
        operation = step.operation
        if after and isinstance(operation, SetVariable) and operation.name == "lock_timeout":
            if operation.local and step.transaction is None:
                continue  # it has no effect
            return milliseconds(operation.value) is not None
    return False
