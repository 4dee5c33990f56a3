"""The copy in which fixes are written looks like the folder to whoever reads migrations."""

from pathlib import Path

import pytest

from senior_backend.errors import InputError
from senior_backend.migrations.fixes import files
from senior_backend.migrations.prove.working_copy import copied
from senior_backend.sources.discovery import discover
from tests.migrations.conftest import Repository
from tests.migrations.fixes.test_applied import TOOLS


def read(root: Path):
    """The one folder below a root, and what stands in its migrations."""
    (found,) = discover([root], root).found
    texts = [
        (m.path, m.files, [s.text.data for s in m.up], m.down and [s.text.data for s in m.down])
        for m in found.folder.migrations
    ]
    return found.folder, texts


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_reads_the_same_from_it(tool, tmp_path):
    made = Repository(tmp_path)
    made.write({**TOOLS[tool]("SELECT 1;", "SELECT 2;"), "app/main.py": "", "README.md": "x"})
    folder, texts = read(tmp_path)
    with copied(folder, tmp_path) as copy:
        assert read(copy)[1] == texts
        assert (copy / "README.md").read_text() == "x"
    assert not copy.exists()


def test_what_is_written_there_reaches_nothing_of_the_user(tmp_path):
    made = Repository(tmp_path)
    made.write({"db/001_a.sql": "SELECT 1;\n", "db/notes.txt": "mine\n", "shared.txt": "mine\n"})
    folder, _ = read(tmp_path)
    with copied(folder, tmp_path) as copy:
        for name in ("db/001_a.sql", "db/notes.txt"):
            (copy / name).write_text("theirs\n")
        with pytest.raises(InputError, match="is a link"):
            files.save(copy, {"shared.txt": (b"mine\n", b"theirs\n")})
    assert (tmp_path / "db/001_a.sql").read_text() == "SELECT 1;\n"
    assert (tmp_path / "db/notes.txt").read_text() == "mine\n"
    assert (tmp_path / "shared.txt").read_text() == "mine\n"


def test_migrations_at_the_top_of_a_repository(tmp_path):
    Repository(tmp_path).write({"001_a.sql": "SELECT 1;\n", ".git/HEAD": "ref: x\n"})
    folder, texts = read(tmp_path)
    with copied(folder, tmp_path) as copy:
        assert read(copy)[1] == texts
        assert not (copy / ".git").exists()
