"""One outcome in every format."""

import json
import os

import jsonschema
import pytest

from senior_backend.bundle import PACKAGE
from senior_backend.findings import Finding, Fix, NotAnalyzed, Outcome, Suppression
from senior_backend.report import FORMATS, render

OUTCOME = Outcome(
    "check",
    (
        Finding("b-rule", "sub/b,c.txt", 3, "100% wrong\nreally", severity="warning", end_line=4),
        Finding(
            "a-rule", "a.txt", 1, "broken", column=5, fix=Fix("safe", diff="@@ -1 +1 @@\n-x\n+y\n")
        ),
        Finding("c-rule", "c.txt", 2, "known", suppressed=Suppression("old", "2027-01-01")),
    ),
    checked=3,
    not_analyzed=(NotAnalyzed("d.bin", 1, "not UTF-8"),),
)

TERMINAL = """\
a.txt:1:5: error: broken [a-rule]
  fix:
    -x
    +y
sub/b,c.txt:3:1: warning: 100% wrong
really [b-rule]
d.bin:1: not analyzed: not UTF-8
check: 3 files checked; 2 to fix; 1 suppressed; 1 not analyzed"""

GITHUB = """\
::error file=a.txt,line=1,col=5,title=a-rule::broken
::warning file=sub/b%2Cc.txt,line=3,endLine=4,col=1,title=b-rule::100%25 wrong%0Areally
::warning file=d.bin,line=1::not analyzed: not UTF-8"""


@pytest.mark.parametrize(("output_format", "text"), [("terminal", TERMINAL), ("github", GITHUB)])
def test_text_formats(output_format: str, text: str) -> None:
    import click

    assert click.unstyle(render(OUTCOME, output_format)) == text


def test_json_is_the_published_schema() -> None:
    document = json.loads(render(OUTCOME, "json"))
    schema = json.loads((PACKAGE / "schemas/findings-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert [f["rule"] for f in document["findings"]] == ["a-rule", "c-rule", "b-rule"]
    assert document["findings"][0]["fix"] == {"kind": "safe", "diff": "@@ -1 +1 @@\n-x\n+y\n"}
    assert document["findings"][1]["suppressed"] == {"reason": "old", "expires": "2027-01-01"}
    assert document["not_analyzed"] == [
        {"path": "d.bin", "line": 1, "reason": "not UTF-8", "whole": False}
    ]


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_file_name_that_is_not_utf_8_can_be_written(output_format: str) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    text = render(Outcome("check", (Finding("r", name, 1, "m"),), checked=1), output_format)
    # A URI has the byte itself.
    assert ("caf%E9.py" if output_format == "sarif" else r"caf\udce9.py") in text.encode().decode()
    if output_format == "json":
        assert json.loads(text)["findings"][0]["path"] == name


@pytest.mark.parametrize("output_format", FORMATS)
def test_an_empty_outcome_renders_in_every_format(output_format: str) -> None:
    text = render(Outcome("check", (), checked=0), output_format)
    assert "error" not in text.replace('errors="0"', "")
