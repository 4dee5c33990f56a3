"""The database goes, freezes, comes back: quick refusals, honest probes, no restart needed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .client import Caller, all_at_once, assert_problem
from .database import Cluster, Database
from .service import StartedService, wait_until

pytestmark = pytest.mark.orders

REQUEST_SECONDS = 3.0
QUICK_SECONDS = 2.0
# Three failed probes, and as many good ones as it takes: the interval is the service's own.
PROBES_SECONDS = 30.0
ONE_PROBE_SECONDS = 4.0


@dataclass
class Outage:
    """A service, its caller, and a server of its own to take away."""

    cluster: Cluster
    database: Database
    service: StartedService
    api: Caller

    @property
    def nobody(self) -> Caller:
        return self.api.as_bearer(None)

    def ready(self) -> bool:
        return self.nobody.get("/readyz", checked=False).status_code == 200

    def wait_ready(self) -> None:
        wait_until(
            self.ready, PROBES_SECONDS, lambda: f"/readyz is not 200 after {PROBES_SECONDS} s", 0.2
        )

    def wait_unready(self) -> None:
        wait_until(
            lambda: not self.ready(),
            PROBES_SECONDS,
            lambda: f"/readyz is still 200 after {PROBES_SECONDS} s without a database",
            0.2,
        )


@pytest.fixture(scope="module")
def outage(start_cluster, launch, calling) -> Iterator[Outage]:
    with (
        start_cluster() as (cluster, database),
        launch(
            database=database,
            DATABASE_POOL_ACQUIRE_TIMEOUT_MS="1000",
            DATABASE_STATEMENT_TIMEOUT_MS="2000",
            REQUEST_TIMEOUT_MS=str(int(REQUEST_SECONDS * 1000)),
        ) as service,
        calling(service) as api,
    ):
        yield Outage(cluster, database, service, api)


def answer_in(seconds: float, api: Caller, expected: set[int]) -> None:
    """Reads and writes are each answered in time, alone and together."""
    calls = [lambda: api.get("/v1/customers"), lambda: api.create_customer()]
    for batch in ([calls[0]], [calls[1]], calls * 4):
        started = time.monotonic()
        answers = all_at_once(batch)
        took = time.monotonic() - started
        assert took < seconds, f"{took:.1f} s for {[a.status_code for a in answers]}"
        assert {a.status_code for a in answers} <= expected, [a.text for a in answers]


def test_a_database_that_is_gone_and_comes_back(outage: Outage):
    api, nobody = outage.api, outage.nobody
    before = api.order()
    assert outage.ready()
    outage.cluster.server.kill()
    try:
        answer_in(QUICK_SECONDS, api, {503})
        assert_problem(api.get("/v1/customers"), "unavailable")
        # What needs no database is told as ever.
        assert_problem(nobody.get("/v1/customers"), "unauthorized")
        assert_problem(api.get("/v1/nothing"), "not-found")
        outage.wait_unready()
        assert_problem_or_plain_503(nobody)
        answer_in(QUICK_SECONDS, api, {503})
        assert nobody.get("/livez").status_code == 200
    finally:
        outage.cluster.server.restart()
    outage.wait_ready()
    assert api.get(f"/v1/orders/{before['id']}").json() == before
    answers = all_at_once([lambda: api.get("/v1/orders")] * 20)
    assert {a.status_code for a in answers} == {200}
    assert outage.service.process.poll() is None


def assert_problem_or_plain_503(nobody: Caller) -> None:
    """The body of a 503 of /readyz is the service's own; it is 503 for HEAD too."""
    for method in ("GET", "HEAD"):
        response = nobody.request(method, "/readyz", checked=False)
        assert response.status_code == 503
        assert response.headers["x-content-type-options"] == "nosniff"


def test_one_failed_probe_is_not_enough(outage: Outage):
    """Three failures in a row make it 503: an ended session, the probe's too, is one at most."""
    outage.database.end_sessions()
    ends = time.monotonic() + ONE_PROBE_SECONDS
    while time.monotonic() < ends:
        assert outage.ready()
        time.sleep(0.05)


def test_a_database_that_is_frozen_and_goes_on(outage: Outage):
    api, nobody = outage.api, outage.nobody
    assert api.get("/v1/customers").status_code == 200
    outage.cluster.server.pause()
    try:
        answer_in(REQUEST_SECONDS + 1.5, api, {503, 504})
        started = time.monotonic()
        assert nobody.get("/livez").status_code == 200
        nobody.request("GET", "/readyz", checked=False)
        assert time.monotonic() - started < 1
        wait_until(
            lambda: nobody.request("GET", "/readyz", checked=False).status_code == 503,
            PROBES_SECONDS,
            lambda: "/readyz is still 200 before a frozen database",
            0.2,
        )
    finally:
        outage.cluster.server.resume()
    outage.wait_ready()
    wait_until(
        lambda: {a.status_code for a in all_at_once([lambda: api.get("/v1/orders")] * 10)} == {200},
        10,
        lambda: "the database goes on and the service does not",
    )


def test_sessions_that_a_failover_ended_are_replaced(outage: Outage):
    api = outage.api
    all_at_once([lambda: api.get("/v1/orders")] * 10)
    outage.database.end_sessions()
    answers = all_at_once([lambda: api.get("/v1/orders")] * 10)
    assert {a.status_code for a in answers} <= {200, 503}
    wait_until(
        lambda: {a.status_code for a in all_at_once([lambda: api.get("/v1/orders")] * 10)} == {200},
        5,
        lambda: "ten requests at once do not succeed 5 s after the sessions ended",
    )
