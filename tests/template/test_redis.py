"""Services with a cache: what two processes share through Redis, and that nobody misses it."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.contract.client import ORDER_SCOPES, Caller, all_at_once
from tests.contract.conftest import SHARED_ENVIRONMENT, new_tenant, open_http
from tests.contract.database import Cluster, Database
from tests.contract.issuer import Issuer
from tests.contract.service import Commands, StartedService, run_migrations, start_process
from tests.fixtures.programs import needs_redis
from tests.fixtures.redis import Redis, redis_server
from tests.template.make import PATH
from tests.template.test_contract import of_the_data, run_contract
from tests.template.trees import LANGUAGES, TREES, halves, seed

pytestmark = [pytest.mark.verify, needs_redis]

PER_MINUTE = 30
# More than a busy machine needs for an answer; where the timeout of Redis matters it is set.
PATIENT = {"REDIS_TIMEOUT_MS": "2000"}
READS = """
    select coalesce(seq_scan, 0) + coalesce(idx_scan, 0)
    from pg_stat_user_tables where relname = 'orders'
"""


@dataclass(frozen=True)
class Service:
    """One tree's service, and all that its processes share."""

    commands: Commands
    issuer: Issuer
    database: Database
    redis: Redis
    logs: Path

    @contextmanager
    def running(self, **environment: str) -> Iterator[list["Process"]]:
        """Two processes, each with a caller of one and the same tenant and subject."""
        token = self.issuer.token(tenant=new_tenant(), scope=ORDER_SCOPES)
        settings = {
            **SHARED_ENVIRONMENT,
            "PATH": PATH,
            "OIDC_ISSUER": self.issuer.url,
            "REDIS_URL": self.redis.url,
            **self.database.environment(),
            **environment,
        }
        with ExitStack() as stack:
            started = []
            for _ in range(2):
                service = start_process(
                    self.commands, settings, self.logs / f"{time.monotonic_ns()}"
                )
                stack.callback(service.kill)
                started.append(service)
            for service in started:
                service.wait_ready()
            yield [
                Process(service, Caller(stack.enter_context(open_http(service)), token))
                for service in started
            ]

    def reads_of_orders(self) -> int:
        """How often the table has been read; sessions count what they did when they end."""
        self.database.end_sessions()
        time.sleep(0.5)
        with psycopg.connect(self.database.direct_url) as connection:
            row = connection.execute(READS).fetchone()
        assert row is not None
        return row[0]


@dataclass(frozen=True)
class Process:
    """One process of the service, and a caller of it."""

    service: StartedService
    caller: Caller

    def metric(self, name: str) -> float:
        """The value of a metric, summed over its labels."""
        text = httpx.get(self.service.metrics_url or "", trust_env=False).text
        values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        assert values, f"there is no {name}"
        return sum(map(float, values))

    def log_events(self) -> list[str]:
        """What its log tells, in a word or two a line."""
        return [str(line.get("event")) for line in self.service.log_lines()]


# How a language talks to Redis is the same in all trees of it.
@pytest.fixture(scope="module", params=LANGUAGES.values())
def service(
    request: pytest.FixtureRequest,
    installed: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    tree = TREES[request.param]
    directory = installed(tree.name, "orders", cache="redis")
    commands = Commands(directory, list(tree.serve), list(tree.migrate))
    cluster = Cluster.start()
    try:
        database = cluster.database()
        run_migrations(commands, {"PATH": PATH, "DATABASE_URL": database.direct_url})
        with Issuer() as issuer, redis_server() as redis:
            yield Service(commands, issuer, database, redis, tmp_path_factory.mktemp("logs"))
    finally:
        cluster.stop()


def ask_until_limited(processes: list[Process], at_most: int) -> int:
    """How many requests pass, to the processes in turn, before one of them gets a 429."""
    for number in range(at_most):
        caller = processes[number % len(processes)].caller
        if caller.get("/v1/customers").status_code == 429:
            return number
    return at_most


def test_two_processes_share_one_limit(service: Service):
    with service.running(RATE_LIMIT_PER_MINUTE=str(PER_MINUTE), **PATIENT) as processes:
        passed = ask_until_limited(processes, 3 * PER_MINUTE)
        assert PER_MINUTE <= passed <= PER_MINUTE + 5
        for process in processes:
            answer = process.caller.get("/v1/customers")
            assert answer.status_code == 429
            assert 1 <= int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize("trouble", ["frozen", "gone"])
def test_without_redis_every_request_is_served_in_time_counted_and_not_limited(
    service: Service, trouble: str
):
    with service.running(RATE_LIMIT_PER_MINUTE=str(PER_MINUTE)) as processes:
        order = processes[0].caller.order()
        path = f"/v1/orders/{order['id']}"
        before = [process.metric("rate_limiter_failures_total") for process in processes]
        with getattr(service.redis, trouble)():
            for process in processes:
                began = time.monotonic()
                for _ in range(2 * PER_MINUTE):
                    asked = time.monotonic()
                    assert process.caller.get(path).status_code == 200
                    assert time.monotonic() - asked < 1.5
                # The timeout is paid once, not by each request.
                assert time.monotonic() - began < 2 * PER_MINUTE * 0.1
            changed = processes[0].caller.patch(path, {"status": "confirmed"}, if_match='"1"')
            assert changed.status_code == 200
            assert processes[0].caller.get(path).json() == changed.json()
        for process, failures in zip(processes, before, strict=True):
            assert process.metric("rate_limiter_failures_total") - failures >= 2 * PER_MINUTE
            assert process.metric("cache_failures_total") >= 2 * PER_MINUTE
            told = [event for event in process.log_events() if "redis away" in event]
            assert 1 <= len(told) <= 5
        time.sleep(3)
        assert processes[1].caller.get(path).json() == changed.json()
        assert ask_until_limited(processes, 5 * PER_MINUTE) < 5 * PER_MINUTE


def test_many_readers_of_one_order_read_the_database_once(service: Service):
    with service.running(**PATIENT) as processes:
        order = processes[0].caller.order()
        callers = [process.caller for process in processes]
        before = service.reads_of_orders()
        for caller in callers:  # connections to the database are made, and pools warm
            assert caller.get("/v1/customers").status_code in {200, 503}
        calls = [
            lambda caller=caller: caller.get(f"/v1/orders/{order['id']}") for caller in callers * 25
        ]
        answers = all_at_once(calls)
        assert [answer.json() for answer in answers] == [order] * len(calls)
        assert 1 <= service.reads_of_orders() - before <= 3


def test_no_read_is_older_than_a_change_that_was_answered(service: Service):
    """Two processes change orders while eight readers ask for them without a pause."""
    with service.running(**PATIENT) as processes:
        callers = [process.caller for process in processes]
        customer = callers[0].customer()
        known: dict[str, int] = {}
        current = ""
        done = False
        stale: list[str] = []

        def watch(caller: Caller) -> int:
            reads = 0
            while not done:
                order_id = current
                if not order_id:
                    continue
                least = known[order_id]
                answer = caller.get(f"/v1/orders/{order_id}")
                reads += 1
                if answer.json()["version"] < least:
                    stale.append(f"{order_id}: {answer.json()['version']} after {least}")
            return reads

        with ThreadPoolExecutor(8) as threads:
            watching = [threads.submit(watch, caller) for caller in callers * 4]
            try:
                for number in range(30):
                    order = callers[0].create_order(customer["id"]).json()
                    known[order["id"]], current = 1, order["id"]
                    for version, status in enumerate(["confirmed", "shipped", "delivered"], 1):
                        writer = callers[(number + version) % 2]
                        answer = writer.patch(
                            f"/v1/orders/{order['id']}",
                            {"status": status},
                            if_match=f'"{version}"',
                        )
                        assert answer.status_code == 200, answer.text
                        known[order["id"]] = version + 1
            finally:
                done = True
            reads = sum(watcher.result() for watcher in watching)
        assert stale == []
        assert reads > 100
        assert sum(process.metric("cache_requests_total") for process in processes) >= reads


# Those that the same run has no pooler for.
@pytest.mark.parametrize("framework", halves(seed())[1])
def test_the_contract_is_kept_with_redis(installed: Callable[..., Path], framework: str):
    directory = installed(framework, "orders", cache="redis")
    with redis_server() as redis:
        variables = {"REDIS_URL": redis.url, **PATIENT}
        options = [
            part
            for name, value in variables.items()
            for part in ("--contract-environment", f"{name}={value}")
        ]
        run_contract(directory, framework, "orders", *options, *of_the_data(framework))
