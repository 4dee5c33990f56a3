"""Ratios are taken round by round, and the table says what the runs say."""

from benchmarks.overhead.api import REST
from benchmarks.overhead.fastapi_tree import BARE, SYNC
from benchmarks.overhead.layers import EVERY_LAYER, LAYERS
from benchmarks.overhead.measure import Run, Spread, ratios
from benchmarks.overhead.table import comparison, layer_costs, verdict
from benchmarks.overhead.tree import SERVICE

KINDS = REST.kinds


def run(subject: str, number: int, cpu_us: float, kind: str = "get") -> Run:
    return Run(
        subject=subject,
        kind=kind,
        round=number,
        cpu_us=cpu_us,
        p50_ms=cpu_us / 100,
        p99_ms=cpu_us / 10,
        requests=1000,
        requests_per_second=1000.0,
        taken=0.0,
    )


def all_kinds(costs: dict[str, float]) -> list[Run]:
    return [run(name, 1, cost, kind) for kind in KINDS for name, cost in costs.items()]


def test_a_disturbed_round_disturbs_both_sides_of_its_ratio():
    runs = [
        run(BARE, 1, 100),
        run(SERVICE, 1, 130),
        run(BARE, 2, 300),
        run(SERVICE, 2, 390),
    ]
    assert ratios(runs, SERVICE, BARE, "get", lambda one: one.cpu_us) == [1.3, 1.3]


def test_a_spread_is_the_median_and_the_extremes_or_the_quartiles():
    values = [9.0, 1.0, 3.0, 2.0, 4.0]
    assert Spread.of(values) == Spread(3.0, 1.0, 9.0)
    assert Spread.of_middle_half(values) == Spread(3.0, 2.0, 4.0)
    assert Spread.of_middle_half([5.0]) == Spread(5.0, 5.0, 5.0)


def test_the_comparison_has_a_row_for_each_request_and_server():
    text = comparison(
        all_kinds({BARE: 400, SERVICE: 520, SYNC: 1600}), KINDS, (BARE, SERVICE, SYNC), BARE
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert [row[:4] for row in rows[2:5]] == [
        ["`GET /v1/orders/{id}`", BARE, "400", "1"],
        ["`GET /v1/orders/{id}`", SERVICE, "520", "**1.30** (1.30-1.30)"],
        ["`GET /v1/orders/{id}`", SYNC, "1600", "**4.00** (4.00-4.00)"],
    ]
    assert len(rows) == 2 + len(KINDS) * 3
    assert {len(row) for row in rows} == {7}


def test_the_verdict_judges_each_request_by_itself():
    runs = all_kinds({BARE: 100, SERVICE: 140})
    runs += [run(BARE, 2, 100, "post"), run(SERVICE, 2, 190, "post")]
    text = verdict(runs, KINDS, SERVICE, (BARE,), 1.4)
    assert "GET /v1/orders/{id} 1.40x (met)" in text
    assert "POST /v1/orders 1.65x (not met)" in text


def test_a_layer_costs_what_its_absence_saves():
    costs = {SERVICE: 500.0} | dict.fromkeys((*LAYERS.values(), EVERY_LAYER), 460.0)
    text = layer_costs(all_kinds(costs), SERVICE, {"get": KINDS["get"]})
    assert text.count("40 (40 to 40), 8%") == len(LAYERS) + 1
