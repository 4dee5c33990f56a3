"""The page in a real browser: quiet, alone, and never wider than its window."""

import pytest

from tests.fixtures.programs import needs_chromium
from tests.load.formats.browser import chromium
from tests.load.formats.results import RUNS, text

pytestmark = [pytest.mark.verify, needs_chromium]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for run in RUNS:
        (folder / f"{run}.html").write_text(text(run, "html"), encoding="utf-8")
    return folder


TOO_WIDE = """
[...document.querySelectorAll('body *')]
  .filter(element => !element.closest('.scroll') && !element.closest('svg'))
  .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
  .map(element => element.outerHTML.slice(0, 80))
"""

# Contrast of letters to what is behind them, as WCAG 2.2 (1.4.3) computes it.
CONTRAST = """
(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(element).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest('.void, title')) continue;
    const style = getComputedStyle(element);
    const letters = light(numbers(element.closest('svg') ? style.fill : style.color));
    const ground = light(behind(element));
    const ratio = (Math.max(letters, ground) + 0.05) / (Math.min(letters, ground) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 80)}`);
  }
  return found;
})()
"""

# Of each chart, and of what is drawn in it.
WIDTHS = """
[...document.querySelectorAll('figure')].map(figure => {
  const paths = [...figure.querySelectorAll('.plot path')].map(l => l.getBoundingClientRect());
  const left = Math.min(...paths.map(path => path.left));
  const right = Math.max(...paths.map(path => path.right));
  return [figure.querySelector('svg.chart').getBoundingClientRect().width, right - left];
})
"""


@pytest.mark.parametrize("width", [360, 768, 1600])
@pytest.mark.parametrize("run", RUNS)
def test_it_is_quiet_alone_and_fits(browser, pages, run, width):
    file = pages / f"{run}.html"
    browser.open(file, width)
    browser.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert browser.complaints == []
    assert browser.requests == [file.as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("run", ["failed", "invalid", "passed"])
def test_every_letter_can_be_read_in_light_and_dark(browser, pages, run, dark):
    browser.open(pages / f"{run}.html", 1200, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert browser.evaluate(CONTRAST) == []
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(16, 21, 28)") == dark


def test_hostile_names_run_nothing(browser, pages):
    browser.open(pages / "hostile.html", 1200)
    assert browser.evaluate("document.scripts.length") == 0
    assert (
        browser.evaluate("document.querySelector('h1').textContent")
        == '<script>alert("x")</script>'
    )


def test_charts_are_drawn_over_their_whole_width(browser, pages):
    browser.open(pages / "failed.html", 1200)
    widths = browser.evaluate(WIDTHS)
    assert len(widths) == 5
    for chart, drawn in widths[:3]:  # errors begin in the middle
        assert 0.9 * chart < drawn < 1.02 * chart


def test_a_baseline_is_dashed(browser, pages):
    browser.open(pages / "failed.html", 1200)
    dashes = browser.evaluate(
        "['.b-p95', '.p95'].map(name =>"
        " getComputedStyle(document.querySelector('.plot .line' + name)).strokeDasharray)"
    )
    assert dashes == ["5px, 4px", "none"]
