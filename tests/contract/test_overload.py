"""Too much work, or work that takes too long: refused in time, and forgotten when it is over."""

import time
from collections.abc import Callable

import httpx
import pytest

from .client import Caller, all_at_once, assert_problem, customer_body, kind_of, new_key
from .database import Database
from .service import StartedService, wait_until

pytestmark = pytest.mark.orders

POOL_MAX = 3
ACQUIRE_SECONDS = 0.4
STATEMENT_SECONDS = 4.0
# How much longer than its limit an answer may take on a busy machine.
SLACK_SECONDS = 1.5


def timed(call: Callable[[], httpx.Response]) -> Callable[[], tuple[float, httpx.Response]]:
    def run() -> tuple[float, httpx.Response]:
        started = time.monotonic()
        response = call()
        return time.monotonic() - started, response

    return run


@pytest.fixture(scope="module")
def crowded_database(new_database) -> Database:
    return new_database()


@pytest.fixture(scope="module")
def crowded(launch, crowded_database) -> StartedService:
    """A service with three connections that waits 400 ms for one."""
    with launch(
        database=crowded_database,
        DATABASE_POOL_MAX=str(POOL_MAX),
        DATABASE_POOL_ACQUIRE_TIMEOUT_MS=str(int(ACQUIRE_SECONDS * 1000)),
        DATABASE_STATEMENT_TIMEOUT_MS=str(int(STATEMENT_SECONDS * 1000)),
        REQUEST_TIMEOUT_MS="15000",
    ) as service:
        yield service


@pytest.fixture
def api(crowded, calling):
    with calling(crowded) as api:
        yield api


def test_a_full_pool_is_a_quick_503_and_recovers(
    crowded: StartedService, crowded_database: Database, api: Caller
):
    assert api.get("/v1/customers").status_code == 200
    with crowded_database.tables_locked():
        answers = all_at_once([timed(lambda: api.get("/v1/orders"))] * (POOL_MAX + 9))
    quick = sorted(seconds for seconds, _ in answers)[:9]
    assert quick[-1] < ACQUIRE_SECONDS + SLACK_SECONDS, quick
    for seconds, response in answers:
        # The nine got no connection; the three that did met the statement timeout.
        if seconds < STATEMENT_SECONDS / 2:
            assert_problem(response, "unavailable")
        else:
            assert kind_of(response) in {"unavailable", "timeout"}
        assert seconds < STATEMENT_SECONDS + SLACK_SECONDS
    assert api.get("/v1/orders").status_code == 200
    again = all_at_once([lambda: api.get("/v1/orders")] * (POOL_MAX * 2))
    assert {r.status_code for r in again} == {200}


def test_a_full_pool_takes_neither_readiness_nor_liveness_away(
    crowded_database: Database, api: Caller
):
    nobody = api.as_bearer(None)
    with crowded_database.tables_locked():
        deadline = time.monotonic() + STATEMENT_SECONDS + 1
        calls = [lambda: api.get("/v1/orders")] * (POOL_MAX + 1)

        def probe() -> httpx.Response:
            while time.monotonic() < deadline:
                for path in ("/readyz", "/livez"):
                    seconds, response = timed(lambda p=path: nobody.get(p))()
                    assert response.status_code == 200, response.text
                    assert seconds < 1
                time.sleep(0.1)
            return response

        all_at_once([*calls, probe])


def test_a_write_that_found_no_connection_may_be_retried_with_its_key(
    crowded_database: Database, api: Caller
):
    body, key = customer_body(), new_key()
    with crowded_database.tables_locked():
        calls = [lambda: api.get("/v1/orders")] * POOL_MAX

        def write() -> httpx.Response:
            time.sleep(0.3)
            return api.post("/v1/customers", body, key=key)

        *_, failed = all_at_once([*calls, write])
    assert failed.status_code in {503, 504}
    retried = api.post("/v1/customers", body, key=key)
    assert retried.status_code == 201
    assert "idempotency-replayed" not in retried.headers
    assert len(api.get("/v1/customers").json()["items"]) == 1


def test_a_statement_that_takes_too_long_is_stopped(launch, new_database, calling):
    database = new_database()
    with (
        launch(
            database=database, DATABASE_STATEMENT_TIMEOUT_MS="500", REQUEST_TIMEOUT_MS="15000"
        ) as service,
        calling(service) as api,
    ):
        with database.tables_locked():
            answers = [timed(lambda: api.get("/v1/customers"))()]
        with database.writes_held():
            answers.append(timed(api.create_customer)())
        for seconds, response in answers:
            assert kind_of(response) in {"unavailable", "timeout"}, response.text
            assert seconds < 0.5 + SLACK_SECONDS
        assert api.create_customer().status_code == 201
        assert len(api.get("/v1/customers").json()["items"]) == 1


def test_a_request_that_takes_too_long_is_504_and_leaves_no_connection_behind(
    launch, new_database, calling
):
    database = new_database()
    with (
        launch(
            database=database,
            DATABASE_POOL_MAX="2",
            DATABASE_STATEMENT_TIMEOUT_MS="20000",
            DATABASE_POOL_ACQUIRE_TIMEOUT_MS="20000",
            REQUEST_TIMEOUT_MS="700",
        ) as service,
        calling(service) as api,
    ):
        with database.writes_held():
            answers = all_at_once([timed(api.create_customer)] * 6)
            for seconds, response in answers:
                assert_problem(response, "timeout")
                assert 0.6 < seconds < 0.7 + SLACK_SECONDS
        wait_until(
            lambda: api.get("/v1/orders").status_code == 200,
            5,
            lambda: "no request succeeded within 5 s of the lock's end",
        )
        again = all_at_once([lambda: api.get("/v1/orders")] * 6)
        assert {r.status_code for r in again} == {200}
        # What timed out was not carried out later behind the caller's back.
        assert api.get("/v1/customers").json()["items"] == []


def test_a_storm_is_answered_and_survived(crowded: StartedService, api: Caller):
    """More callers than connections, nothing locked: each is served or cleanly refused."""
    customer = api.customer()["id"]
    answers = all_at_once(
        [
            call
            for _ in range(20)
            for call in (lambda: api.create_order(customer), lambda: api.get("/v1/orders"))
        ]
    )
    created = [a for a in answers if a.status_code == 201]
    refused = [a for a in answers if a.status_code == 503]
    assert len(created) + len(refused) + len([a for a in answers if a.status_code == 200]) == 40
    assert created
    assert len([o for page in api.pages("/v1/orders") for o in page]) == len(created)
    assert crowded.process.poll() is None
