"""The live view: the last seconds of all workers, drawn without a thread."""

from io import StringIO

from rich.console import Console

from senior_backend.load.histogram import bucket
from senior_backend.load.live import SHOWN_S, Pulse, View, wanted
from senior_backend.load.recording import EndpointCounts, Window

MS = 1_000_000


def window(
    index: int,
    *,
    due: int = 0,
    started: int = 0,
    ms: float = 1.0,
    failed: int = 0,
    backlog: int = 0,
) -> Window:
    counts = EndpointCounts()
    counts.response[bucket(int(ms * MS))] += started - failed
    if failed:
        counts.failures["http 503"] = {bucket(MS): failed}
    return Window(
        index=index,
        endpoints={0: counts},
        due=due,
        started=started,
        backlog=backlog,
        open_connections=2,
        in_flight=1,
    )


def test_the_rates_are_those_of_seconds_that_every_worker_has_told_of() -> None:
    pulse = Pulse(2)
    pulse.add(0, window(0, due=50, started=50))
    assert (pulse.asked, pulse.achieved) == (0, 0)
    pulse.add(1, window(0, due=50, started=40))
    pulse.add(0, window(1, due=500, started=500))
    assert (pulse.asked, pulse.achieved) == (100, 90)


def test_old_seconds_are_forgotten_and_totals_kept() -> None:
    pulse = Pulse(1)
    for index in range(100):
        pulse.add(0, window(index, due=10, started=10, ms=1 if index < 90 else 100, failed=1))
    assert pulse.completed == 1000
    assert pulse.failed == 100
    assert pulse.response.count == 9 * SHOWN_S
    assert 99 < pulse.response.percentile(50) / MS < 101


def test_levels_are_the_last_of_each_worker_together() -> None:
    pulse = Pulse(2)
    pulse.add(0, window(0, backlog=7))
    pulse.add(0, window(1, backlog=3))
    pulse.add(1, window(0, backlog=4))
    assert (pulse.backlog, pulse.open_connections, pulse.in_flight) == (7, 4, 2)


def drawn(pulse: Pulse, elapsed_s: float, state: str = "") -> str:
    view = View("orders → http://127.0.0.1:8000", pulse, warm_s=5, duration_s=60)
    out = StringIO()
    Console(file=out, width=120).print(view.rendered(elapsed_s, state))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().split("\n"))


def test_the_view_before_anything_was_measured() -> None:
    assert drawn(Pulse(1), 2).split("\n")[0].endswith("warm-up, 3 s left")
    assert "nothing yet" in drawn(Pulse(1), 2)


def test_the_view_of_a_run() -> None:
    pulse = Pulse(1)
    pulse.add(0, window(0, due=1200, started=1100, ms=2, failed=5, backlog=100))
    bar, *lines = drawn(pulse, 17).split("\n")
    assert bar.endswith("12 s of 60 s")
    assert [" ".join(line.split()) for line in lines] == [
        "rate asked 1,200/s achieved 1,100/s",
        "response p50 2.00 ms p95 2.00 ms p99 2.00 ms",
        "failures 5 of 1,100 http 503",
        "backlog 100 dropped 0",
        "connections 2 open 1 in flight",
        "Ctrl-C stops it and reports",
    ]


def test_the_view_while_responses_are_awaited() -> None:
    assert "waiting for 3 responses" in drawn(Pulse(1), 66, "waiting for 3 responses")


def test_nothing_is_drawn_where_lines_cannot_be_redrawn() -> None:
    assert not wanted(False)
    assert not wanted(
        True, Console(file=StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    )
    assert wanted(True, Console(file=StringIO(), force_terminal=True, _environ={"TERM": "xterm"}))
