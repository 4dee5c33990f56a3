"""The guide names options and codes that are there."""

import re
from pathlib import Path

from senior_backend.migrations.deploy.command import run

GUIDE = (Path(__file__).parents[3] / "docs" / "run.md").read_text()
OF_OTHER_TOOLS = {"--rolled-back", "--single-transaction"}


def test_every_option_of_the_guide_exists_and_none_is_left_out():
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE)) - OF_OTHER_TOOLS
    assert named == {option for parameter in run.params for option in parameter.opts} - {"command"}


def test_the_guide_has_the_defaults_of_the_options():
    defaults = {p.opts[0]: str(p.default) for p in run.params}
    for option, value in re.findall(r"`(--[a-z-]+) (\d+(?:s|min)?)`", GUIDE):
        if option != "--wait":
            assert value == defaults[option]
    for option, value in re.findall(r"`(--[a-z-]+)` \((\d+ ?(?:s|min))\)", GUIDE):
        assert value.replace(" ", "") == defaults[option]
