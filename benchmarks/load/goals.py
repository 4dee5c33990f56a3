"""What the tool has promised of itself, and whether it holds."""

from math import isfinite


def judged(
    value: float, *, at_least: float | None = None, at_most: float | None = None, unit: str = ""
) -> str:
    """``>= 0.6: met``; a value that is no number misses its goal."""
    if at_least is not None:
        met, text = value >= at_least, f">= {at_least:g}{unit}"
    else:
        assert at_most is not None
        met, text = value <= at_most, f"<= {at_most:g}{unit}"
    return f"{text}: {'met' if isfinite(value) and met else '**missed**'}"
