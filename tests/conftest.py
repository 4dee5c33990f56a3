"""Fixtures of the whole suite; each plugin is named for what it provides."""

pytest_plugins = [
    "tests.fixtures.observer",
    "tests.fixtures.permissions",
    "tests.fixtures.postgres",
    "tests.fixtures.template",
]
