"""`senior-backend.yml` is read strictly: whatever is not understood is refused with its place."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from senior_backend.config import SETTINGS_FILE, load
from senior_backend.errors import InputError


@dataclass(frozen=True)
class Checks:
    ignore: tuple[str, ...] = ()
    limit: int = 10
    strict: bool = False


def settings(folder: Path, text: str | bytes) -> Checks:
    (folder / SETTINGS_FILE).write_bytes(text.encode() if isinstance(text, str) else text)
    return load(folder, "checks", Checks)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path, "checks", Checks) == Checks()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Checks()),
        ("# only a comment\n", Checks()),
        ("checks: {}\n", Checks()),
        ("checks:\n  ignore: [A, B]\n  strict: true\n", Checks(("A", "B"), 10, True)),
        ("checks:\n  limit: 3\n", Checks(limit=3)),
        ("\ufeffchecks:\r\n  limit: 3\r\n", Checks(limit=3)),
    ],
)
def test_what_is_written_replaces_the_defaults(tmp_path: Path, text: str, expected: Checks) -> None:
    assert settings(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("checks:\n  ignor: []\n", ":2: unknown setting 'ignor'; did you mean 'ignore'?"),
        ("chekcs: {}\n", ":1: unknown section 'chekcs'; did you mean 'checks'?"),
        ("xyz: {}\n", ":1: unknown section 'xyz'; known: checks"),
        ("checks:\n  limit: 1\n  limit: 2\n", ":3: setting 'limit' stands twice; keep one"),
        ("checks:\n  limit: many\n", ":2: 'limit' must be of type int"),
        ("checks:\n  limit: true\n", ":2: 'limit' must be of type int"),
        ("checks:\n  strict: 1\n", ":2: 'strict' must be of type bool"),
        ("checks:\n  ignore: A\n", ":2: 'ignore' must be a list of strings"),
        ("checks:\n  ignore: [1]\n", ":2: 'ignore' must be a list of strings"),
        ("- checks\n", ":1: expected a mapping of sections"),
        ("checks: [a]\n", ":1: expected a mapping of settings"),
        ("checks:\n", ":1: expected a mapping of settings"),
        ("checks: {\n", ":2: not YAML: expected the node content, but found '<stream end>'"),
        ("checks:\n  limit: !!python/name:os.system x\n", ":2: not YAML: could not determine"),
        ("checks:\n  limit: 2020-13-45\n", ":2: 'limit' cannot be read: month must be in 1..12"),
        ("checks: " + "[" * 5000, ":1: nested too deeply; its sections are flat"),
        ("a: b\x00", ":1: not YAML: "),
        (b"\xff\xfe\x00", ": cannot be read"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(InputError) as refused:
        settings(tmp_path, text)
    assert str(refused.value).startswith(SETTINGS_FILE + message)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2
