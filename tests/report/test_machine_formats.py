"""What code scanning, GitLab, CI servers and comments on a change are given."""

import json
from xml.etree import ElementTree as ET

import click

from senior_backend.findings import Finding, Fix, NotAnalyzed, Outcome, Suppression
from senior_backend.report import render

OUTCOME = Outcome(
    "migrations lint",
    (
        Finding(
            "index-not-concurrent",
            "db/1 a.sql",
            3,
            "writes to a|b wait <long>",
            column=2,
            end_line=3,
            end_column=9,
            excerpt=" create index i on t (a);",
            fix=Fix("safe", diff="-create\n+create concurrently\n", rollback="drop index i;"),
        ),
        Finding("missing-lock-timeout", "db/1 a.sql", 1, "none", class_="hygiene", severity="info"),
        Finding("drop-table", "db/2.sql", 1, "gone", suppressed=Suppression("unused since May")),
    ),
    checked=4,
    unit="statement",
    not_analyzed=(NotAnalyzed("db/3.sql", 1, "not UTF-8", whole=True),),
)


def test_sarif_holds_every_finding_with_an_exclusive_end_and_marks_suppressed_ones() -> None:
    (run,) = json.loads(render(OUTCOME, "sarif"))["runs"]
    rules = [r["id"] for r in run["tool"]["driver"]["rules"]]
    assert rules == ["drop-table", "index-not-concurrent", "missing-lock-timeout"]
    first = run["results"][0]
    assert first["ruleId"] == rules[first["ruleIndex"]] == "index-not-concurrent"
    location = first["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "db/1%20a.sql"
    assert location["region"] == {"startLine": 3, "startColumn": 2, "endLine": 3, "endColumn": 10}
    levels = {r["ruleId"]: r["level"] for r in run["results"]}
    assert levels["missing-lock-timeout"] == "note"
    suppressed = {r["ruleId"]: r.get("suppressions") for r in run["results"]}
    assert suppressed["drop-table"] == [{"kind": "inSource", "justification": "unused since May"}]
    assert suppressed["index-not-concurrent"] is None
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "not analyzed: not UTF-8"


def test_a_finding_that_only_moves_keeps_its_fingerprint() -> None:
    def prints(line: int) -> tuple[str, str]:
        finding = Finding("r", "a.sql", line, "m", excerpt="drop table t;")
        outcome = Outcome("lint", (finding,), checked=1)
        (run,) = json.loads(render(outcome, "sarif"))["runs"]
        (issue,) = json.loads(render(outcome, "gitlab"))
        return run["results"][0]["partialFingerprints"]["seniorBackend/v1"], issue["fingerprint"]

    assert prints(3) == prints(30)


def test_gitlab_gets_one_issue_each_with_fingerprints_of_their_own() -> None:
    issues = json.loads(render(OUTCOME, "gitlab"))
    assert [(i["check_name"], i["severity"], i["location"]["lines"]["begin"]) for i in issues] == [
        ("index-not-concurrent", "major", 3),
        ("missing-lock-timeout", "info", 1),
        ("not-analyzed", "info", 1),
    ]
    twice = Outcome("lint", (Finding("r", "a.sql", 1, "m"), Finding("r", "a.sql", 9, "m")), 1)
    assert len({i["fingerprint"] for i in json.loads(render(twice, "gitlab"))}) == 2


def test_junit_fails_on_gate_findings_and_errs_on_files_that_were_not_checked() -> None:
    suite = ET.fromstring(render(OUTCOME, "junit").split("\n", 1)[1])
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }
    (failure,) = suite.findall("testcase/failure")
    assert failure.get("message") == "writes to a|b wait <long>"
    clean = ET.fromstring(render(Outcome("lint", (), 1), "junit").split("\n", 1)[1])
    assert clean.get("tests") == "1"


def test_junit_survives_control_characters() -> None:
    outcome = Outcome("lint", (Finding("r", "a\x01.sql", 1, "bad \x00 byte"),), 1)
    assert ET.fromstring(render(outcome, "junit").split("\n", 1)[1]).get("failures") == "1"


def test_markdown_is_a_table_with_folds_for_the_fixes() -> None:
    assert render(OUTCOME, "markdown") == (
        "### senior-backend migrations lint: 1 gate, 1 hygiene in 4 statements\n"
        "\n"
        "| | where | what | rule |\n"
        "|---|---|---|---|\n"
        "| \N{CROSS MARK} | `db/1 a.sql:3` | writes to a\\|b wait &lt;long&gt; "
        "| `index-not-concurrent` |\n"
        "| \N{INFORMATION SOURCE} | `db/1 a.sql:1` | none | `missing-lock-timeout` |\n"
        "\n"
        "<details><summary>Fix for index-not-concurrent at db/1 a.sql:3</summary>\n"
        "\n"
        "```diff\n-create\n+create concurrently\n```\n"
        "\n"
        "Rollback:\n"
        "```sql\ndrop index i;\n```\n"
        "\n"
        "</details>\n"
        "\n"
        "Not analyzed:\n"
        "- `db/3.sql:1`: not UTF-8"
    )


def test_markdown_fences_are_longer_than_what_they_hold() -> None:
    finding = Finding("r", "a.sql", 1, "m", fix=Fix("safe", diff="+ ```\n"))
    assert "````diff\n+ ```\n````" in render(Outcome("lint", (finding,), 1), "markdown")


SPOILT = "a\x1b[31mb\x9bc\u202ed\ufffe\re"


def test_what_sql_holds_neither_steers_a_terminal_nor_spoils_xml() -> None:
    fix = Fix("plan", diff=f"@@ -1 +0,0 @@\n-{SPOILT}\n", files={"a.sql": SPOILT}, rollback=SPOILT)
    finding = Finding("r", "a.sql", 1, SPOILT, excerpt=SPOILT, fix=fix)
    outcome = Outcome("lint", (finding,), checked=1)
    text = click.unstyle(render(outcome, "terminal"))
    assert not set("\x1b\x9b\u202e\r") & set(text)
    assert text.count("a\ufffd[31mb\ufffdc\ufffdd\ufffe\ufffde") == 5
    (case,) = ET.fromstring(render(outcome, "junit").encode())
    assert case[0].attrib["message"] == "a\ufffd[31mb\x9bc\u202ed\ufffd\ufffde"
