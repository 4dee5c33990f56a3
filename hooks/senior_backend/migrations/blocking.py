"""What rules about blocked reads and writes share: how certain, how grave, in which words."""

from typing import Final, Literal

from senior_backend.migrations import durations
from senior_backend.migrations.lock_model.wording import rows_phrase
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.names import Name

Flag = Literal["rewrite", "scan", "index_build"]

_WORK: Final[dict[Flag, tuple[str, str]]] = {
    "rewrite": ("rewrites {} and all its indexes", "the rewrite ends"),
    "scan": ("reads every row of {}", "the scan ends"),
    "index_build": ("builds an index over {}", "it is built"),
}


def certainty(step: Step, flag: Flag) -> bool | None:
    """Whether the operation rewrites, scans or builds anything: None when it cannot be known."""
    values = {getattr(effect, flag) for effect in step.effects}
    if True in values:
        return True
    return None if None in values else False


def depends_on(step: Step) -> str:
    """What an effect that cannot be known depends on, in the words of the lock model."""
    return next((e.unknown for e in step.effects if e.unknown), "what is not known here")


def work(step: Step, table: Name, flag: Flag) -> str:
    """What PostgreSQL does to the table under ACCESS EXCLUSIVE, and who waits how long."""
    doing, until = _WORK[flag]
    rows = step.rows(table)
    size = f" ({rows_phrase(rows)})" if rows is not None else ""
    return (
        f"{doing.format(table)}{size} under ACCESS EXCLUSIVE: "
        f"every read and write of it waits until {until}"
    )


def graded(step: Step, table: Name, message: str, *, certain: bool = True) -> Hazard:
    """The hazard of work in proportion to a table: graver the surer; not grave on few rows.

    Where the table's size was told, with an estimate. One that is brief even at its slow end makes
    a warning of an error and leaves the class as it is: the rate is that of another, idle machine,
    the lock has to be waited for before it is held at all, and the safe form costs a line. Whoever
    knows better can say so in an ignore comment; a false calm nobody can take back.
    """
    if step.is_small(table):
        return Hazard(message, severity="info", class_="hygiene")
    duration = durations.held(step, table)
    if duration is None:
        return Hazard(message, severity="error" if certain else "warning")
    grave = certain and duration.high >= durations.BRIEF_S
    return Hazard(
        f"{message} {duration}",
        severity="error" if grave else "warning",
        estimates=(duration,),
    )


def added_column(step: Step) -> AddColumn | None:
    """The ADD COLUMN, unless nobody notices: a new table, or IF NOT EXISTS of a known column."""
    added = step.the(AddColumn)
    if step.is_new(added.table):
        return None
    if added.if_not_exists and step.catalog.column(added.table, added.column):
        return None
    return added
