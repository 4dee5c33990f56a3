"""The database goes and comes back: quick errors, honest probes, no restart needed."""

import time

import pytest

from tests.contract.client import all_at_once, customer_body
from tests.contract.service import wait_until

from .client import assert_not_executed

pytestmark = pytest.mark.orders

QUICK_SECONDS = 2.0
# Three failed probes, and as many good ones as it takes: the interval is the service's own.
PROBES_SECONDS = 30.0
LIST = "{ orders { edges { node { id customer { id } } } } }"


def test_a_database_that_is_gone_and_comes_back(start_cluster, launch, calling):
    with (
        start_cluster() as (cluster, database),
        launch(database=database, DATABASE_POOL_ACQUIRE_TIMEOUT_MS="1000") as service,
        calling(service) as api,
    ):
        nobody = api.as_bearer(None)

        def ready() -> bool:
            return nobody.get("/readyz", checked=False).status_code == 200

        before = api.order()
        cluster.server.kill()
        try:
            calls = [
                lambda: api.run(LIST),
                lambda: api.create("Customer", customer_body()),
            ] * 4
            started = time.monotonic()
            answers = all_at_once(calls)
            assert time.monotonic() - started < QUICK_SECONDS
            assert {a.outcome for a in answers} == {"unavailable"}
            assert {a.status for a in answers} == {200}
            # What needs no database is told as ever.
            assert nobody.run(LIST).status == 401
            assert_not_executed(api.run("{ nonsense }"), "invalid-document")
            assert api.run("{ __typename }").data
            wait_until(lambda: not ready(), PROBES_SECONDS, lambda: "/readyz is still 200", 0.2)
            assert nobody.get("/livez").status_code == 200
        finally:
            cluster.server.restart()
        wait_until(ready, PROBES_SECONDS, lambda: "/readyz is not 200 again", 0.2)
        assert api.read("order", before["id"]) == before
        database.end_sessions()
        wait_until(
            lambda: not any(a.errors for a in all_at_once([lambda: api.run(LIST)] * 10)),
            5,
            lambda: "ten requests at once do not succeed 5 s after the sessions ended",
        )
        assert service.process.poll() is None
