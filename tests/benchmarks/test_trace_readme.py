"""The numbers of the README's proofs are those of the pages that their benchmarks wrote."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/benchmarks"


def measured() -> str:
    """The paragraph, on one line."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^Measured: (.*?)\n\n", readme, re.MULTILINE | re.DOTALL)
    assert found
    return found[1].replace("\n", " ")


def cells(page: str, row: str) -> list[str]:
    """A row of a table."""
    text = (PAGES / page).read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {row} |")]
    return [cell.strip() for cell in line.strip("| ").split("|")]


def test_the_comparison_with_the_server():
    _, _, _, _, statements, compared, equal, harmless, unknown, plans, wrong, *_ = cells(
        "static_observed.md", "**all**"
    )
    said = [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", measured())]
    assert said[:9] == [
        13,
        18,
        int(compared),
        int(statements),
        int(equal),
        int(harmless),
        int(unknown),
        int(plans),
        int(wrong),
    ]


def test_the_cost_beside_eugene():
    statement = cells("migration_trace.md", "each further statement | senior-backend 0.1.0")[-1]
    start = cells(
        "migration_trace.md", "a start, with one statement traced | senior-backend 0.1.0"
    )[-1]
    assert f"takes {statement} of the time of eugene's trace" in measured()
    assert f"a start takes {start}" in measured()
