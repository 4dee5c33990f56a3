"""Services that are generated and installed once, and shared by the tests that only run them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.template import ROOT
from tests.template.make import succeed


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, generate) -> Callable[..., Path]:
    """``installed("fastapi", "orders")``: that service after ``make setup``, made at first use."""
    made: dict[tuple[str, str], Path] = {}

    def service(framework: str, example: str) -> Path:
        if (framework, example) not in made:
            directory = tmp_path_factory.mktemp("services") / f"{framework}-{example}"
            generate(directory, framework=framework, example=example)
            succeed(directory, "setup", SENIOR_BACKEND=str(ROOT))
            made[framework, example] = directory
        return made[framework, example]

    return service
