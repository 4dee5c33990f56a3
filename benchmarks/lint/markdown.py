"""Tables for the report."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[object]], numbers_from: int = 1) -> str:
    """A Markdown table; the columns from ``numbers_from`` on are right-aligned."""
    rules = ["---" if at < numbers_from else "---:" for at in range(len(header))]
    lines = [header, rules, *([_cell(one) for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def share(part: int, whole: int) -> str:
    """``31 of 33 (94 %)``."""
    return f"{part} of {whole} ({part / whole:.0%})" if whole else "none"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
