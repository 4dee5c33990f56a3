"""Unfinished merges are found; text that only looks like one is left alone."""

import pytest

from senior_backend.checks.check import Settings, Tree
from senior_backend.checks.no_conflict_markers import check
from tests.checks.conftest import Repository

CONFLICT = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> topic\n"
DIFF3 = "<<<<<<< ours\na\n||||||| base\no\n=======\nb\n>>>>>>> theirs\n"
COPIER = "x = 1\n<<<<<<< before updating\nx = 2\n=======\nx = 3\n>>>>>>> after updating\n"


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("a.py", CONFLICT, [1, 3, 5]),
        ("a.py", DIFF3, [1, 3, 5, 7]),
        ("a.py", COPIER, [2, 4, 6]),
        ("a.py", COPIER.replace("\n", "\r\n"), [2, 4, 6]),
        ("a.py", "page\f\n\f\n" + CONFLICT, [3, 5, 7]),
        ("latin1.txt", b"caf\xe9\n" + CONFLICT.encode(), [2, 4, 6]),
        ("half.py", "a\n>>>>>>> topic\n", [2]),
        ("a.py.rej", "diff a b\n", [1]),
        ("a.py.rej", "", [1]),
        # Not conflicts.
        ("a.md", "Heading\n=======\n\ntext\n", []),
        ("a.rst", "=======\nHeading\n=======\n", []),
        ("a.md", "Git writes:\n\n    <<<<<<< HEAD\n    =======\n    >>>>>>> topic\n", []),
        ("a.md", "the line `<<<<<<< HEAD` opens, `>>>>>>> topic` closes\n", []),
        ("a.md", "| a |\n|||||||\n||||||| x |\n", []),
        ("a.sql", "-- ======= section\n--------\n========\n", []),
        ("a.bin", b"\0" + CONFLICT.encode(), []),
        ("reject", "not a patch\n", []),
        ("empty", "", []),
    ],
)
def test_conflicts(repository: Repository, name: str, content: str, lines: list[int]) -> None:
    found = list(check(Tree(repository({name: content}))))
    assert [(f.path, f.line) for f in found] == [(name, line) for line in lines]


def test_the_message_shows_the_marker_and_the_remedy(repository: Repository) -> None:
    first, *_ = check(Tree(repository({"a.py": COPIER})))
    assert first.message == (
        "merge conflict marker '<<<<<<< before updating'; "
        "keep what is right of the two sides and delete the markers"
    )


def test_links_are_not_followed(repository: Repository) -> None:
    root = repository({"real.py": CONFLICT})
    (root / "link.py").symlink_to("real.py")
    paths = {f.path for f in check(Tree(root, asked=((root / "link.py").relative_to(root),)))}
    assert paths == set()


def test_excluded_paths_are_left_out(repository: Repository) -> None:
    root = repository({"docs/deep/a.md": CONFLICT, "b.md": CONFLICT})
    assert {f.path for f in check(Tree(root, Settings(exclude=("docs/*",))))} == {"b.md"}
