"""Results to render: windows with made-up but plausible counts, summed up as those of any run."""

from dataclasses import dataclass, field, replace
from functools import cache
from math import exp
from random import Random
from statistics import NormalDist

from senior_backend.load import causes
from senior_backend.load.arrivals import schedule_of
from senior_backend.load.engine.messages import Done
from senior_backend.load.formats import render
from senior_backend.load.histogram import bucket
from senior_backend.load.recording import EndpointCounts, Window
from senior_backend.load.result import Environment, Result, ThresholdResult
from senior_backend.load.scenario.model import LoadModel
from senior_backend.load.summary import Facts, summarise
from senior_backend.load.totals import Recording

SECOND = 1_000_000_000
MS = 1_000_000


@dataclass(frozen=True)
class Traffic:
    """A run as it might have been."""

    endpoints: dict[str, float] = field(
        default_factory=lambda: {"list_orders": 4.0, "create_order": 12.0, "read_order": 2.0}
    )
    """Name -> median service time in ms."""
    rate: int = 200
    seconds: int = 60
    failures: dict[str, float] = field(default_factory=dict)
    """Cause -> share of the requests, in the second half of the run."""
    stall: range = range(0)
    """Seconds in which the target stands still; arrivals wait, a quarter of them are dropped."""
    slower: float = 1.0
    busy: float = 0.31
    reach: float = 1.0
    """The share of the arrivals that the generator has the time to send."""
    interrupted: bool = False
    seed: int = 7


def recording(traffic: Traffic) -> Recording:
    """What two workers would have reported."""
    random = Random(traffic.seed)
    names = list(traffic.endpoints)
    made = Recording(names, 2, traffic.seconds * SECOND)
    backlog = [0, 0]
    for second in range(traffic.seconds):
        for worker in (0, 1):
            window = Window(second, due=traffic.rate // 2, length_ns=SECOND)
            window.slept_ns = int((1 - traffic.busy) * SECOND)
            stalled = second in traffic.stall
            if stalled:
                window.backlog = backlog[worker] + window.due
                if second == traffic.stall[-1]:
                    window.dropped = window.backlog // 4
                    window.backlog -= window.dropped
            else:
                window.started = window.sent = int((window.due + backlog[worker]) * traffic.reach)
                window.backlog = window.due + backlog[worker] - window.started
            _requests(window, random, traffic, waited=backlog[worker])
            backlog[worker] = window.backlog
            window.open_connections = 12 + second // 10
            window.in_flight = int(random.random() * 4)
            for _ in range(50):
                window.pacing[bucket(int(_lognormal(random, 3.4, 0.6) * 1000))] += 1
            if second == 0:
                for _ in range(8):
                    window.connect[bucket(int(random.uniform(0.1, 0.3) * MS))] += 1
            made.add(worker, window)
    return made


def _lognormal(random: Random, mean: float, spread: float) -> float:
    """From ``random()`` alone, whose numbers are the same in every version of Python."""
    return exp(NormalDist(mean, spread).inv_cdf(random.random()))


def _requests(window: Window, random: Random, traffic: Traffic, waited: int) -> None:
    medians = list(traffic.endpoints.values())
    for number in range(window.started):
        index = int(random.random() * len(medians))
        counts = window.endpoints.setdefault(index, EndpointCounts())
        service = _lognormal(random, 0, 0.35) * medians[index] * traffic.slower * MS
        if random.random() < 0.01:
            service *= random.uniform(3, 12)
        late = random.uniform(0, len(traffic.stall)) * SECOND if number < waited else 60_000
        cause = _cause(random.random(), traffic, window.index)
        counts.bytes_received += 900
        if cause is not None:
            times = counts.failures.setdefault(cause, {})
            place = bucket(int(service + late))
            times[place] = times.get(place, 0) + 1
            if cause.startswith("http "):
                counts.statuses[int(cause[5:])] += 1
            continue
        counts.statuses[200] += 1
        counts.service[bucket(int(service))] += 1
        counts.response[bucket(int(service + late))] += 1


def _cause(drawn: float, traffic: Traffic, second: int) -> str | None:
    if second < traffic.seconds // 2:
        return None
    for cause, share in traffic.failures.items():
        if drawn < share:
            return cause
        drawn -= share
    return None


HOLDS = (
    ThresholdResult(metric="http_req_duration", expression="p(95)<200", value=17.2, passed=True),
    ThresholdResult(
        metric="service_time", expression="p(99)<100", value=61, passed=True, window_s=10
    ),
    ThresholdResult(
        metric="http_req_failed", expression="rate<0.01", value=0.0, passed=True, default=True
    ),
    ThresholdResult(
        metric="achieved", expression="rate>0.99", value=1.0, passed=True, default=True
    ),
    ThresholdResult(metric="dropped", expression="count==0", value=0, passed=True, default=True),
)


def result(
    traffic: Traffic | None = None,
    thresholds: tuple[ThresholdResult, ...] = HOLDS,
    name: str = "orders",
) -> Result:
    """A whole result; without an argument one that passed."""
    traffic = traffic or Traffic()
    load = LoadModel.model_validate(
        {
            "rate": traffic.rate,
            "duration": f"{max(1, traffic.seconds)}s",
            "warm_up": "5s",
            "seed": 1,
        }
    )
    facts = Facts(
        scenario=name,
        target="http://127.0.0.1:8000/api",
        addresses=["127.0.0.1"],
        resolve_ms=0.04,
        local=False,
        started_at="2026-02-03T04:05:06Z",
        schedule=schedule_of(load),
        duration_ns=traffic.seconds * SECOND // (2 if traffic.interrupted else 1),
        interrupted=traffic.interrupted,
        done={w: Done(cpu_s=9.3, max_rss_bytes=41_500_000, opened=9, max_open=9) for w in (0, 1)},
        max_connections=500,
    )
    made = summarise(recording(traffic), facts, thresholds)
    where = Environment(
        senior_backend="0.9.0", python="3.12.3", platform="Linux-6.8-x86_64", cores=2, host="runner"
    )
    return made.model_copy(update={"environment": where})


PASSED = Traffic()
FAILED = Traffic(
    failures={
        causes.http_status(503): 0.04,
        causes.TIMEOUT: 0.01,
        causes.check_failed("has id"): 0.002,
    },
    stall=range(20, 23),
)
SATURATED = replace(PASSED, busy=0.97, reach=0.4, slower=8)
EMPTY = Traffic(rate=0, seconds=0)


def failed() -> Result:
    """The target stood still for three seconds, and answered 503 in the second half."""
    return result(
        FAILED,
        (
            ThresholdResult(
                metric="http_req_duration", expression="p(95)<200", value=1812.4, passed=False
            ),
            ThresholdResult(
                metric="http_req_duration{name:create_order}",
                expression="p(99)<1500",
                value=1500.04,
                passed=False,
            ),
            ThresholdResult(
                metric="http_req_failed",
                expression="rate<0.01",
                value=0.0253,
                passed=False,
                default=True,
            ),
            *HOLDS[3:],
        ),
    )


def invalid() -> Result:
    """The generator had no time left."""
    made = result(SATURATED)
    assert not made.valid
    return made


def empty() -> Result:
    """Nothing was sent: the first signal came before the first request."""
    made = result(replace(PASSED, seconds=1))
    nothing = {
        "count": 0,
        "failed": 0,
        "errors": {},
        "statuses": {},
        "bytes_received": 0,
        "response_time_ms": {},
        "service_time_ms": {},
        "failed_time_ms": {},
        "histograms": {},
    }
    return Result.model_validate(
        made.model_dump()
        | {
            "endpoints": {"list_orders": nothing},
            "total": nothing,
            "series": [],
            "blocks": [],
            "due": 0,
            "sent": 0,
            "completed": 0,
            "requested_rate": 0,
            "achieved_rate": 0,
            "duration_s": 0,
            "interrupted": True,
            "pacing_error_us": {"p50": 0, "p99": 0, "max": 0},
            "thresholds": [
                {
                    "metric": "http_req_duration",
                    "expression": "p(95)<200",
                    "value": None,
                    "passed": False,
                }
            ],
            "connections": made.connections.model_dump() | {"connect_time_ms": {}, "opened": 0},
        }
    )


HOSTILE = (
    '<script>alert("x")</script>',
    "a|b`c``d",
    'quote " and \\ backslash',
    "two\nlines\r::error::three",
    "ünïcödé 注文 \N{FIRE}",
    "=1+1",
    "\x1b[31mred\x1b[0m \x00 \N{RIGHT-TO-LEFT OVERRIDE}",
    "{{ 7*7 }} ]]> <!-- ",
)


def hostile() -> Result:
    """Every name that may be chosen is chosen badly."""
    made = result(
        Traffic(
            dict.fromkeys(HOSTILE, 3.0),
            seconds=10,
            failures={causes.check_failed(h): 0.02 for h in HOSTILE},
        ),
        tuple(
            ThresholdResult(
                metric=f"http_req_duration{{name:{h}}}", expression="p(95)<2", value=3, passed=False
            )
            for h in HOSTILE
        ),
        name=HOSTILE[0],
    )
    return made.model_copy(update={"warnings": list(HOSTILE), "target": "http://h/<b>'\"&amp;"})


_BASELINE = replace(PASSED, seed=9, slower=0.9)
_RUNS = {
    "passed": lambda: (result(), None),
    "failed": lambda: (failed(), result(_BASELINE)),
    "invalid": lambda: (invalid(), result(_BASELINE)),
    "empty": lambda: (empty(), None),
    "hostile": lambda: (hostile(), hostile()),
    "one": lambda: (result(Traffic({"one": 2.0}, rate=2, seconds=1)), None),
    "many": lambda: (result(Traffic({f"e{n}": n + 1.0 for n in range(1000)}, seconds=5)), None),
}
RUNS = tuple(_RUNS)


@cache
def made(run: str) -> tuple[Result, Result | None]:
    """One of ``RUNS``, and its baseline."""
    return _RUNS[run]()


@cache
def text(run: str, output_format: str) -> str:
    """One of ``RUNS`` in a format."""
    shown, baseline = made(run)
    return render(shown, output_format, baseline)
