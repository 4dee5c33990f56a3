"""What a run comes to, in one word and one sentence; every format begins with it."""

from dataclasses import dataclass
from typing import Final, Literal

from senior_backend.load.formats import units
from senior_backend.load.result import Result, ThresholdResult

Word = Literal["PASSED", "FAILED", "INVALID", "INTERRUPTED", "MEASURED"]
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, why, and the reasons where there are several."""

    word: Word
    sentence: str
    reasons: tuple[str, ...] = ()
    """Why the run is INVALID, each with its remedy."""


def verdict(result: Result) -> Verdict:
    """INVALID goes before all: nothing that such a run measured holds or fails."""
    if not result.valid:
        sentence = "these numbers must not be used: they say more about the test than the target"
        sentence = "; ".join(part for part in (mostly_failed(result), sentence) if part)
        return Verdict("INVALID", sentence, tuple(result.invalid_reasons))
    if result.interrupted and not result.duration_s:
        warm_up = "in the warm-up" if result.warm_up_s else "before the first arrival"
        return Verdict("INTERRUPTED", f"{warm_up}: nothing was measured")
    failed = [t for t in result.thresholds if not t.passed]
    thresholds = _thresholds(len(failed), len(result.thresholds))
    stopped = _stopped(result)
    by_threshold = any(t.aborted for t in result.thresholds)
    nothing = result.total.count > 0 and result.total.failed == result.total.count
    if failed or nothing:
        if stopped and not by_threshold:
            stopped = f"interrupted {stopped}"
        parts = (mostly_failed(result) if nothing else "", stopped, thresholds)
        return Verdict("FAILED", "; ".join(part for part in parts if part))
    sentence = "; ".join(part for part in (stopped, thresholds) if part)
    if result.interrupted:
        return Verdict("INTERRUPTED", sentence)
    if not result.thresholds:
        return Verdict("MEASURED", "no threshold was set")
    return Verdict("PASSED", sentence)


def _thresholds(failed: int, count: int) -> str:
    if not count:
        return ""
    if failed:
        does = "does" if failed == 1 else "do"
        return f"{failed} of {count} threshold{'s' * (count > 1)} {does} not hold"
    return "the threshold holds" if count == 1 else f"all {count} thresholds hold"


def _stopped(result: Result) -> str:
    if not result.interrupted:
        return ""
    how_long = f"after {units.span(result.duration_s)} of {units.span(result.planned_duration_s)}"
    by = next((t for t in result.thresholds if t.aborted), None)
    return f"stopped {how_long} by {name(by)}" if by else how_long


def mostly_failed(result: Result) -> str:
    """How many requests failed, by cause; empty where it was not most of them."""
    total = result.total
    if not total.failed or total.failed * 2 <= total.count:
        return ""
    causes = sorted(total.errors.items(), key=lambda item: -item[1])
    named = ", ".join(f"{cause} {units.count(number)}" for cause, number in causes[:_NAMED])
    more = f" and {len(causes) - _NAMED} more causes" if len(causes) > _NAMED else ""
    if total.failed == total.count:
        return f"every request failed: {named}{more}"
    return (
        f"{units.count(total.failed)} of {units.count(total.count)} requests failed: {named}{more}"
    )


def name(threshold: ThresholdResult) -> str:
    """A threshold as written: ``http_req_duration: p(95)<200``."""
    return f"{threshold.metric}: {threshold.expression}"
