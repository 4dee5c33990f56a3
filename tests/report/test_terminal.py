"""What a person reads on the terminal."""

import click

from senior_backend.findings import Finding, Fix, Outcome
from senior_backend.report.terminal import render


def test_the_last_line_says_how_much_was_left_out_and_why():
    reasons = {"is for MySQL by its name": 2, "holds seeds by its name": 1}
    extra = {"left_out": 3, "left_out_by_reason": reasons}
    text = render(Outcome("lint", (), checked=4, unit="statement", extra=extra))
    assert text == (
        "lint: 4 statements checked; nothing found; "
        "3 left out (is for MySQL by its name: 2; holds seeds by its name: 1)"
    )


def _shown(diff: str) -> list[str]:
    finding = Finding("a-rule", "a.sql", 1, "broken", fix=Fix("plan", diff=diff))
    lines = click.unstyle(render(Outcome("lint", (finding,), checked=1))).split("\n")
    return [line.strip() for line in lines[2:-1]]


HUNKS = """\
--- a/a.sql
+++ b/a.sql
@@ -1,2 +1,3 @@
 -- up
--- was
+++ is
+SELECT 1;
@@ -9 +10 @@
-DROP x
+DROP y
"""


def test_the_hunks_of_a_fix_stand_apart():
    assert _shown(HUNKS) == ["--- was", "+++ is", "+SELECT 1;", "...", "-DROP x", "+DROP y"]


def test_the_files_of_a_fix_are_named_when_there_are_several():
    shown = _shown(HUNKS + "--- a/b.sql\n+++ b/b.sql\n@@ -0,0 +1 @@\n+SELECT 2;\n")
    assert (shown[0], shown[-2:]) == ("a.sql", ["b.sql", "+SELECT 2;"])
