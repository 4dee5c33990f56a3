"""Each format of a result: as recorded in ``expected/``, read back by its own readers, and hostile.

``UPDATE_EXPECTED=1 pytest tests/load/formats`` writes what is expected anew: look at what changed.
"""

import csv
import json
import os
import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from markdown_it import MarkdownIt
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as exposition

from senior_backend.load.formats import FORMATS, prometheus, render, terminal
from senior_backend.load.histogram import Histogram
from senior_backend.load.result import Result, schema
from tests.load.formats.results import HOSTILE, RUNS, made, text

EXPECTED = Path(__file__).parent / "expected"
ENDINGS = {
    "terminal": "txt",
    "markdown": "md",
    "junit": "xml",
    "prometheus": "prom",
    "github": "log",
}


@pytest.mark.parametrize("run", ["failed", "invalid"])
@pytest.mark.parametrize("output_format", ["terminal", "markdown", "junit", "csv", "github"])
def test_it_is_as_expected(run, output_format):
    file = EXPECTED / f"{run}.{ENDINGS.get(output_format, output_format)}"
    written = text(run, output_format) + "\n"
    if os.environ.get("UPDATE_EXPECTED"):
        file.write_text(written, encoding="utf-8")
    assert written == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("output_format", FORMATS)
def test_every_format_shows_every_result(run, output_format):
    written = text(run, output_format)
    assert written
    assert not written.endswith("\n")
    assert not re.search(r"\bnan\b|\binf\b|None", written.replace("default-src 'none'", ""))
    if output_format in ("terminal", "markdown", "html", "junit", "github"):
        assert ("INVALID" in written) == (run == "invalid")


# --- Terminal


def test_the_verdict_comes_first_and_colours_only_when_asked_for():
    result, _ = made("failed")
    plain = terminal.render(result)
    assert plain.startswith("FAILED: 3 of 5 thresholds do not hold\n")
    assert "\x1b" not in plain
    coloured = terminal.render(result, colour=True)
    assert "\x1b[" in coloured.split("\n")[0]
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split("\n")[0] == plain.split("\n")[0]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(width):
    for run in ("passed", "hostile"):
        lines = terminal.render(made(run)[0], width=width).split("\n")
        assert max(len(line) for line in lines) <= width


def test_a_terminal_is_never_sent_what_a_name_asks_of_it():
    written = text("hostile", "terminal")
    assert all(character.isprintable() for character in written.replace("\n", ""))
    assert r"\x1b[31mred\x1b[0m" in written
    assert "two\\nlines" in written


_MEASURED = {
    "terminal": r"^  (?:list|create|read|all).*$|(?m:^  .  http_req_duration.*$)|achieved  .*$",
    "markdown": r"^\| (?:`list|`create|`read|\*\*all).*$|^\| . \| `http_req_duration.*$",
    "html": r'<td class="n">(?![0-9,]*</td>).*?</td>|<p class="value">.*? m?s.*?</p>',
}


@pytest.mark.parametrize("output_format", _MEASURED)
def test_no_number_of_an_invalid_run_stands_without_its_mark(output_format):
    lines = re.findall(_MEASURED[output_format], text("invalid", output_format), re.MULTILINE)
    times = re.findall(r"[0-9.,]+ (?:ns|µs|ms|s)\b(?: \?)?", "\n".join(lines))
    assert len(times) > 40
    assert all(time.endswith(" ?") for time in times)


def test_a_thousand_endpoints_do_not_flood_the_terminal():
    written = text("many", "terminal")
    assert written.count("\n") < 150
    assert "40 of 1000 endpoints" in written


# --- Markdown


@pytest.mark.parametrize("run", RUNS)
def test_tables_are_tables_whatever_the_names_are(run):
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text(run, "markdown"))
    kinds = [token.type for token in tokens]
    assert "table_open" in kinds
    widths = []
    for token in tokens:
        if token.type == "tr_open":
            widths.append(0)
        elif token.type in ("td_open", "th_open"):
            widths[-1] += 1
        elif token.type == "table_close":
            assert len(set(widths)) == 1, widths
            widths = []
    html = [t.content for t in tokens if t.type == "html_block"]
    inline = [c for t in tokens for c in t.children or () if c.type == "html_inline"]
    assert not inline
    assert all(re.fullmatch(r"</?details>(<summary>[\w ,]+</summary>)?\n?", part) for part in html)


def test_a_name_in_markdown_is_what_it_was():
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text("hostile", "markdown"))
    codes = {
        child.content
        for token in tokens
        for child in token.children or ()
        if child.type == "code_inline"
    }
    assert {
        '<script>alert("x")</script>',
        "a|b`c``d",
        "two\\nlines\\r::error::three",
        "=1+1",
    } <= codes


def test_a_summary_fits_into_a_comment_on_github():
    assert all(len(text(run, "markdown")) < 65_536 for run in RUNS)


# --- JUnit


def cases(run):
    suite = ET.fromstring(text(run, "junit"))
    found = {}
    for case in suite.iter("testcase"):
        (outcome,) = [child.tag for child in case] or ["passed"]
        found[case.get("name")] = outcome
    counts = {kind: int(suite.get(kind)) for kind in ("tests", "failures", "errors", "skipped")}
    return found, counts


def test_each_threshold_is_a_test_case():
    found, counts = cases("failed")
    assert found == {
        "the generator kept up": "passed",
        "the run came to its end": "passed",
        "http_req_duration: p(95)<200": "failure",
        "http_req_duration{name:create_order}: p(99)<1500": "failure",
        "http_req_failed: rate<0.01": "failure",
        "achieved: rate>0.99": "passed",
        "dropped: count==0": "passed",
    }
    assert counts == {"tests": 7, "failures": 3, "errors": 0, "skipped": 0}


def test_an_invalid_run_is_an_error_and_judges_no_threshold():
    found, counts = cases("invalid")
    assert found.pop("the generator kept up") == "error"
    assert found.pop("the run came to its end") == "passed"
    assert set(found.values()) == {"skipped"}
    assert counts == {"tests": 7, "failures": 0, "errors": 1, "skipped": 5}


def test_an_interrupted_run_is_an_error_unless_a_threshold_ended_it():
    assert cases("empty")[0]["the run came to its end"] == "error"
    result = made("empty")[0]
    aborted = [t.model_copy(update={"aborted": True}) for t in result.thresholds]
    suite = ET.fromstring(render(result.model_copy(update={"thresholds": aborted}), "junit"))
    assert suite.get("errors") == "0"
    assert suite.get("failures") == "1"


# --- CSV


def test_a_row_for_each_endpoint_and_one_for_all():
    result, _ = made("failed")
    rows = list(csv.DictReader(StringIO(text("failed", "csv")), strict=True))
    assert [(row["row"], row["endpoint"]) for row in rows] == [
        *(("endpoint", name) for name in result.endpoints),
        ("total", ""),
    ]
    for row, endpoint in zip(rows, [*result.endpoints.values(), result.total], strict=True):
        assert int(row["count"]) == endpoint.count
        assert int(row["failed"]) == endpoint.failed
        assert float(row["response_p99.9_ms"]) == endpoint.response_time_ms["p99.9"]
        assert float(row["service_max_ms"]) == endpoint.service_time_ms["max"]
    assert {row["valid"] for row in rows} == {"true"}


def test_names_survive_csv_and_what_was_not_measured_is_empty():
    rows = list(csv.DictReader(StringIO(text("hostile", "csv"), newline=""), strict=True))
    assert [row["endpoint"].removeprefix("'") for row in rows[:-1]] == list(HOSTILE)
    (row, _total) = csv.DictReader(StringIO(text("empty", "csv")))
    assert (row["count"], row["response_p50_ms"]) == ("0", "")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(1)"])
def test_no_name_is_a_formula_in_a_spreadsheet(name):
    result = made("failed")[0]
    (endpoint, *_) = result.endpoints.values()
    hostile = result.model_copy(update={"scenario": name, "endpoints": {name: endpoint}})
    (row, total) = csv.DictReader(StringIO(render(hostile, "csv")))
    assert (row["scenario"], row["endpoint"], total["scenario"]) == (f"'{name}",) * 3


# --- Prometheus


@pytest.mark.parametrize("run", [run for run in RUNS if run != "many"])
def test_both_of_prometheus_formats_read_it(run):
    written = text(run, "prometheus") + "\n"
    old = [sample for family in exposition(written) for sample in family.samples]
    new = [
        s for family in openmetrics.text_string_to_metric_families(written) for s in family.samples
    ]
    assert [(s.name, s.labels, s.value) for s in old] == [(s.name, s.labels, s.value) for s in new]
    assert len({(s.name, *sorted(s.labels.items())) for s in old}) == len(old)


def samples(run):
    written = text(run, "prometheus") + "\n"
    return {
        (
            s.name.removeprefix("senior_backend_load_"),
            *(v for k, v in s.labels.items() if k != "scenario"),
        ): s.value
        for family in exposition(written)
        for s in family.samples
    }


def test_histograms_are_cumulative_in_seconds_and_complete():
    result, _ = made("failed")
    read = samples("failed")
    for name, endpoint in result.endpoints.items():
        exact = Histogram(endpoint.histograms.response_time)
        counts = [
            read["response_time_seconds_bucket", name, le]
            for le in (*map(repr, prometheus.BOUNDS), "+Inf")
        ]
        assert counts == sorted(counts)
        assert counts[-1] == read["response_time_seconds_count", name] == exact.count
        for bound, count in zip(prometheus.BOUNDS, counts, strict=False):
            below, above = (exact.at_most(int(bound * 1e9 * factor)) for factor in (0.99, 1.01))
            assert below * exact.count <= count + 1e-6
            assert count <= above * exact.count + 1e-6
        assert read["response_time_seconds_sum", name] == pytest.approx(
            exact.mean * exact.count / 1e9
        )
        p99 = read["response_time_percentile_seconds", name, "99"]
        assert p99 == pytest.approx(endpoint.response_time_ms["p99"] / 1e3)


def test_names_survive_prometheus():
    names = {key[1] for key in samples("hostile") if key[0] == "requests"}
    assert names == set(HOSTILE)


def test_an_invalid_run_exports_why_but_no_latency():
    read = samples("invalid")
    assert read["valid",] == 0
    assert read["generator_busy_ratio",] == pytest.approx(0.97)
    assert not [key for key in read if "time_seconds" in key[0] or "percentile" in key[0]]
    assert not [key for key in read if key[0] == "threshold_passed"]


# --- GitHub


@pytest.mark.parametrize("run", RUNS)
def test_every_line_is_one_whole_workflow_command(run):
    lines = text(run, "github").split("\n")
    assert all(
        re.fullmatch(r"::(error|warning|notice) title=[^:,\r]+::[^\r]+", line) for line in lines
    )
    assert sum(line.startswith("::error") for line in lines) <= 10
    assert sum(line.startswith("::warning") for line in lines) <= 10


def test_a_run_that_passed_is_one_notice():
    (line,) = text("passed", "github").split("\n")
    assert line.startswith(
        "::notice title=Load test orders%3A PASSED::all 5 thresholds hold: 200/s"
    )


def test_more_annotations_than_github_shows_are_counted():
    result, _ = made("failed")
    broken = [result.thresholds[0]] * 25
    lines = render(result.model_copy(update={"thresholds": broken}), "github").split("\n")
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10
    assert errors[-1].endswith("::and 16 more")


# --- JSON


@pytest.mark.parametrize("run", RUNS)
def test_the_document_is_the_result(run):
    result, _ = made(run)
    written = text(run, "json")
    assert Result.model_validate_json(written) == result


@pytest.mark.parametrize("run", ["one", "empty"])
def test_the_document_is_as_its_schema_says(run):
    jsonschema.validate(json.loads(text(run, "json")), schema())


def test_each_endpoint_and_window_has_a_line():
    lines = text("passed", "json").split("\n")
    assert sum(line.startswith('    {"start_s"') for line in lines) == 60 + 30
    assert any(line.startswith('    "list_orders": {"count"') for line in lines)
