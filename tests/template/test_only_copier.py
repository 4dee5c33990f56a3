"""Plain Copier is enough: nothing else installed, no ``--trust``, and no newer than we say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.fixtures.template import ROOT, answer_flags
from tests.template.make import UV
from tests.template.trees import EACH_ANSWER, TREES, Answers, name_of

pytestmark = pytest.mark.verify

OLDEST = f"copier=={yaml.safe_load((ROOT / 'copier.yml').read_text())['_min_copier_version']}"
NEWEST = "copier"

# What the newest renders, `make test` has seen: here it only has to do without everything else.
ONE_OF_EACH = [
    next(answers for answers in EACH_ANSWER if answers["framework"] == framework)
    for framework in TREES
]
COPIES = [(OLDEST, answers) for answers in EACH_ANSWER] + [(NEWEST, each) for each in ONE_OF_EACH]


@pytest.fixture(scope="module")
def copier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of an environment in which only this Copier is installed."""
    directory = tmp_path_factory.mktemp("only-copier")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, directory], check=True)
    python = directory / "bin" / "python"
    subprocess.run([UV, "pip", "install", "-q", "--python", python, request.param], check=True)
    return directory / "bin" / "copier"


@pytest.mark.parametrize(
    ("copier", "answers"),
    COPIES,
    indirect=["copier"],
    ids=[f"{copier} {name_of(answers)}" for copier, answers in COPIES],
)
def test_every_answer_copies(
    copier: Path, template_repository: Path, tmp_path: Path, answers: Answers
):
    service = tmp_path / "payments-api"
    result = subprocess.run(
        [copier, "copy", "--defaults", *answer_flags(answers), template_repository, service],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    rendered = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert rendered["project_name"] == "payments-api"
    assert answers.items() <= rendered.items()
