"""The page of a result: one file, well-formed, harmless, not large, and drawn rightly."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from senior_backend.load.formats import render
from senior_backend.load.formats.html import charts, svg
from senior_backend.load.formats.html.scale import Linear, Log, for_times, from_zero, time_ticks
from senior_backend.load.formats.html.stretches import stretches
from senior_backend.load.histogram import Histogram
from senior_backend.load.output import HTML_MARK
from tests.load.formats import results
from tests.load.formats.results import RUNS, text

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Refuses what is not nested, and keeps what there is to see."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("run", RUNS)
def test_a_page_is_well_formed_and_asks_for_nothing(run):
    page = text(run, "html")
    reader = read(page)
    assert not {"script", "link", "img", "iframe", "object", "style:"} & set(reader.tags)
    assert not {"src", "href", "style", "onclick", "onload"} & {
        name for name, _ in reader.attributes
    }
    assert "url(" not in page
    assert "@import" not in page
    assert HTML_MARK in page[:400]


def test_hostile_names_are_only_text():
    reader = read(text("hostile", "html"))
    for name in ('<script>alert("x")</script>', "{{ 7*7 }} ]]> <!--", "=1+1"):
        assert name in reader.texts
    assert r"\x1b[31mred\x1b[0m \x00 \u202e" in reader.texts
    assert not any("\u202e" in value for _, value in reader.attributes if value)


def test_a_page_of_600_windows_and_10_endpoints_is_below_300_kb():
    traffic = results.Traffic(
        {f"endpoint_{n}": 2.0 + n for n in range(10)},
        rate=40,
        seconds=600,
        failures={"timeout": 0.02},
    )
    result = results.result(traffic)
    assert len(result.series) == 600
    assert len(render(result, "html", result).encode()) < 300_000


def test_a_page_of_a_thousand_endpoints_shows_a_hundred():
    page = text("many", "html")
    assert len(page) < 400_000
    assert "100 of 1000 endpoints" in page


def test_every_chart_can_be_read_without_seeing_it():
    page = text("failed", "html")
    labels = re.findall(r'role="img" aria-label="([^"]+)"', page)
    assert len(labels) == 5 + 3
    assert any(label.startswith("Response time over time. p50 from ") for label in labels)
    assert any("150 arrivals dropped" in label for label in labels)
    assert any("http 503, " in label for label in labels)
    for head in re.findall(r"<th\b[^>]*>", page):
        assert 'scope="' in head


def test_a_baseline_is_drawn_dashed_and_its_differences_are_told():
    page = text("failed", "html")
    assert 'class="line b-p95"' in page
    assert 'class="line b-response"' in page
    assert "to baseline" in page
    assert 'class="line b-' not in text("passed", "html")


def test_an_invalid_run_has_no_baseline_and_marks_every_chart():
    page = text("invalid", "html")
    assert page.count(">INVALID</text>") == page.count('role="img"')
    assert "to baseline" not in page


def test_the_wait_for_the_last_responses_is_told_from_the_load():
    result = results.result()
    late = result.model_copy(update={"duration_s": 50.0})
    assert charts.latency(result, None).end is None
    assert charts.latency(late, None).end == pytest.approx(50 / 60)
    assert "dotted: the end of the load" in charts.latency(late, None).note
    assert "dotted: the end of the load" in charts.rates(late).note


def test_an_empty_result_has_no_charts():
    page = text("empty", "html")
    assert "Nothing was measured" in page
    assert 'role="img"' not in page


# --- What is drawn


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 20.0], Linear(0, 25)),
        ([1.0, 40.0], Log(1, 50)),
        ([0.03, 900.0], Log(0.02, 1000)),
        ([5.0], Linear(0, 6)),
        ([], Linear(0, 1)),
        ([0.0], Linear(0, 1)),
    ],
)
def test_an_axis_of_times_is_logarithmic_when_they_are_far_apart(values, scale):
    assert for_times(values) == scale


@pytest.mark.parametrize("high", [0.001, 0.9, 1, 3, 7, 99, 100, 101, 12_345])
def test_an_axis_holds_its_values_and_has_a_few_round_marks(high):
    linear = from_zero([high])
    assert linear.high >= high
    assert 3 <= len(linear.ticks()) <= 7
    logarithmic = for_times([high / 1000, high])
    assert logarithmic.low <= high / 1000
    assert logarithmic.high >= high
    assert 3 <= len(logarithmic.ticks()) <= 6
    assert [logarithmic.place(value) for value in (0, logarithmic.high * 2)] == [0, 1]


@pytest.mark.parametrize("length", [0.5, 1, 7, 60, 61, 300, 3599, 7200, 86_400, 400_000])
def test_marks_of_time_are_few_and_those_of_a_clock(length):
    marks = time_ticks(length)
    assert 2 <= len(marks) <= 8
    assert marks[0] == 0
    assert marks[-1] <= length


def test_fewer_points_keep_every_maximum_and_every_count():
    series = results.failed().series
    for most in (1, 7, 30, 60, 600):
        joined = stretches(series, most)
        assert len(joined) <= most
        assert sum(s.failed for s in joined) == sum(w.total.failed for w in series)
        assert sum(s.dropped for s in joined) == sum(w.dropped for w in series)
        assert max(s.backlog for s in joined) == max(w.backlog for w in series)
        for name in ("p50", "p99", "max"):
            highest = max(w.total.response_time_ms.get(name, 0) for w in series)
            assert max(s.times.get(name, 0) for s in joined) == highest
        assert (joined[0].start_s, joined[-1].end_s) == (0, 60)


def test_the_curve_of_percentiles_is_that_of_the_histogram_up_to_the_maximum():
    histogram = Histogram(results.result().total.histograms.response_time)
    points = charts.quantiles(histogram, 6.0)
    assert [ms for _, ms in points] == sorted(ms for _, ms in points)
    assert [at for at, _ in points] == sorted(at for at, _ in points)
    for at, ms in points[:-1]:
        assert ms == pytest.approx(histogram.percentile((1 - 10**-at) * 100) / 1e6)
    assert points[-1] == (math.log10(histogram.count), histogram.percentile(100) / 1e6)
    assert charts.quantiles(Histogram(), 6.0) == []


def test_a_gap_is_a_gap_and_a_point_alone_a_dot():
    line = svg.line([(0, 0.5), (0.1, 0.6), (0.2, None), (0.3, 0.5), (0.4, None)])
    assert line == "M0,500l120,-100M360,500l0,0"
    assert svg.area([(0, 0.5), (1, 0.5)], [(0, 0), (1, 0)]) == "M0,500l1200,0 0,500 -1200,0z"
    assert svg.line([]) == svg.area([], []) == ""


def test_a_level_line_is_one_step():
    stairs = svg.stairs([(0, 0.25, 0.5), (0.25, 0.5, 0.5), (0.5, 1, 0.6)])
    assert svg.line(stairs) == "M0,500l600,0 0,-100 600,0"
    assert svg.area(stairs, [(x, 0) for x, _ in stairs]).endswith("0,600 -1200,0z")


def test_what_a_path_says_is_where_the_points_are():
    points = [(number / 599, abs(math.sin(number))) for number in range(600)]
    start, rest = svg.line(points)[1:].split("l")
    x, y = map(int, start.split(","))
    for pair, (want_x, want_y) in zip(rest.split(" "), points[1:], strict=True):
        x, y = x + int(pair.split(",")[0]), y + int(pair.split(",")[1])
        assert abs(x - want_x * svg.WIDTH) <= 0.5
        assert abs(y - (1 - want_y) * svg.HEIGHT) <= 0.5


def test_elements_are_escaped():
    written = svg.element("text", '<b>&"', class_='"><script>', aria_label="a<b", x=1.23456)
    assert written == (
        '<text class="&#34;&gt;&lt;script&gt;" aria-label="a&lt;b" x="1.23">'
        "&lt;b&gt;&amp;&#34;</text>"
    )


def test_errors_are_stacked_by_cause_and_the_rare_ones_put_together():
    failures = {f"http {500 + number}": 0.05 - number * 0.005 for number in range(9)}
    chart = charts.errors(results.result(replace(results.PASSED, failures=failures)))
    assert chart is not None
    names = [name for name, _ in chart.legend]
    assert names == ["3 other causes", *(f"http {500 + n}" for n in reversed(range(6)))]
    tops = [max(_heights(shape.path)) for shape in chart.shapes]
    assert all(low <= high for low, high in pairwise(tops))
    assert charts.errors(results.result()) is None


def _heights(path):
    """The heights of all points of a path, from 0 to 1."""
    heights = []
    for part in path.split("M")[1:]:
        start, steps = part.rstrip("z").split("l")
        y = int(start.split(",")[1])
        heights.append(y)
        for step in steps.split(" "):
            y += int(step.split(",")[1])
            heights.append(y)
    return [1 - y / svg.HEIGHT for y in heights]
