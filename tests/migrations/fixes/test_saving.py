"""Writing fixes: nobody's text is lost, whatever the file is and whatever happens meanwhile."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senior_backend.errors import InputError
from senior_backend.migrations import repair
from senior_backend.migrations.fixes import files
from senior_backend.migrations.run import Request, run
from senior_backend.migrations.settings import Settings
from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
INDEX = "CREATE INDEX orders_note_idx ON orders (note);\n"
MENDED = INDEX.replace("INDEX", "INDEX CONCURRENTLY", 1)


def test_a_link_stays_and_what_it_leads_to_is_mended(repository: Make) -> None:
    made = repository({"db/001.sql": TABLE, "shared/index.txt": INDEX})
    link = made.root / "db/002.sql"
    link.symlink_to("../shared/index.txt")
    assert made.run("lint", "--fix", "db").code == 0
    assert link.is_symlink()
    assert (made.root / "shared/index.txt").read_text() == MENDED


def test_what_a_link_leads_to_outside_the_repository_is_not_touched(
    repository: Make, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("elsewhere") / "index.sql"
    outside.write_text(INDEX)
    made = repository({"db/001.sql": TABLE})
    (made.root / "db/002.sql").symlink_to(outside)
    done = made.run("lint", "--fix", "db")
    assert (done.code, outside.read_text()) == (2, INDEX)
    assert "db/002.sql: is a link to" in done.err


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        (INDEX.replace("\n", "\r\n"), MENDED.replace("\n", "\r\n")),
        ("\ufeff" + INDEX, "\ufeff" + MENDED),
        (INDEX.strip(), MENDED.strip()),
        ("-- \u2028 \x0c\n" + INDEX, "-- \u2028 \x0c\n" + MENDED),
    ],
)
def test_all_but_the_statement_is_kept(repository: Make, written: str, mended: str) -> None:
    made = repository({"db/001.sql": TABLE, "db/002.sql": written})
    path = made.root / "db/002.sql"
    path.chmod(0o751)
    made.run("lint", "--fix", "db")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (mended.encode(), 0o751)


def test_a_file_that_changed_after_it_was_linted_is_left_alone(repository: Make) -> None:
    made = repository({"db/001.sql": TABLE, "db/002.sql": INDEX})
    result = run(Request(made.root, (made.root / "db",), Settings()))
    newer = "-- a line more\n" + INDEX
    made.write({"db/002.sql": newer})
    with pytest.raises(InputError, match="has changed since it was linted"):
        repair.automatic(result, made.root, datetime.now(UTC))
    assert (made.root / "db/002.sql").read_text() == newer


REFUSED = [
    ("one changed meanwhile", {"a.sql": (b"old", b"x"), "b.sql": (b"other", b"x")}, "changed"),
    ("one is there already", {"a.sql": (b"old", b"x"), "b.sql": (b"", b"x")}, "there already"),
    ("a folder is a file", {"a.sql": (b"old", b"x"), "b.sql/c.sql": (b"", b"x")}, "written"),
]


@pytest.mark.parametrize(
    ("contents", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_when_one_file_cannot_be_written_none_is(
    tmp_path: Path, contents: dict[str, tuple[bytes, bytes]], said: str
) -> None:
    for name in ("a.sql", "b.sql"):
        (tmp_path / name).write_bytes(b"old")
    with pytest.raises(InputError, match=said):
        files.save(tmp_path, contents)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sql", "b.sql"]
    assert [(tmp_path / name).read_bytes() for name in ("a.sql", "b.sql")] == [b"old", b"old"]


@given(
    st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=40),
    st.integers(0, 40),
    st.integers(0, 4),
    st.lists(st.sampled_from(["x\n", "a\n", "y\n"]), max_size=4),
)
def test_a_diff_of_a_part_applies_to_the_whole(
    old: list[str], at: int, gone: int, put: list[str]
) -> None:
    new = [*old[:at], *put, *old[at + gone :]]
    before, after = "".join(old).encode(), "".join(new).encode()
    text = files.diff("a.sql", before, after)
    result, position = [], 0
    for line in text.splitlines(keepends=True):
        if hunk := re.match(r"@@ -(\d+)(?:,(\d+))? ", line):
            start = int(hunk[1]) - (0 if hunk[2] == "0" else 1)
            result += old[position:start]
            position = start
        elif line.startswith(("--- ", "+++ ", "diff ", "new file")):
            continue
        elif line[0] == "+":
            result.append(line[1:])
        else:
            assert old[position] == line[1:]
            position += 1
            result += [line[1:]] if line[0] == " " else []
    assert [*result, *old[position:]] == new
