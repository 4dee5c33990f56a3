"""For CI servers that read JUnit XML: a test case a threshold; an INVALID run is an error."""

from typing import Final
from xml.etree import ElementTree as ET

from senior_backend.load.formats import tables, units
from senior_backend.load.formats.verdict import mostly_failed, name, verdict
from senior_backend.load.result import Result, ThresholdResult
from senior_backend.report.junit import printable

_GENERATOR: Final = "the generator kept up"
_WHOLE: Final = "the run came to its end"


def render(result: Result, baseline: Result | None = None) -> str:
    """One suite: was the run valid, was it whole, and each threshold."""
    suite = ET.Element(
        "testsuite",
        name=printable(f"senior-backend load {result.scenario}"),
        timestamp=result.started_at.removesuffix("Z"),
        time=f"{result.duration_s:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in tables.run_facts(result):
        ET.SubElement(properties, "property", name=key, value=printable(value))
    cases = [_valid(suite, result), _whole(suite, result)]
    cases += [_threshold(suite, result, threshold) for threshold in result.thresholds]
    suite.set("tests", str(len(cases)))
    for kind, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(kind) is not None for case in cases)))
    ET.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suite, encoding="unicode")}'


def _valid(suite: ET.Element, result: Result) -> ET.Element:
    case = _case(suite, result, _GENERATOR)
    if not result.valid:
        found = verdict(result)
        error = ET.SubElement(case, "error", type=found.word, message=printable(found.sentence))
        error.text = printable("\n".join(found.reasons))
    return case


def _whole(suite: ET.Element, result: Result) -> ET.Element:
    """Ended by a threshold is whole: that threshold says what there is to say."""
    case = _case(suite, result, _WHOLE)
    if result.interrupted and not any(threshold.aborted for threshold in result.thresholds):
        end = f"after {units.span(result.duration_s)} of {units.span(result.planned_duration_s)}"
        ET.SubElement(case, "error", type="INTERRUPTED", message=f"interrupted {end}")
    elif result.total.count and result.total.failed == result.total.count:
        message = printable(mostly_failed(result))
        ET.SubElement(case, "failure", type="requests", message=message)
    return case


def _threshold(suite: ET.Element, result: Result, threshold: ThresholdResult) -> ET.Element:
    case = _case(suite, result, name(threshold))
    if not result.valid:
        ET.SubElement(case, "skipped", message="not judged: the run is INVALID")
    elif not threshold.passed:
        message = printable(tables.broken(threshold))
        ET.SubElement(case, "failure", type="threshold", message=message)
    return case


def _case(suite: ET.Element, result: Result, title: str) -> ET.Element:
    group = printable(f"load.{result.scenario}")
    return ET.SubElement(suite, "testcase", classname=group, name=printable(title))
