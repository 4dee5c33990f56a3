"""Fixtures of the whole suite; each plugin is named for what it provides."""

import pytest
from hypothesis import settings

# The same examples in every run: what was green stays green until the code changes.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

pytest_plugins = [
    "tests.fixtures.alembic",
    "tests.fixtures.observer",
    "tests.fixtures.permissions",
    "tests.fixtures.postgres",
    "tests.fixtures.signals",
    "tests.fixtures.template",
    "tests.fixtures.workers",
]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which services `make verify` tests besides those of every run."""
    if config.getoption("markexpr") != "verify":
        return []
    from tests.template.trees import name_of, sample, seed  # what it needs is for verify only

    chosen = ", ".join(name_of(answers) for answers in sample(seed()))
    return [f"sample: {chosen} (again with SEED={seed()})"]
