"""How a .env.example is read."""

import pytest

from senior_backend.checks.environment.example import Entry, Malformed, parse


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("A=1\nexport B = two\n", [Entry("A", 1, True), Entry("B", 2, True)]),
        ("# A=1\n#B=\n## C=x", [Entry("A", 1, False), Entry("B", 2, False), Entry("C", 3, False)]),
        ("# Set A=1 to try it.\n# ====\n#\n\n", []),
        ("\ufeffA=1\r\nB=\r\n", [Entry("A", 1, True), Entry("B", 2, True)]),
        ('A="one\nNOT=this\n"\nB=1', [Entry("A", 1, True), Entry("B", 4, True)]),
        ("A='it is \"so\"'\nB=1", [Entry("A", 1, True), Entry("B", 2, True)]),
        ('A="\\"quoted\\""\nB=1', [Entry("A", 1, True), Entry("B", 2, True)]),
        ("A=don't\nB=1", [Entry("A", 1, True), Entry("B", 2, True)]),
    ],
)
def test_entries(text: str, entries: list[Entry]) -> None:
    assert parse(text) == (entries, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("DATABASE_URL", "no '=' after the name"),
        ("=value", "no name before the '='"),
        (
            "DATABASE-URL=x",
            "'DATABASE-URL' is not a variable name (letters, digits and underscores)",
        ),
        ("1A=x", "'1A' is not a variable name (letters, digits and underscores)"),
        ("KEY: value=1", "'KEY: value' is not a variable name (letters, digits and underscores)"),
        ('A="open', 'the quote " is never closed'),
    ],
)
def test_malformed_lines(line: str, reason: str) -> None:
    _, malformed = parse(f"OK=1\n{line}\nALSO_OK=1\n")
    assert malformed == [Malformed(2, reason)]
