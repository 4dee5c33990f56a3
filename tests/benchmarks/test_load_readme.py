"""The numbers of the README are those of the page that the load benchmark wrote."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/benchmarks/load_engine.md").read_text(encoding="utf-8")
SHAPES = (
    "Full features, http",
    "Full features, https",
    "One static GET, http",
    "One static GET, https",
)


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The first table below a heading: first cell without what is in brackets -> the others."""
    table = text.split(heading, 1)[1].split("\n|", 1)[1].split("\n\n", 1)[0]
    lines = [
        [cell.strip(" *") for cell in line.strip("|").split("|")] for line in table.split("\n")
    ]
    return {cells[0]: cells[1:] for cells in lines[2:]}


def tool(name: str) -> str:
    """``wrk 4.1 (always one GET)`` -> ``wrk``."""
    return re.split(r" [\d(]|,", name)[0]


@pytest.mark.parametrize("place", range(len(SHAPES)), ids=SHAPES)
def test_ratios_are_as_measured(place: int) -> None:
    measured = {
        tool(name): float(re.match(r"\**([\d.]+)x", cells[1])[1])
        for name, cells in rows(PAGE, f"### {SHAPES[place]}\n").items()
        if "at 20,000/s" not in name and cells[1]
    }
    told = {
        tool(name): cells[place].removesuffix("x")
        for name, cells in rows(README, "nginx as the target:").items()
    }
    assert told.keys() == {name.removesuffix(" FastHttpUser") for name in measured}
    for name, text in told.items():
        value = next(v for k, v in measured.items() if k.startswith(name))
        digits = len(text.split(".")[1]) if "." in text else 0
        assert float(text) == pytest.approx(value, abs=0.51 * 10**-digits), name


def test_what_each_says_of_a_frozen_target_is_as_measured() -> None:
    measured = rows(PAGE, "SIGSTOP")
    names = {
        "ours": "senior-backend",
        "oha, `--latency-correction`": "oha --latency-correction",
        "k6, 64 users": "k6",
        "Locust": "Locust FastHttpUser",
    }
    told = rows(README, "What each says of a target that stands still")
    assert len(told) == len(measured) - 1, "wrk has no rate"
    for name, (p95, p99, sent) in told.items():
        cells = measured[names.get(name, name)]
        assert [p95, p99] == [c if c == "not told" else f"{float(c):g} ms" for c in cells[2:4]]
        assert sent == cells[0]
