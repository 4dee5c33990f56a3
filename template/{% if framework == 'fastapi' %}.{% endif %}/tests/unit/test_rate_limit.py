"""Token buckets."""

from app.rate_limit import TokenBuckets


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_capacity_at_once_and_then_refills() -> None:
    clock = Clock()
    buckets = TokenBuckets(capacity=3, per_second=0.5, clock=clock)
    assert [buckets.try_take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.try_take("a") == 2
    clock.now += 1
    assert buckets.try_take("a") == 1
    clock.now += 1
    assert buckets.try_take("a") == 0
    clock.now += 1000
    assert [buckets.try_take("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_looking_takes_nothing() -> None:
    buckets = TokenBuckets(capacity=1, per_second=1, clock=Clock())
    assert [buckets.seconds_to_wait("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.try_take("a") == 0
    assert buckets.seconds_to_wait("a") == 1


def test_keys_do_not_share() -> None:
    buckets = TokenBuckets(capacity=1, per_second=1, clock=Clock())
    assert buckets.try_take("a") == 0
    assert buckets.try_take("b") == 0
    assert buckets.try_take("a") > 0


def test_memory_is_bounded_and_the_oldest_key_is_forgotten() -> None:
    buckets = TokenBuckets(capacity=1, per_second=1, max_keys=100, clock=Clock())
    for number in range(1000):
        buckets.try_take(str(number))
    assert len(buckets._full_at) == 100
    assert buckets.seconds_to_wait("0") == 0
    assert buckets.seconds_to_wait("999") > 0
