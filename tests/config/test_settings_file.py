"""The settings are read strictly: whatever is not understood is refused with its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from senior_backend.config import SETTINGS_FILE, load
from senior_backend.errors import InputError


@dataclass(frozen=True)
class Place:
    path: str
    loud: bool = True


@dataclass(frozen=True)
class Checks:
    ignore: tuple[str, ...] = ()
    limit: int = 10
    strict: bool = False
    ratio: float = 0.5
    max_age: int = 1
    rows: Mapping[str, int] = field(default_factory=dict)
    places: tuple[Place, ...] = ()


def settings(folder: Path, text: str | bytes) -> Checks:
    (folder / SETTINGS_FILE).write_bytes(text.encode() if isinstance(text, str) else text)
    return load(folder, "checks", Checks)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path, "checks", Checks) == Checks()


WRITTEN = [
    ("", Checks()),
    ("# only a comment\n", Checks()),
    ("[checks]\n", Checks()),
    ('[checks]\nignore = ["A", "B"]\nstrict = true\n', Checks(("A", "B"), 10, True)),
    ("checks.limit = 3\n", Checks(limit=3)),
    ("[checks]\nratio = 1\n", Checks(ratio=1.0)),
    ("[checks]\nmax-age = 2\n", Checks(max_age=2)),
    ("[checks]\nmax_age = 2\n", Checks(max_age=2)),
    ('[checks.rows]\norders = 5\n"public.x" = 6\n', Checks(rows={"orders": 5, "public.x": 6})),
    ('[[checks.places]]\npath = "a"\n[[checks.places]]\npath = "b"\nloud = false\n',
     Checks(places=(Place("a"), Place("b", loud=False)))),
    ("\ufeff[checks]\r\nlimit = 3\r\n", Checks(limit=3)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_what_is_written_replaces_the_defaults(tmp_path: Path, text: str, expected: Checks) -> None:
    assert settings(tmp_path, text) == expected


def test_pyproject_may_hold_the_settings(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n[tool.senior-backend.checks]\nlimit = 4\n'
    (tmp_path / "pyproject.toml").write_text(text)
    assert load(tmp_path, "checks", Checks) == Checks(limit=4)


def test_a_mistake_in_pyproject_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.senior-backend.checks]\nlimt = 4\n")
    with pytest.raises(InputError, match=r"^pyproject.toml:2: unknown setting 'limt'; did you"):
        load(tmp_path, "checks", Checks)


def test_settings_in_both_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("\n[tool.senior-backend.checks]\nlimit = 4\n")
    with pytest.raises(InputError, match=r"^pyproject.toml:2: .*keep one of the two"):
        settings(tmp_path, "[checks]\n")


def test_a_pyproject_that_says_nothing_of_this_tool_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("{{ template }}")
    assert load(tmp_path, "checks", Checks) == Checks()


REFUSED = [
    ("[checks]\nignor = []\n", ":2: unknown setting 'ignor'; did you mean 'ignore'?"),
    ("[chekcs]\n", ":1: unknown section 'chekcs'; did you mean 'checks'?"),
    ("\n[xyz]\n", ":2: unknown section 'xyz'; known: checks, migrations"),
    ("[checks]\nlimit = 1\nlimit = 2\n", ":3: not TOML: Cannot overwrite a value"),
    ("[checks]\nmax-age = 1\nmax_age = 2\n", ":3: setting 'max_age' stands twice; keep one"),
    ('[checks]\nlimit = "many"\n', ":2: 'limit' must be a whole number"),
    ("[checks]\nlimit = true\n", ":2: 'limit' must be a whole number"),
    ("[checks]\nstrict = 1\n", ":2: 'strict' must be true or false"),
    ('[checks]\nignore = "A"\n', ":2: 'ignore' must be a list of strings"),
    ("[checks]\nignore = [1]\n", ":2: 'ignore' must be a list of strings"),
    ("[checks.rows]\norders = 'x'\n", ":2: 'orders' must be a whole number"),
    ("[[checks.places]]\nloud = true\n", ":1: 'places' needs 'path'"),
    ("[checks.places]\npath = 'a'\n", ":1: 'places' must be an array of tables: [[checks.places]]"),
    ("checks = 1\n", ":1: 'checks' must be a table"),
    ("[checks\n", ":1: not TOML: Expected ']'"),
    ("x = " + "[" * 5000, ":1: nested too deeply; its sections are flat"),
    ("a = 'b\x00'", ":1: not TOML: "),
    (b"\xff\xfe\x00", ": cannot be read"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_not_understood_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(InputError) as refused:
        settings(tmp_path, text)
    assert str(refused.value).startswith(SETTINGS_FILE + message)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2
