"""The promise of ``load compare``, measured on the simulated server; the page has more pairs."""

import pytest

from tests.load.comparison_power import SERVERS, counts, settings

pytestmark = pytest.mark.verify


@pytest.mark.parametrize(
    ("runs", "factor", "pairs", "least", "most"),
    [
        (1, 1.0, 100, 0, 5),
        (3, 1.0, 100, 0, 5),
        (1, 1.02, 30, 0, 7),
        (1, 1.1, 50, 27, 50),
        (3, 1.1, 30, 25, 30),
        (1, 1.3, 20, 20, 20),
    ],
)
def test_of_so_many_pairs_of_sides_so_many_fail(
    runs: int, factor: float, pairs: int, least: int, most: int
) -> None:
    failed = sum(counts(s, 10)["failed"] for s in settings(SERVERS[0], runs, factor, pairs))
    assert least <= failed <= most
