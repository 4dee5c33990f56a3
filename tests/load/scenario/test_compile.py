"""A scenario as the engine's plan."""

import pickle
from collections import Counter

import pytest

from senior_backend.load.plan import Plan
from senior_backend.load.scenario.compile import LONGEST, names
from tests.load.scenario.scenarios import plan, scenario, sent


def shares(made: Plan) -> Counter[str]:
    return Counter(made.endpoints[step.endpoint] for step in made.first)


def weighted(*weights: float) -> Plan:
    return plan(*({"name": f"e{n}", "path": f"/{n}", "weight": w} for n, w in enumerate(weights)))


@pytest.mark.parametrize(
    ("weights", "round_"),
    [
        ((1, 1), (1, 1)),
        ((6, 3, 1), (6, 3, 1)),
        ((60, 30, 10), (6, 3, 1)),
        ((0.5, 0.25, 0.25), (2, 1, 1)),
        ((12.5, 87.5), (1, 7)),
        ((0.1, 0.2), (1, 2)),
        ((1, 9999), (1, 9999)),
    ],
)
def test_weights_are_exact_in_every_round(
    weights: tuple[float, ...], round_: tuple[int, ...]
) -> None:
    made = weighted(*weights)
    length = sum(round_)
    expected = Counter({f"e{n}": count for n, count in enumerate(round_)})
    assert len(made.first) == LONGEST // length * length
    for start in range(0, len(made.first), length):
        names_ = Counter(
            made.endpoints[step.endpoint] for step in made.first[start : start + length]
        )
        assert names_ == expected


def test_one_endpoint_needs_no_order() -> None:
    assert len(weighted(7).first) == 1


def test_the_order_is_mixed_and_repeats_with_the_seed() -> None:
    endpoints = [{"name": "a", "path": "/a", "weight": 3}, {"name": "b", "path": "/b"}]
    orders = [
        [step.endpoint for step in plan(*endpoints, load=load).first]
        for load in (
            {"rate": 1, "duration": "1s", "seed": 1},
            {"rate": 9, "duration": "9s", "seed": 1},
            {"rate": 1, "duration": "1s", "seed": 2},
        )
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0][:4] * 100 != orders[0][:400], "rounds are all alike"


def test_sequential_rows_reach_every_endpoint() -> None:
    rows = [{"id": n} for n in range(10)]
    data = {
        "d": {
            "count": 10,
            "requests": [{"path": "/", "name": "r", "capture": {"id": {"json": "id"}}}],
        }
    }
    made = plan(
        {"name": "a", "path": "/a/${d.id}", "weight": 4},
        {"name": "b", "path": "/b", "weight": 6},
        data=data,
        rows={"d": rows},
    )
    seen = {
        sent(made.first[k % len(made.first)], k).split(b" ")[1]
        for k in range(len(made.first))
        if made.first[k % len(made.first)].endpoint == 0
    }
    assert seen == {b"/a/%d" % n for n in range(10)}


def test_flows_are_chains_of_steps_with_pauses_between_them() -> None:
    steps = [
        {"name": "make", "path": "/a", "method": "POST", "capture": {"id": {"json": "id"}}},
        {"name": "read", "path": "/a/${id}", "pause": "100ms", "timeout": "2s"},
        {"name": "drop", "path": "/a/${id}", "method": "DELETE", "pause": "1s"},
    ]
    made = plan({"name": "one", "path": "/"}, flows=[{"name": "f", "steps": steps, "weight": 2}])
    assert made.endpoints == ("one", "make", "read", "drop")
    first = next(step for step in made.first if step.endpoint == 1)
    assert [first.pause_ns, first.timeout_ns] == [100_000_000, 30_000_000_000]
    second = first.next
    assert second is not None
    assert [second.endpoint, second.pause_ns, second.timeout_ns] == [2, 10**9, 2 * 10**9]
    third = second.next
    assert third is not None
    assert [third.endpoint, third.pause_ns, third.next] == [3, 0, None]
    assert sent(third, id="x").startswith(b"DELETE /a/x ")
    assert shares(made)["make"] == 2 * shares(made)["one"]


def test_requests_without_a_name_are_called_by_method_and_path_or_operation() -> None:
    whole = scenario(
        {"path": "/v1/orders?limit=20"},
        {"path": "/v1/orders", "method": "post"},
        {"path": ""},
        {"graphql": {"query": "query Orders { a }"}},
        {"graphql": {"query": "{ a }"}},
        flows=[{"name": "f", "steps": [{"path": "/v1/orders/${uuid}"}]}],
    )
    assert names(whole) == (
        "GET /v1/orders",
        "POST /v1/orders",
        "GET /",
        "Orders",
        "POST /graphql",
        "GET /v1/orders/${uuid}",
    )


MIXED = [
    {"name": "a", "path": "/a/${uuid}", "weight": 3},
    {
        "name": "b",
        "path": "/b",
        "method": "POST",
        "json": {"n": "${int(1, 99999)}", "k": "${arrival}"},
    },
    {"name": "c", "path": "/c/${string(8)}?x=${choice(1, 2, 3)}"},
]


def test_workers_together_send_what_one_would_send() -> None:
    def requests(worker: int, workers: int) -> dict[int, bytes]:
        made = plan(*MIXED, nonce=42)  # each worker makes its own
        return {k: sent(made.first[k % len(made.first)], k) for k in range(worker, 1000, workers)}

    alone = requests(0, 1)
    together = {**requests(0, 3), **requests(1, 3), **requests(2, 3)}
    assert together == alone


def test_another_endpoint_changes_no_values_of_the_others() -> None:
    before = plan(MIXED[2]).first[0]
    more = plan({"name": "new", "path": "/new/${string(8)}"}, MIXED[2])
    after = next(step for step in more.first if step.endpoint == 1)
    assert [sent(before, k) for k in range(50)] == [sent(after, k) for k in range(50)]


def test_a_scenario_goes_to_another_process_unchanged() -> None:
    whole = scenario(*MIXED, headers={"A": "b"})
    copy = pickle.loads(pickle.dumps(whole))
    assert copy == whole
    assert copy.endpoints[1].has_json
