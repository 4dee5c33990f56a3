"""One self-contained page: no script, no font, no address is fetched; it can be sent by mail.

Charts are SVG, drawn here. Colours follow the reader's system, light or dark; it prints.
"""

from senior_backend.load.formats.html.page import page
from senior_backend.load.result import Result


def render(result: Result, baseline: Result | None = None) -> str:
    """The page; ``baseline`` is drawn dashed, and every number says how far it is from it."""
    return page(result, baseline)
