"""The reference pages tell the truth: a bad example is found, a good one is not."""

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from senior_backend import bundle
from senior_backend.checks.check import Check, Tree
from senior_backend.checks.command import CHECKS, load
from tests.checks.conftest import Repository

FILE = re.compile(
    r"^- `(?P<path>[^`]+)`\n  ```\w*\n(?P<content>.*?)^  ```$", re.DOTALL | re.MULTILINE
)


def page(check: Check) -> str:
    return (bundle.path("references") / "files" / f"{check.ID}.md").read_text()


def example(text: str, heading: str) -> dict[str, str]:
    """The files that a section of a page shows: a list of paths, each with a code block."""
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {m["path"]: textwrap.dedent(m["content"]) for m in FILE.finditer(section)}


@pytest.mark.parametrize("check", [load(c) for c in CHECKS], ids=CHECKS)
@pytest.mark.parametrize(("heading", "found"), [("Bad", True), ("Good", False)])
def test_an_example_is_what_its_heading_says(
    repository: Repository, check: Check, heading: str, found: bool
) -> None:
    files = example(page(check), heading)
    assert files
    assert bool(list(check.check(Tree(repository(files))))) is found


@pytest.mark.parametrize("check", [load(c) for c in CHECKS], ids=CHECKS)
def test_the_configuration_shown_names_a_hook_that_exists(check: Check) -> None:
    root = Path(__file__).parents[2]
    published = {h["id"] for h in yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())}
    (shown,) = yaml.safe_load(page(check).split("## In your repository")[1].split("```")[1][4:])
    assert {h["id"] for h in shown["hooks"]} == {check.ID} <= published
