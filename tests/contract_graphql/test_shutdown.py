"""SIGTERM: as in REST, with operations in flight."""

import contextlib
import threading
import time

import httpx
import pytest

from tests.contract.client import customer_body, new_key, order_body
from tests.contract.service import wait_until
from tests.contract.test_shutdown import *  # noqa: F403
from tests.contract.test_shutdown import DRAIN_SECONDS, GRACE_SECONDS, SETTINGS

from .client import Answer


@pytest.mark.orders
def test_a_mutation_in_flight_is_finished_after_the_drain(launch, new_database, calling):
    database = new_database()
    with launch(database=database, **SETTINGS) as service, calling(service) as api:
        body = order_body(api.customer()["id"])
        answers: list[Answer] = []
        asker = threading.Thread(target=lambda: answers.append(api.create("Order", body)))
        with database.writes_held() as holds_one:
            asker.start()
            wait_until(holds_one, 5, lambda: "the mutation does not write")
            told = service.terminate()
            time.sleep(DRAIN_SECONDS + 0.5)
            assert service.process.poll() is None
        asker.join()
        assert answers[0].outcome == "Order"
        assert service.wait(GRACE_SECONDS) == 0
        assert time.monotonic() - told < GRACE_SECONDS


@pytest.mark.orders
def test_a_mutation_that_hangs_is_given_up_within_the_grace_time_with_exit_1(
    launch, new_database, calling
):
    database = new_database()
    short = {**SETTINGS, "SHUTDOWN_DRAIN_MS": "100", "SHUTDOWN_GRACE_MS": "2000"}
    with launch(database=database, **short) as service, calling(service) as api:

        def ask() -> None:
            with contextlib.suppress(httpx.TransportError):
                api.change("createCustomer", customer_body(), checked=False)

        asker = threading.Thread(target=ask)
        with database.writes_held() as holds_one:
            asker.start()
            wait_until(holds_one, 5, lambda: "the mutation does not write")
            told = service.terminate()
            assert service.wait(4) == 1
            assert time.monotonic() - told <= 3
            asker.join()


@pytest.mark.orders
def test_nothing_that_was_answered_is_lost_and_nothing_is_half_done(launch, new_database, calling):
    """Orders are created until the service is gone; its successor knows each that was answered."""
    database, tenant = new_database(), new_key()
    short = {**SETTINGS, "SHUTDOWN_DRAIN_MS": "300"}
    created: list[str] = []
    with launch(database=database, **short) as service, calling(service, tenant=tenant) as api:
        customer = api.customer()["id"]

        def create() -> None:
            with contextlib.suppress(httpx.TransportError):
                while True:
                    created.append(api.create("Order", order_body(customer)).result["id"])

        threads = [threading.Thread(target=create) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.4)
        service.terminate()
        assert service.wait(GRACE_SECONDS) == 0
        for thread in threads:
            thread.join()
    assert created
    with launch(database=database) as successor, calling(successor, tenant=tenant) as api:
        kept = {order["id"] for page in api.walk("orders", first=100) for order in page}
        assert set(created) <= kept
