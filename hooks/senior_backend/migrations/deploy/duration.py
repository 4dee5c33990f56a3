"""Durations as people write them: ``200ms``, ``2s``, ``10min``, ``1h``; in seconds here."""

import re
from typing import Final

import click

_UNITS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_LONGEST: Final = 24 * 3600.0


def duration(text: str) -> float:
    """Seconds: a number with a unit, from one millisecond to a day, or 0; a type for click.

    Raises ``click.BadParameter``, which click completes with the option's name.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|min|m|h)|0", text.strip())
    if not match:
        raise click.BadParameter(f"{text!r} is no duration: write 200ms, 2s, 10min or 1h")
    seconds = float(match[1]) * _UNITS[match[2]] if match[1] else 0.0
    if seconds and not 0.001 <= seconds <= _LONGEST:
        raise click.BadParameter(f"{text!r} is not between 1ms and 24h")
    return seconds


def spoken(seconds: float) -> str:
    """For messages: ``180 ms``, ``2.5 s``, ``4 min 5 s``, ``2 h 3 min``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
