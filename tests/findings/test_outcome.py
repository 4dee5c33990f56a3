"""Class decides the exit code; severity only orders."""

import pytest

from senior_backend.findings import Class, Finding, NotAnalyzed, Outcome, Severity, Suppression


def finding(class_: Class = "gate", severity: Severity = "error", **others: object) -> Finding:
    return Finding("a-rule", "a.sql", 1, "m", class_=class_, severity=severity, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("class_", "fail_on", "code"),
    [
        ("gate", "gate", 1),
        ("hygiene", "gate", 0),
        ("hygiene", "hygiene", 1),
        ("style", "hygiene", 0),
        ("note", "note", 1),
        ("gate", "note", 1),
    ],
)
def test_a_finding_fails_the_run_when_its_class_is_as_grave_as_asked(
    class_: Class, fail_on: Class, code: int
) -> None:
    assert Outcome("t", (finding(class_, "info"),), checked=1).exit_code(fail_on) == code


def test_a_suppressed_finding_is_counted_but_does_not_fail_the_run() -> None:
    outcome = Outcome("t", (finding(suppressed=Suppression("known")),), checked=1)
    assert outcome.exit_code() == 0
    assert outcome.summary() == {
        "checked": 1,
        "unit": "file",
        "gate": 0,
        "hygiene": 0,
        "style": 0,
        "note": 0,
        "suppressed": 1,
        "not_analyzed": 0,
    }


@pytest.mark.parametrize(
    ("found", "whole", "code"), [((), True, 3), ((), False, 0), ((finding(),), True, 1)]
)
def test_a_file_that_could_not_be_checked_at_all_is_not_clean(
    found: tuple[Finding, ...], whole: bool, code: int
) -> None:
    unread = NotAnalyzed("a.py", 1, "cannot be parsed", whole=whole)
    assert Outcome("t", found, checked=1, not_analyzed=(unread,)).exit_code() == code


def test_findings_are_listed_gravest_first_then_by_place() -> None:
    late = Finding("r", "a", 9, "m", severity="error")
    early = Finding("r", "a", 2, "m", severity="error")
    minor = Finding("r", "a", 1, "m", severity="info")
    assert Outcome("t", (minor, late, early), checked=1).ordered() == [early, late, minor]
