"""Lost updates do not happen."""

import pytest

from .client import Caller, all_at_once, assert_problem

pytestmark = pytest.mark.orders


@pytest.mark.parametrize("rivals", [2, 8])
@pytest.mark.parametrize("attempt", range(5))
def test_of_simultaneous_patches_with_one_etag_exactly_one_succeeds(
    api: Caller, rivals: int, attempt: int
):
    path = f"/v1/orders/{api.order()['id']}"
    etag = api.etag(path)
    targets = ["confirmed", "cancelled"] * (rivals // 2)
    answers = all_at_once(
        [lambda t=t: api.patch(path, {"status": t}, if_match=etag) for t in targets]
    )
    winners = [a for a in answers if a.status_code == 200]
    assert len(winners) == 1, [a.status_code for a in answers]
    for loser in answers:
        if loser is not winners[0]:
            assert_problem(loser, "precondition-failed")
    assert api.get(path).json() == winners[0].json()


def test_simultaneous_cancels_all_see_one_cancelled_order(api: Caller):
    path = f"/v1/orders/{api.order()['id']}"
    answers = all_at_once([lambda: api.post(f"{path}/cancel", key=None)] * 8)
    assert {a.status_code for a in answers} == {200}
    assert len({a.headers["etag"] for a in answers}) == 1
    assert api.etag(path) == answers[0].headers["etag"]


@pytest.mark.parametrize("attempt", range(5))
def test_cancelling_and_shipping_at_once_leaves_one_consistent_order(api: Caller, attempt: int):
    """Whoever comes second meets the state the first one left."""
    order = api.order(status="confirmed")
    path = f"/v1/orders/{order['id']}"
    etag = api.etag(path)
    shipped, cancelled = all_at_once(
        [
            lambda: api.patch(path, {"status": "shipped"}, if_match=etag),
            lambda: api.post(f"{path}/cancel", key=None),
        ]
    )
    final = api.get(path).json()["status"]
    if shipped.status_code == 200:
        assert_problem(cancelled, "invalid-transition")
        assert final == "shipped"
    else:
        assert_problem(shipped, "precondition-failed")
        assert cancelled.status_code == 200
        assert final == "cancelled"
