"""Too much work, or work that takes too long: an error in time, and forgotten when it is over."""

import time
from collections.abc import Callable

import pytest

from tests.contract.client import all_at_once, customer_body, new_key
from tests.contract.database import Database
from tests.contract.service import StartedService, wait_until

from .client import Answer, Caller, assert_fails

pytestmark = pytest.mark.orders

POOL_MAX = 3
ACQUIRE_SECONDS = 0.4
STATEMENT_SECONDS = 2.0
# How much longer than its limit an answer may take on a busy machine.
SLACK_SECONDS = 1.5


def timed(call: Callable[[], Answer]) -> Callable[[], tuple[float, Answer]]:
    def run() -> tuple[float, Answer]:
        started = time.monotonic()
        answer = call()
        return time.monotonic() - started, answer

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


LIST = "{ orders { edges { cursor } } }"


def test_a_full_pool_is_a_quick_error_and_recovers(crowded_database: Database, api: Caller):
    assert api.ask(LIST)
    with crowded_database.tables_locked():
        answers = all_at_once([timed(lambda: api.run(LIST))] * (POOL_MAX + 9))
    quick = sorted(seconds for seconds, _ in answers)[:9]
    assert quick[-1] < ACQUIRE_SECONDS + SLACK_SECONDS, quick
    for seconds, answer in answers:
        # The nine got no connection; the three that did met the statement timeout.
        if seconds < STATEMENT_SECONDS / 2:
            assert_fails(answer, "unavailable", path=["orders"])
        else:
            assert answer.outcome in {"unavailable", "timeout"}
        assert seconds < STATEMENT_SECONDS + SLACK_SECONDS
    again = all_at_once([lambda: api.ask(LIST)] * (POOL_MAX * 2))
    assert all(again)


def test_probes_and_refusals_need_no_connection(crowded_database: Database, api: Caller):
    nobody = api.as_bearer(None)
    with crowded_database.tables_locked():
        calls = [lambda: api.run(LIST)] * (POOL_MAX + 1)

        def probe() -> None:
            deadline = time.monotonic() + STATEMENT_SECONDS
            while time.monotonic() < deadline:
                started = time.monotonic()
                assert nobody.get("/readyz").status_code == 200
                assert nobody.get("/livez").status_code == 200
                assert api.run("{ nonsense }").outcome == "invalid-document"
                assert api.run("{ __typename }").data
                assert time.monotonic() - started < 1
                time.sleep(0.1)

        all_at_once([*calls, probe])


def test_a_write_that_found_no_connection_may_be_retried_with_its_key(
    crowded_database: Database, api: Caller
):
    body, key = customer_body(), new_key()
    with crowded_database.tables_locked():
        calls = [lambda: api.run(LIST)] * POOL_MAX

        def write() -> Answer:
            time.sleep(0.3)
            return api.create("Customer", body, key=key)

        *_, failed = all_at_once([*calls, write])
    assert failed.outcome in {"unavailable", "timeout"}
    retried = api.create("Customer", body, key=key)
    assert retried.outcome == "Customer"
    assert not retried.replayed
    assert len(api.page("customers")["edges"]) == 1


def test_a_field_that_fails_leaves_the_others(crowded_database: Database, api: Caller):
    with crowded_database.tables_locked():
        answer = api.run("{ __typename orders { edges { cursor } } }")
    assert answer.body["data"] == {"__typename": "Query", "orders": None}
    assert answer.outcome in {"unavailable", "timeout"}


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
            calls = [timed(lambda: api.create("Customer", customer_body()))] * 6
            for seconds, answer in all_at_once(calls):
                assert answer.outcome == "timeout"
                assert answer.status == (200 if "data" in answer.body else 504)
                assert 0.6 < seconds < 0.7 + SLACK_SECONDS
        wait_until(
            lambda: not api.run(LIST).errors,
            5,
            lambda: "no request succeeded within 5 s of the lock's end",
        )
        assert all(all_at_once([lambda: api.ask(LIST)] * 6))
        # What timed out was not carried out later behind the caller's back.
        assert api.page("customers")["edges"] == []


def test_a_storm_is_answered_and_survived(crowded: StartedService, api: Caller):
    """More callers than connections, nothing locked: each is served or cleanly refused."""
    writes = [lambda: api.create("Customer", customer_body())] * 20
    answers = all_at_once([*writes, *[lambda: api.run(LIST)] * 20])
    created = [a for a in answers[:20] if a.outcome == "Customer"]
    refused = [a for a in answers if a.errors]
    assert {a.outcome for a in refused} <= {"unavailable"}
    assert created
    assert len([c for page in api.walk("customers") for c in page]) == len(created)
    assert crowded.process.poll() is None
