"""AGENTS.md tells how to add an endpoint: who follows it gets a service that passes."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.template import ROOT
from tests.template.make import succeed
from tests.template.trees import TREES, halves, seed, with_an_example

pytestmark = pytest.mark.verify

# ```python file=PATH: the whole file; append=PATH: what is added to one that is there.
BLOCK = re.compile(r"^```\w+ (file|append)=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# How many there are, so that none is overlooked for its form.
BLOCKS = {"fastapi": 10, "express": 11, "go": 9, "graphql": 13}
# What has to be generated before anything is built.
GENERATED = {"go": ["generate"]}
# What the last step writes anew, by the API's style.
WRITTEN = {"rest": ["openapi"], "graphql": ["schema", "operations"]}
# What the API has then.
ADDED = {
    "rest": [r'"/v1/memos/\{memo_?[iI]d\}"', '"memos:write"'],
    "graphql": [r"\bmemo\(id: ID!\): Memo\b", r"\bcreateMemo\("],
}
NOT_COPIED = shutil.ignore_patterns(".venv", "node_modules", ".tools", "bin")


# Others for every seed: the steps end with all tests of a service.
@pytest.mark.parametrize(("framework", "example"), with_an_example(halves(seed())[1], seed()))
def test_the_steps_give_a_service_that_passes(
    installed: Callable[..., Path],
    set_up: Callable[[Path], None],
    framework: str,
    example: str,
    tmp_path: Path,
):
    service = tmp_path / "svc"
    shutil.copytree(installed(framework, example), service, symlinks=True, ignore=NOT_COPIED)
    blocks = BLOCK.findall((service / "AGENTS.md").read_text())
    assert len(blocks) == BLOCKS[framework]
    set_up(service)
    for way, name, text in blocks:
        file = service / name
        file.parent.mkdir(exist_ok=True)
        with file.open("w" if way == "file" else "a") as opened:
            opened.write(text)

    for target in (*GENERATED.get(framework, ()), *WRITTEN[TREES[framework].style]):
        succeed(service, target)
    succeed(service, "lint")
    succeed(service, "lint-sql", SENIOR_BACKEND=str(ROOT))
    succeed(service, "load-test-check", SENIOR_BACKEND=str(ROOT))
    succeed(service, "test", SENIOR_BACKEND=str(ROOT))
    description = (service / TREES[framework].description).read_text()
    for added in ADDED[TREES[framework].style]:
        assert re.search(added, description), added
