"""The generated pages are those that the rules would give now."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_pages_are_up_to_date() -> None:
    wanted: dict[str, str] = runpy.run_path(str(ROOT / ".ci/docs.py"))["generated"]()
    stale = [
        name
        for name, content in wanted.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != content
    ]
    assert stale == [], "run `make docs`"


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    wanted: dict[str, str] = runpy.run_path(str(ROOT / ".ci/docs.py"))["generated"]()
    pages = {p.relative_to(ROOT).as_posix() for p in ROOT.glob("references/migrations/*.md")}
    assert pages - wanted.keys() == {"references/migrations/ignore-comment.md"}
