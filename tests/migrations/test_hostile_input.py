"""Input that was made, or happens, to make the linter hang or fall over."""

import time
from collections.abc import Callable

import pytest

from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);\n"
RULER = "-" * 60

SLOW: list[tuple[str, Files]] = [
    (
        "blanks in an annotation of goose",
        {"db/00001_a.sql": f"-- +goose Up\n{TABLE}-- +goose x{' ' * 50_000}x\n"},
    ),
    (
        "a ruler in the settings, before a mistake",
        {
            "db/1.sql": TABLE,
            "senior-backend.toml": f'[migrations]\nschema = """\n{RULER}\n"""\nx = 1\n',
        },
    ),
]


@pytest.mark.parametrize("files", [case[1] for case in SLOW], ids=[case[0] for case in SLOW])
def test_no_pattern_is_tried_over_and_over(repository: Make, files: Files) -> None:
    made = repository(files)
    begun = time.monotonic()
    made.run("lint", "db")
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("number", ["9" * 400, "1." + "9" * 400, "\u0663", "-1", "", "1e9"])
def test_sizes_that_are_no_numbers_are_bad_usage(repository: Make, number: str) -> None:
    run = repository({"db/1.sql": TABLE}).run("lint", "db", "--rows", f"orders={number}")
    assert run.code == 2
    assert "write TABLE=NUMBER" in run.err


@pytest.mark.parametrize("version", ['"14.2"', "14", "14.2", '"18.0.1"', '"19"'])
def test_a_version_in_the_settings_of_squawk_is_taken(repository: Make, version: str) -> None:
    made = repository({"db/1.sql": TABLE, ".squawk.toml": f"pg_version = {version}\n"})
    assert made.lint("db").code == 0


@pytest.mark.parametrize(
    "version",
    ['"14beta1"', '"²"', '""', '"x"', "[1]", "true", f'"{"9" * 400}"', "-1", "13", '"9.6"'],
)
def test_what_is_no_known_version_there_is_refused(repository: Make, version: str) -> None:
    made = repository({"db/1.sql": TABLE, ".squawk.toml": f"pg_version = {version}\n"})
    run = made.lint("db")
    assert (run.code, run.err.count("\n")) == (2, 1)
    assert "write it as" in run.err or "known are 14 to 18" in run.err
