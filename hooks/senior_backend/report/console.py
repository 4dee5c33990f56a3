"""The console that texts for a terminal are laid out on."""

from typing import TextIO

from rich.console import Console

_NARROWEST = 60


def console_for(out: TextIO, *, colour: bool, width: int) -> Console:
    """Text goes to ``out`` as it is: no markup in names, no emoji, no highlights of its own."""
    return Console(
        file=out,
        width=max(width, _NARROWEST),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
