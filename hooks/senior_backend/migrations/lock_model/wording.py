"""Effects in words: the pieces of a sentence that all messages share, and how severe they are."""

from collections.abc import Iterable

from senior_backend.findings import Severity
from senior_backend.migrations.lock_model.effect import Effect

SMALL_TABLE = 10_000
"""Rows up to which a rewrite, scan or build takes some milliseconds."""

_WHILE = {
    "rewrite": "while the table is rewritten",
    "build": "while the index is built",
    "scan": "while every row is read",
    "brief": "for a moment",
}


def lock_phrase(effect: Effect) -> str:
    """The lock and its relation: ``ACCESS EXCLUSIVE on orders``."""
    if effect.lock is None:
        return f"no lock on {effect.relation}"
    return f"{effect.lock} on {effect.relation}"


def describe(effect: Effect, rows: int | None = None) -> str:
    """One effect in full.

    ``ACCESS EXCLUSIVE on orders (50 M rows): reads and writes wait while the table is rewritten``.
    """
    size = f" ({rows_phrase(rows)})" if rows is not None else ""
    blocked = blocked_phrase(effect)
    waiting = f"{blocked} wait {while_phrase(effect)}" if blocked else "reads and writes go on"
    return f"{lock_phrase(effect)}{size}: {waiting}"


def waits_phrase(effects: Iterable[Effect]) -> str:
    """Who waits, on which tables and for how long; empty when nobody does.

    ``reads and writes of orders wait while the table is rewritten, writes of customers wait for a
    moment``.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for effect in effects:
        if blocked := blocked_phrase(effect):
            groups.setdefault((blocked, while_phrase(effect)), []).append(effect.relation)
    return ", ".join(
        f"{blocked} of {_listed(relations)} wait {how_long}"
        for (blocked, how_long), relations in groups.items()
    )


def blocked_phrase(effect: Effect) -> str:
    """``reads and writes``, ``writes``, ``reads``, or nothing."""
    return " and ".join(what for what in ("reads", "writes") if what in effect.blocked)


def while_phrase(effect: Effect) -> str:
    """How long: ``while the table is rewritten``, ``for a moment``; ``perhaps`` when not known."""
    if effect.possible_duration != effect.duration:
        return f"perhaps {_WHILE[effect.possible_duration]}"
    return _WHILE[effect.duration]


def unknown_phrase(effect: Effect) -> str:
    """What the answer depends on: ``it depends on the volatility of make_id()``; or empty."""
    return f"it depends on {effect.unknown}" if effect.unknown else ""


def rows_phrase(rows: int) -> str:
    """A number of rows as people say it: ``900 rows``, ``12 k rows``, ``1.5 M rows``."""
    for limit, unit in ((1_000_000_000, "bn"), (1_000_000, "M"), (1_000, "k")):
        if rows >= limit:
            tenths = rows * 10 // limit
            number = f"{tenths / 10:.1f}".removesuffix(".0") if tenths < 100 else str(tenths // 10)
            return f"{number} {unit} rows"
    return f"{rows} row{'' if rows == 1 else 's'}"


def severity(effects: Iterable[Effect], rows: int | None = None) -> Severity:
    """How bad it is while it runs.

    ``error`` when somebody waits in proportion to the table's size, ``warning`` when it may be so
    or the lock is brief (it still queues behind every open transaction, and all others behind it),
    ``info`` when nobody waits or the table is known to be small (``rows``).
    """
    blocking = [effect for effect in effects if effect.blocked]
    if not blocking or (rows is not None and rows < SMALL_TABLE):
        return "info"
    return "error" if any(effect.duration != "brief" for effect in blocking) else "warning"


def _listed(names: list[str]) -> str:
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
