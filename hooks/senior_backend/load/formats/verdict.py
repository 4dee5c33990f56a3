"""What a run comes to, in one word and one sentence; every format begins with it."""

from dataclasses import dataclass
from typing import Literal

from senior_backend.load.formats.units import span
from senior_backend.load.result import Result, ThresholdResult

Word = Literal["PASSED", "FAILED", "INVALID", "INTERRUPTED", "MEASURED"]


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
        return Verdict("INVALID", sentence, tuple(result.invalid_reasons))
    failed = [t for t in result.thresholds if not t.passed]
    thresholds = _thresholds(len(failed), len(result.thresholds))
    stopped = _stopped(result)
    sentence = "; ".join(part for part in (stopped, thresholds) if part)
    if failed:
        return Verdict("FAILED", sentence)
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
    how_long = f"after {span(result.duration_s)} of {span(result.planned_duration_s)}"
    by = next((t for t in result.thresholds if t.aborted), None)
    return f"stopped {how_long} by {name(by)}" if by else f"interrupted {how_long}"


def name(threshold: ThresholdResult) -> str:
    """A threshold as written: ``http_req_duration: p(95)<200``."""
    return f"{threshold.metric}: {threshold.expression}"
