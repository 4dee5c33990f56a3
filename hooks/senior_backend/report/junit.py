"""For CI servers that read JUnit XML: a test case a finding, failed where it counts as one."""

import re
from typing import Final
from xml.etree import ElementTree as ET

from senior_backend.findings import Finding, Outcome

_NO_CHARACTER: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def render(outcome: Outcome) -> str:
    """One suite. Gate findings are failures, others and suppressed ones are skipped cases."""
    findings = outcome.ordered()
    failures = [f for f in findings if f.class_ == "gate" and f.suppressed is None]
    whole = [n for n in outcome.not_analyzed if n.whole]
    skipped = len(findings) - len(failures) + len(outcome.not_analyzed) - len(whole)
    suite = ET.Element(
        "testsuite",
        name=f"senior-backend {outcome.tool}",
        tests=str(max(1, len(findings) + len(outcome.not_analyzed))),
        failures=str(len(failures)),
        errors=str(len(whole)),
        skipped=str(skipped),
    )
    for finding in findings:
        _finding(suite, finding)
    for missing in outcome.not_analyzed:
        case = _case(suite, missing.path, missing.line, "not-analyzed")
        kind = "error" if missing.whole else "skipped"
        ET.SubElement(case, kind, message=printable(f"not analyzed: {missing.reason}"))
    if not findings and not outcome.not_analyzed:
        ET.SubElement(suite, "testcase", classname=outcome.tool, name="nothing found")
    ET.indent(suite)
    document = ET.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}'


def _finding(suite: ET.Element, finding: Finding) -> None:
    case = _case(suite, finding.path, finding.line, finding.rule)
    message = printable(finding.message)
    if finding.suppressed:
        ET.SubElement(
            case, "skipped", message=printable(f"suppressed: {finding.suppressed.reason}")
        )
    elif finding.class_ == "gate":
        ET.SubElement(case, "failure", type=finding.severity, message=message)
    else:
        ET.SubElement(case, "skipped", message=f"{finding.class_}: {message}")


def _case(suite: ET.Element, path: str, line: int, rule: str) -> ET.Element:
    name = f"{rule} at line {line}"
    return ET.SubElement(
        suite, "testcase", classname=printable(path), file=printable(path), name=name
    )


def printable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold (section 2.2, Char)."""
    return _NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
