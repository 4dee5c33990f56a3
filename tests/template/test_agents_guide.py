"""AGENTS.md tells how to add an endpoint: who follows it gets a service that passes."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.template import ROOT
from tests.template.make import succeed
from tests.template.trees import EXAMPLES

pytestmark = pytest.mark.verify

BLOCK = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_steps_give_a_service_that_passes(
    installed: Callable[..., Path], example: str, tmp_path: Path
):
    original = installed("fastapi", example)
    service = tmp_path / "svc"
    shutil.copytree(original, service, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    files = BLOCK.findall((service / "AGENTS.md").read_text())
    assert len(files) == 9
    for name, text in files:
        (service / name).write_text(text)

    succeed(service, "setup")
    succeed(service, "openapi")
    succeed(service, "lint")
    succeed(service, "test", SENIOR_BACKEND=str(ROOT))
    description = (service / "openapi.json").read_text()
    assert '"/v1/memos/{memo_id}"' in description
    assert '"memos:write"' in description
