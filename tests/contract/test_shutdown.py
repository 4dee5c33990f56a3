"""SIGTERM: out of the load balancer first, then done with what was begun, then gone with exit 0."""

import contextlib
import signal
import socket
import threading
import time
from dataclasses import dataclass, field

import httpx
import pytest

from .client import customer_body, new_key, order_body
from .raw import connect, read_until_quiet, request_bytes
from .service import wait_until

DRAIN_SECONDS = 1.5
GRACE_SECONDS = 5.0
SETTINGS = {
    "SHUTDOWN_DRAIN_MS": str(int(DRAIN_SECONDS * 1000)),
    "SHUTDOWN_GRACE_MS": str(int(GRACE_SECONDS * 1000)),
    "REQUEST_TIMEOUT_MS": "60000",
    "DATABASE_STATEMENT_TIMEOUT_MS": "60000",
    "DATABASE_POOL_ACQUIRE_TIMEOUT_MS": "30000",
}


def wants_close(response: httpx.Response) -> bool:
    return "close" in response.headers.get("connection", "").lower()


def new_client() -> httpx.Client:
    return httpx.Client(trust_env=False, verify=False, timeout=20)


@dataclass
class Load:
    """Callers that ask without pause until told to stop, each in its own way."""

    url: str
    path: str
    token: str
    stop: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, httpx.Response]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def reuse_connections(self) -> None:
        """Keeps its connection until told `Connection: close`, as every HTTP client does."""
        with new_client() as client:
            self._ask(client.get)

    def connect_anew(self) -> None:
        """Uses a new connection every time, as a load balancer with a cold pool does."""

        def get(url: str, headers: dict[str, str]) -> httpx.Response:
            with new_client() as client:
                return client.get(url, headers=headers)

        self._ask(get)

    def _ask(self, get) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        while not self.stop.is_set():
            asked = time.monotonic()
            try:
                self.answers.append((asked, get(self.url + self.path, headers=headers)))
            except httpx.TransportError as error:
                self.failures.append(f"{asked}: {error!r}")


def test_under_load_no_request_fails_and_the_exit_code_is_0(launch, mint, calling, guarded):
    with launch(**SETTINGS) as service, calling(service) as api:
        assert api.token
        load = Load(service.url, guarded.path, api.token)
        threads = [threading.Thread(target=load.reuse_connections) for _ in range(3)]
        threads += [threading.Thread(target=load.connect_anew) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        told = service.terminate()
        time.sleep(DRAIN_SECONDS * 0.75)
        load.stop.set()
        for thread in threads:
            thread.join()
        code = service.wait(GRACE_SECONDS + 1)
        gone = time.monotonic() - told

    assert load.failures == []
    assert {response.status_code for _, response in load.answers} == {200}
    # A request read just before the signal may be answered just after it.
    during = [response for asked, response in load.answers if asked > told + 0.25]
    assert len(during) > 20
    assert all(wants_close(response) for response in during)
    assert code == 0
    assert DRAIN_SECONDS - 0.2 <= gone <= DRAIN_SECONDS + 2


def test_readyz_is_503_at_once_and_livez_stays_200(launch, calling):
    with launch(**SETTINGS) as service, calling(service) as api:
        nobody = api.as_bearer(None)
        assert nobody.get("/readyz").status_code == 200
        told = service.terminate()
        wait_until(
            lambda: nobody.request("GET", "/readyz", checked=False).status_code == 503,
            1,
            lambda: "/readyz is not 503 a second after SIGTERM",
            0.01,
        )
        assert time.monotonic() - told < 0.5
        while time.monotonic() - told < DRAIN_SECONDS * 0.75:
            assert nobody.request("GET", "/readyz", checked=False).status_code == 503
            live = nobody.get("/livez")
            assert live.status_code == 200
            assert wants_close(live)
            time.sleep(0.1)
        assert service.wait(GRACE_SECONDS) == 0


def test_a_connection_that_was_idle_before_the_signal_may_still_ask(launch, guarded):
    """It has not been told to close, so its next request is answered, and told."""
    with launch(**SETTINGS) as service:
        with connect(service) as idle, connect(service) as silent:
            idle.sendall(request_bytes("GET", "/livez"))
            assert read_until_quiet(idle, 2).status == 200
            service.terminate()
            time.sleep(DRAIN_SECONDS / 2)
            for connection in (idle, silent):
                connection.sendall(request_bytes("GET", guarded.path))
                answer = read_until_quiet(connection, 2)
                assert answer.status == 401
                assert (answer.header("connection") or "").lower() == "close"
                assert answer.closed
        assert service.wait(GRACE_SECONDS) == 0


def test_idle_connections_do_not_hold_it_up(launch):
    with launch(**SETTINGS) as service:
        held = [connect(service) for _ in range(5)]
        for connection in held[:3]:
            connection.sendall(request_bytes("GET", "/livez"))
            read_until_quiet(connection, 1)
        held[3].sendall(b"GET /livez HTTP/1.1\r\nHost: x")
        told = service.terminate()
        assert service.wait(GRACE_SECONDS + 1) == 0
        assert time.monotonic() - told < GRACE_SECONDS
        for connection in held:
            connection.close()


@pytest.mark.orders
def test_a_request_in_flight_is_finished_after_the_drain(launch, new_database, calling):
    database = new_database()
    with launch(database=database, **SETTINGS) as service, calling(service) as api:
        body = order_body(api.customer()["id"])
        answers: list[httpx.Response] = []
        asker = threading.Thread(target=lambda: answers.append(api.post("/v1/orders", body)))
        with database.writes_held() as holds_one:
            asker.start()
            wait_until(holds_one, 5, lambda: "the request does not write")
            told = service.terminate()
            time.sleep(DRAIN_SECONDS + 0.7)
            assert service.process.poll() is None
            with socket.socket() as probe:
                assert probe.connect_ex(service.address) != 0, "it still accepts connections"
        asker.join()
        assert answers[0].status_code == 201
        assert service.wait(GRACE_SECONDS) == 0
        assert time.monotonic() - told < GRACE_SECONDS


@pytest.mark.orders
def test_a_request_that_hangs_is_given_up_within_the_grace_time_with_exit_1(
    launch, new_database, calling
):
    database = new_database()
    with launch(database=database, **SETTINGS) as service, calling(service) as api:

        def ask() -> None:
            with contextlib.suppress(httpx.TransportError):
                api.post("/v1/customers", customer_body(), checked=False)

        asker = threading.Thread(target=ask)
        with database.writes_held() as holds_one:
            asker.start()
            wait_until(holds_one, 5, lambda: "the request does not write")
            told = service.terminate()
            assert service.wait(GRACE_SECONDS + 2) == 1
            took = time.monotonic() - told
            asker.join()
        assert DRAIN_SECONDS <= took <= GRACE_SECONDS + 1


def test_a_second_signal_does_not_make_it_stay_longer(launch):
    with launch(**SETTINGS) as service:
        told = service.terminate()
        time.sleep(0.2)
        service.terminate()
        code = service.wait(GRACE_SECONDS + 1)
        assert code in {0, 1, -signal.SIGTERM, 128 + signal.SIGTERM}
        assert time.monotonic() - told < GRACE_SECONDS


@pytest.mark.orders
def test_nothing_that_was_answered_is_lost_and_nothing_is_half_done(
    launch, new_database, calling, mint
):
    """Orders are created until the service is gone; its successor knows each that was answered."""
    database, tenant = new_database(), new_key()
    short = {**SETTINGS, "SHUTDOWN_DRAIN_MS": "300"}
    created: list[str] = []
    with launch(database=database, **short) as service, calling(service, tenant=tenant) as api:
        customer = api.customer()["id"]
        stop = threading.Event()

        def create() -> None:
            while not stop.is_set():
                try:
                    created.append(api.create_order(customer).json()["id"])
                except httpx.TransportError:
                    return

        threads = [threading.Thread(target=create) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        service.terminate()
        assert service.wait(GRACE_SECONDS) == 0
        stop.set()
        for thread in threads:
            thread.join()
    assert created
    with launch(database=database) as successor, calling(successor, tenant=tenant) as api:
        kept = {order["id"] for page in api.pages("/v1/orders", limit=100) for order in page}
        assert set(created) <= kept
