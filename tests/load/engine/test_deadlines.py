"""A thousand connections: each that takes too long is found in time, and no turn takes long."""

from dataclasses import dataclass

from senior_backend.load.engine.arriving import NEVER
from senior_backend.load.engine.deadlines import PART, PAUSE_NS, Deadlines

SHORTEST = 1_000_000_000


LOOKS = 0
"""At any request, by any test."""


@dataclass(eq=False)
class Request:
    deadline: int

    def awaited_by(self) -> int:
        global LOOKS
        LOOKS += 1
        return self.deadline


def look_until(deadlines: Deadlines, requests: list[Request], end: int) -> dict[int, list[int]]:
    """Turns of a loop that sleeps for as long as it may: when each was found, by its deadline."""
    found: dict[int, list[int]] = {}
    now = 0

    def expire(request: Request) -> None:
        found.setdefault(request.deadline, []).append(now)
        request.deadline = NEVER

    while now <= end:
        before = LOOKS
        again = deadlines.look(requests, now, expire)
        assert LOOKS - before <= PART
        now = max(again, now + 20_000)  # What a turn takes.
    return found


def test_each_is_found_once_and_soon() -> None:
    requests = [Request(SHORTEST + number * 100_000) for number in range(1_000)]
    found = look_until(Deadlines(SHORTEST), requests, 2 * SHORTEST)
    assert len(found) == 1_000
    turns = len(requests) // PART + 1
    for deadline, (moment,) in found.items():
        assert 0 <= moment - deadline <= PAUSE_NS + 2 * turns * 20_000


def test_what_begins_after_a_pass_is_found_too() -> None:
    requests = [Request(NEVER) for _ in range(1_000)]
    deadlines = Deadlines(SHORTEST)
    look_until(deadlines, requests, SHORTEST // 2)
    late = SHORTEST // 2 + SHORTEST
    requests[77].deadline = late
    ((moment,),) = look_until(deadlines, requests, 3 * SHORTEST).values()
    assert late <= moment <= late + 10 * PAUSE_NS


def test_where_nothing_is_late_hardly_anything_is_looked_at() -> None:
    requests = [Request(NEVER) for _ in range(1_000)]
    before = LOOKS
    assert look_until(Deadlines(SHORTEST), requests, 10 * SHORTEST) == {}
    assert LOOKS - before <= 11 * len(requests)
