"""The files of a run: nothing of somebody else's is replaced, and nothing measured is lost."""

import os
import re
import resource
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.load.output import HTML_MARK, apart, prepare, write

RESULT = '{"version": 1, "achieved_rate": 1.0, "endpoints": {}}'
PAGE = f'<!doctype html>\n<html><head>{HTML_MARK} 1.0">'


def test_the_folders_of_a_new_file_are_made_before_the_run(tmp_path: Path) -> None:
    path = tmp_path / "results" / "deep" / "load-test.json"
    destination = prepare("--output", path, "result")
    assert path.parent.is_dir()
    assert list(path.parent.iterdir()) == []
    write(destination, RESULT)
    assert path.read_text() == RESULT
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("kind", "there", "what"),
    [
        ("result", "name: orders\n", "the result of a load test"),
        ("result", '{"version": 1}', "the result of a load test"),
        ("result", "[]", "the result of a load test"),
        ("result", PAGE, "the result of a load test"),
        ("html", "<!doctype html><title>Mine</title>", "a page of a load test"),
        ("html", RESULT, "a page of a load test"),
    ],
)
def test_a_file_that_is_not_ours_is_left_alone(
    tmp_path: Path, kind: str, there: str, what: str
) -> None:
    path = tmp_path / "file"
    path.write_text(there)
    with pytest.raises(InputError) as error:
        prepare("--output", path, kind)  # type: ignore[arg-type]
    assert str(error.value) == (
        f"--output {path}: a file is there that is not {what}; choose another name"
    )
    assert path.read_text() == there


@pytest.mark.parametrize(
    ("kind", "there"), [("result", RESULT), ("html", PAGE), ("result", ""), ("html", "")]
)
def test_a_file_of_ours_or_an_empty_one_is_replaced(tmp_path: Path, kind: str, there: str) -> None:
    path = tmp_path / "file"
    path.write_text(there)
    path.chmod(0o640)
    write(prepare("--output", path, kind), "new")  # type: ignore[arg-type]
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_report_does_not_take_the_place_of_a_result(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(RESULT)
    with pytest.raises(InputError, match="a result is there, and no report is one; choose another"):
        prepare("--output", path, "report")
    path.write_text("an earlier report")
    write(prepare("--output", path, "report"), "new")
    assert path.read_text() == "new"


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    write(prepare("--output", path, "result"), "new")
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    write(prepare("--output", link, "result"), RESULT)
    assert link.is_symlink()
    assert real.read_text() == RESULT


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        prepare("--output", tmp_path, "result")
    assert str(error.value) == f"--output {tmp_path}: this is a folder; name a file in it"


def test_a_file_on_the_way_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    path = tmp_path / "results" / "file.json"
    with pytest.raises(InputError) as error:
        prepare("--output", path, "result")
    assert str(error.value).startswith(f"--output {path}: the folder cannot be written to: ")


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(InputError, match="--output"):
        prepare("--output", loop / "x", "result")


def test_a_folder_that_refuses_is_known_before_the_run() -> None:
    # /proc takes no files from anybody, root included.
    with pytest.raises(InputError) as error:
        prepare("--output", Path("/proc/self/file.json"), "result")
    assert str(error.value).startswith(
        "--output /proc/self/file.json: the folder cannot be written to: "
    )


def test_two_outputs_are_two_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    first = prepare("--output", tmp_path / "file", "result")
    with pytest.raises(InputError) as error:
        apart([first, prepare("--html", tmp_path / "link", "html")])
    assert str(error.value) == "--html and --output name the same file"
    apart([first, prepare("--html", tmp_path / "other", "html")])


def rescued(message: str) -> Path:
    found = re.search(r"; it is in (.+)$", message)
    assert found, message
    return Path(found[1])


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for what could not be written elsewhere: of this test, however that ends."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_full_disk_does_not_cost_the_result(temporary: Path) -> None:
    destination = prepare("--output", Path("/dev/full"), "result")
    with pytest.raises(NotRunError) as error:
        write(destination, RESULT)
    message = str(error.value)
    assert message.startswith(
        "--output /dev/full could not be written: No space left on device; it is in "
    )
    path = rescued(message)
    assert path.is_relative_to(temporary)
    assert path.read_text() == RESULT


def test_a_folder_that_is_gone_does_not_cost_the_result(temporary: Path) -> None:
    path = temporary / "results" / "file.json"
    destination = prepare("--output", path, "result")
    path.parent.rmdir()
    with pytest.raises(NotRunError) as error:
        write(destination, RESULT)
    saved = rescued(str(error.value))
    assert saved.name == "file.json"
    assert saved.read_text() == RESULT


WRITES_TOO_MUCH = """
import sys
from pathlib import Path
from senior_backend.errors import NotRunError
from senior_backend.load.output import prepare, write
try:
    write(prepare("--output", Path(sys.argv[1]), "result"), "x" * 100_000)
except NotRunError as error:
    print(error)
"""


def test_where_nothing_can_be_written_the_old_result_stays_and_the_line_says_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file.json"
    path.write_text(RESULT)
    done = subprocess.run(
        [sys.executable, "-c", WRITES_TOO_MUCH, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        f"--output {path} could not be written: File too large; "
        f"nor could a file in {tmp_path}: File too large\n"
    )
    assert path.read_text() == RESULT
    assert [item for item in tmp_path.iterdir() if item.suffix == ".tmp"] == []
