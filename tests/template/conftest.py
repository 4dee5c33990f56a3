"""Services that are generated and installed once, and shared by the tests that only run them."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.template import ROOT
from tests.template.go import Tools
from tests.template.make import environment, succeed
from tests.template.node import Installed
from tests.template.trees import NAME, TREES


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """``set_up(service)``: `make setup`, with what an earlier service installed where that fits."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    packages = Installed(shared / "node_modules")
    tools = Tools(shared / "go-tools")

    def make_setup(service: Path) -> None:
        shared_by = {"package-lock.json": packages, "tools/go.sum": tools}
        used = [cache for lock, cache in shared_by.items() if (service / lock).exists()]
        for cache in used:
            cache.put_into(service)
        succeed(service, "setup", SENIOR_BACKEND=str(ROOT))
        for cache in used:
            cache.keep(service)

    return make_setup


@pytest.fixture(scope="session")
def installed(
    tmp_path_factory: pytest.TempPathFactory,
    generate: Callable[..., Path],
    set_up: Callable[[Path], None],
) -> Callable[..., Path]:
    """``installed("fastapi", "orders")``: that service set up and built, made at first use.

    Other answers are given by name: ``installed("fastapi", "orders", database="neon")``.
    """
    made: dict[str, Path] = {}

    def service(framework: str, example: str, **answers: str) -> Path:
        name = "-".join([framework, example, *answers.values()])
        if name not in made:
            directory = tmp_path_factory.mktemp("services") / name
            given = {"framework": framework, "example": example, "project_name": NAME, **answers}
            generate(directory, **given)
            set_up(directory)
            if build := TREES[framework].build:
                subprocess.run(build, cwd=directory, env=environment(), check=True)
            made[name] = directory
        return made[name]

    return service
