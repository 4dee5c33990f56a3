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
    shown = ["--- was", "+++ is", "+SELECT 1;", "... line 9:", "-DROP x", "+DROP y"]
    assert _shown(HUNKS) == shown


ONE_HUNK = """\
--- a/a.sql
+++ b/a.sql
@@ -3,4 +3,5 @@
-SELECT 1;
+SELECT 2;
 --
 -- down
+DROP x;
 DROP y;
"""


def test_changes_with_lines_between_them_stand_apart_and_say_where_they_go():
    assert _shown(ONE_HUNK) == ["-SELECT 1;", "+SELECT 2;", "... line 6:", "+DROP x;"]


def test_a_hunk_that_only_adds_goes_before_the_line_it_names():
    added = "@@ -8,0 +9 @@\n+SELECT 3;\n"
    assert _shown(HUNKS.split("@@ -9")[0] + added)[-2:] == ["... line 9:", "+SELECT 3;"]


def test_the_files_of_a_fix_are_named_when_there_are_several():
    shown = _shown(HUNKS + "--- a/b.sql\n+++ b/b.sql\n@@ -0,0 +1 @@\n+SELECT 2;\n")
    assert (shown[0], shown[-2:]) == ("a.sql", ["b.sql", "+SELECT 2;"])
