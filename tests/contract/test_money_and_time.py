"""Integers that stay exact, times that are UTC, ids that carry the time."""

import time
from datetime import UTC, datetime

import pytest

from .client import Caller, item

pytestmark = pytest.mark.orders

# The service may run elsewhere; clocks that differ more than this break tokens too.
CLOCK_SKEW_SECONDS = 60


@pytest.mark.parametrize(
    ("items", "total"),
    [
        ([item(quantity=1, unitPriceMinor=0)], 0),
        ([item(quantity=3, unitPriceMinor=333)], 999),
        ([item(quantity=7, unitPriceMinor=1), item(quantity=1, unitPriceMinor=10)], 17),
        ([item(quantity=9_999, unitPriceMinor=999_999_999)], 9_998_999_990_001),
        ([item(quantity=10_000, unitPriceMinor=1_000_000_000)] * 100, 10**15),
        (
            [item(quantity=9_999, unitPriceMinor=999_999_999)] * 99 + [item(unitPriceMinor=1)],
            989_900_999_010_100,
        ),
    ],
    ids=lambda v: str(v) if isinstance(v, int) else "",
)
def test_the_total_is_exact(api: Caller, items: list[dict], total: int):
    order = api.order(items=items)
    assert order["totalMinor"] == total
    fetched = api.get(f"/v1/orders/{order['id']}")
    assert f'"totalMinor":{total}' in fetched.text.replace(" ", "")


def test_times_are_utc_and_now(api: Caller):
    before = time.time()
    order = api.order()
    after = time.time()
    created = datetime.fromisoformat(order["createdAt"])
    assert created.tzinfo == UTC
    assert before - CLOCK_SKEW_SECONDS <= created.timestamp() <= after + CLOCK_SKEW_SECONDS


def test_updated_at_moves_with_a_change_and_created_at_does_not(api: Caller):
    order = api.order()
    time.sleep(0.02)
    changed = api.patch(f"/v1/orders/{order['id']}", {"status": "confirmed"}).json()
    assert changed["createdAt"] == order["createdAt"]
    assert changed["updatedAt"] > order["updatedAt"]


def milliseconds_of(uuid7: str) -> int:
    """The time in a UUIDv7 (RFC 9562 section 5.7)."""
    return int(uuid7.replace("-", "")[:12], 16)


def test_ids_carry_the_time_they_were_made(api: Caller):
    before = time.time()
    customer = api.customer()
    order = api.order(customer["id"])
    after = time.time()
    for id_ in [customer["id"], order["id"], *(i["id"] for i in order["items"])]:
        seconds = milliseconds_of(id_) / 1000
        assert before - CLOCK_SKEW_SECONDS <= seconds <= after + CLOCK_SKEW_SECONDS, id_


def test_ids_ascend_with_time_and_never_repeat(api: Caller):
    customer = api.customer()
    ids = []
    for _ in range(20):
        ids.append(api.order(customer["id"])["id"])
        time.sleep(0.002)  # within a millisecond RFC 9562 leaves the order open
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
