"""Every tree keeps the contract of its style: the black-box suites against generated services."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.programs import needs_pgbouncer
from tests.fixtures.template import ROOT
from tests.template.make import PATH
from tests.template.trees import EXAMPLES, TREES, halves, seed

pytestmark = pytest.mark.verify


SUITES = {"rest": "tests/contract", "graphql": "tests/contract_graphql"}

# What stands between a service and its data changes nothing of these: how it is configured, whom it
# believes, how it reads HTTP and documents.
APART_FROM_DATA = (
    *("authentication", "configuration", "documents", "headers", "http", "keys", "malformed"),
    *("openapi", "persisted", "request_identity", "schema"),
)


def run_contract(service: Path, framework: str, example: str, *options: str) -> None:
    """The suite in a process of its own; fails with its summary."""
    tree = TREES[framework]
    command = [
        *(sys.executable, "-m", "pytest", SUITES[tree.style], "-q", "-p", "no:cacheprovider"),
        f"--contract-service={service}",  # pytest would load the conftest.py of a path on its own
        *("--contract-serve", shlex.join(tree.serve)),
        *("--contract-migrate", shlex.join(tree.migrate)),
        *("--contract-example", example),
        *options,
    ]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    print(result.stdout[-20_000:], result.stderr[-2_000:], sep="\n")
    assert result.returncode == 0
    assert " passed" in result.stdout


# PgBouncer before 1.21 can end when statements are cancelled under load (its issues 822 and 904),
# which pgx asks for whenever a request is given up. Debian's is 1.18.
CANCELS = {"go": ["overload"]}


def of_the_data(framework: str) -> list[str]:
    """Options that leave out the modules of the suite that are apart from the data."""
    suite = SUITES[TREES[framework].style]
    return [f"--ignore={suite}/test_{name}.py" for name in APART_FROM_DATA]


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("framework", TREES)
def test_the_contract_is_kept(installed: Callable[..., Path], framework: str, example: str):
    run_contract(installed(framework, example), framework, example)


@needs_pgbouncer
# Two trees with one host each: what the answers change is the same in all trees, and tested for
# every language in test_pooler.py and test_supabase.py.
@pytest.mark.parametrize(
    ("framework", "database"), list(zip(halves(seed())[0], ["supabase", "neon"], strict=True))
)
def test_the_contract_is_kept_behind_a_transaction_pooler(
    installed: Callable[..., Path], framework: str, database: str
):
    pooler = shlex.join([sys.executable, str(Path(__file__).with_name("pgbouncer.py"))])
    service = installed(framework, "orders", database=database)
    suite = SUITES[TREES[framework].style]
    left_out = [f"--ignore={suite}/test_{name}.py" for name in CANCELS.get(framework, ())]
    options = ["--contract-pooler", pooler, *of_the_data(framework), *left_out]
    run_contract(service, framework, "orders", *options)
