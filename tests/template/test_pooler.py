"""Services behind a pooler in transaction mode: what DATABASE_POOLED is for, shown without it.

A single process hides most of it: it gets back the server connection that it had. So there are two.
"""

import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.contract.client import ORDER_SCOPES, Caller, customer_body, order_body
from tests.contract.conftest import SHARED_ENVIRONMENT, new_tenant, open_http
from tests.contract.database import Cluster, Database, Pooler
from tests.contract.issuer import Issuer
from tests.contract.service import (
    Commands,
    StartedService,
    clean_environment,
    free_port,
    run_migrations,
    start_process,
    wait_until,
)
from tests.fixtures.programs import needs_pgbouncer
from tests.template.make import PATH
from tests.template.trees import LANGUAGES, TREES

pytestmark = [pytest.mark.verify, needs_pgbouncer]

PGBOUNCER = [sys.executable, str(Path(__file__).with_name("pgbouncer.py"))]
# As many operators set it, to have drivers connect at all.
IGNORING = (
    "ignore_startup_parameters = statement_timeout,idle_in_transaction_session_timeout,options"
)
PROCESSES = 2
AT_ONCE = 4
ROUNDS = 15


@dataclass(frozen=True)
class Behind:
    """One tree's service, its database, and the poolers to put between."""

    commands: Commands
    framework: str
    issuer: Issuer
    direct: Database
    strict: Pooler
    ignoring: Pooler
    logs: Path

    def through(self, pooler: Pooler) -> str:
        """The address of the database behind a pooler: nothing in it tells of that."""
        server = self.direct.cluster.server
        return self.direct.direct_url.replace(f":{server.port}/", f":{pooler.port}/")

    @contextmanager
    def running(self, pooler: Pooler, *, pooled: bool, **environment: str) -> Iterator["Fleet"]:
        """Two processes of the service behind `pooler`, whose server connections are new."""
        self.direct.end_sessions()
        with ExitStack() as stack:
            services = [
                start_process(
                    self.commands,
                    {
                        **SHARED_ENVIRONMENT,
                        "PATH": PATH,
                        "OIDC_ISSUER": self.issuer.url,
                        "DATABASE_URL": self.through(pooler),
                        "DATABASE_POOLED": str(pooled).lower(),
                        **environment,
                    },
                    self.logs / f"{time.monotonic_ns()}.log",
                )
                for _ in range(PROCESSES)
            ]
            for service in services:
                stack.callback(service.kill)
            for service in services:
                service.wait_ready()
            callers = [
                Caller(
                    stack.enter_context(open_http(service)),
                    self.issuer.token(tenant=new_tenant(), scope=ORDER_SCOPES),
                )
                for service in services
            ]
            yield Fleet(services, callers)


@dataclass(frozen=True)
class Fleet:
    """Processes of one service, and a caller of each."""

    services: list[StartedService]
    callers: list[Caller]

    def work(self, rounds: int = ROUNDS) -> Counter[int]:
        """What calls are answered that many at once make, by status: writes, lists and reads."""

        def use(caller: Caller) -> list[int]:
            answers = []
            for _ in range(rounds):
                # Not held against the contract: what is answered is what is looked at.
                made = caller.post("/v1/customers", customer_body(), checked=False)
                answers += [made, caller.get("/v1/orders?limit=5", checked=False)]
                if made.status_code == 201:
                    order = order_body(made.json()["id"])
                    answers += [
                        caller.post("/v1/orders", order, checked=False),
                        caller.get(made.headers["location"], checked=False),
                    ]
            return [answer.status_code for answer in answers]

        everyone = [caller for caller in self.callers for _ in range(AT_ONCE)]
        with ThreadPoolExecutor(len(everyone)) as threads:
            return Counter(status for answers in threads.map(use, everyone) for status in answers)

    def complaints(self) -> str:
        """What the processes have printed of errors."""
        lines = [line for service in self.services for line in service.output().splitlines()]
        return "\n".join(line for line in lines if '"level":"info"' not in line)


# How a language talks to PostgreSQL is the same in all trees of it.
@pytest.fixture(scope="module", params=LANGUAGES.values())
def behind(
    request: pytest.FixtureRequest,
    installed: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Behind]:
    tree = TREES[request.param]
    service = installed(tree.name, "orders", database="neon")
    commands = Commands(service, list(tree.serve), list(tree.migrate))
    strict = Pooler(shlex.join([*PGBOUNCER, "default_pool_size=4"]), free_port())
    ignoring = Pooler(shlex.join([*PGBOUNCER, "default_pool_size=4", IGNORING]), free_port())
    cluster = Cluster.start(strict)
    try:
        ignoring.start(cluster.server)
        database = cluster.database()
        with Issuer() as issuer:
            run_migrations(commands, {"PATH": PATH, "DATABASE_URL": database.direct_url})
            logs = tmp_path_factory.mktemp("logs")
            yield Behind(commands, tree.name, issuer, database, strict, ignoring, logs)
    finally:
        ignoring.stop()
        cluster.stop()


@pytest.mark.parametrize("kind", ["strict", "ignoring"])
def test_two_processes_of_a_pooled_service_answer_every_call(behind: Behind, kind: str):
    with behind.running(getattr(behind, kind), pooled=True) as fleet:
        answers = fleet.work()
        assert answers.keys() == {200, 201}, fleet.complaints()
        assert answers.total() == PROCESSES * AT_ONCE * ROUNDS * 4


def test_unpooled_no_call_reaches_the_database_for_the_pooler_refuses_its_settings(behind: Behind):
    with behind.running(behind.strict, pooled=False) as fleet:
        answers = fleet.work(rounds=2)
        assert all(status >= 500 for status in answers), answers
        assert "unsupported startup parameter" in fleet.complaints()


def test_unpooled_named_statements_meet_those_of_another_process(behind: Behind):
    with behind.running(behind.ignoring, pooled=False) as fleet:
        answers = fleet.work()
        if behind.framework == "express":
            # Prisma's adapter names no statement; what it loses is in the next tests.
            assert answers.keys() == {200, 201}
        else:
            assert answers[500] > 0, answers
            assert "prepared statement" in fleet.complaints()


WAITING = """
    select count(*) from pg_stat_activity
    where datname = current_database() and state = 'active' and wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("pooled", [True, False])
def test_unpooled_the_server_limits_no_statement(behind: Behind, pooled: bool):
    """A client may give up by itself; what it asked for goes on and holds its locks."""
    limits = {"DATABASE_STATEMENT_TIMEOUT_MS": "300", "REQUEST_TIMEOUT_MS": "5000"}
    with (
        behind.running(behind.ignoring, pooled=pooled, **limits) as fleet,
        psycopg.connect(behind.direct.direct_url, autocommit=True) as observer,
        ThreadPoolExecutor(1) as thread,
    ):

        def waiting() -> int:
            return observer.execute(WAITING).fetchone()[0]  # type: ignore[index]

        caller = fleet.callers[0]
        assert caller.get("/v1/customers").status_code == 200
        with behind.direct.tables_locked():
            call = thread.submit(caller.get, "/v1/customers")
            wait_until(waiting, 5, lambda: "no statement waits for the lock", interval=0.02)
            time.sleep(0.8)
            assert waiting() == (0 if pooled else 1)
        assert call.result().status_code in ({503} if pooled else {200, 503})


# Why a migration must not go through such a pooler, and why limits are set by SET LOCAL.


@contextmanager
def two_clients(url: str) -> Iterator[list[psycopg.Connection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(2)]


def test_through_a_pooler_two_clients_hold_the_same_lock(behind: Behind):
    attempt = "select pg_try_advisory_lock(1)"

    def held(url: str) -> list[bool]:
        with two_clients(url) as clients:
            return [client.execute(attempt).fetchone()[0] for client in clients]  # type: ignore[index]

    assert held(behind.direct.direct_url) == [True, False]
    assert held(behind.through(behind.strict)) == [True, True]


def test_through_a_pooler_what_a_client_sets_is_set_for_the_next(behind: Behind):
    def seen(url: str, statement: str) -> str:
        with two_clients(url) as (one, other):
            with one.transaction():
                one.execute(statement)
            return other.execute("show work_mem").fetchone()[0]  # type: ignore[index]

    pooled = behind.through(behind.strict)
    default = seen(pooled, "select 1")
    assert seen(pooled, "set local work_mem = '77kB'") == default
    assert seen(pooled, "set work_mem = '77kB'") == "77kB"
    assert seen(behind.direct.direct_url, "set work_mem = '77kB'") == default


@pytest.mark.parametrize(
    "address",
    [
        {"DATABASE_URL": "postgresql://u:s@db.example.com/shop", "DATABASE_POOLED": "true"},
        {"DATABASE_URL": "postgresql://u:s@ep-cool-1-pooler.eu-central-1.aws.neon.tech/shop"},
        {"DATABASE_URL": "postgresql://u:s@aws-0-eu.pooler.supabase.com:6543/shop"},
        {"DATABASE_DIRECT_URL": "postgresql://u:s@ep-cool-1-pooler.eu.aws.neon.tech/shop"},
        {"DATABASE_DIRECT_URL": "postgresql://u:s@db.abcd.supabase.co:6543/shop"},
    ],
)
def test_migrate_refuses_a_pooler_before_it_connects(behind: Behind, address: dict[str, str]):
    done = subprocess.run(
        behind.commands.migrate,
        cwd=behind.commands.directory,
        env={**clean_environment(), "PATH": PATH, **address},
        capture_output=True,
        text=True,
        timeout=30,
    )
    told = done.stdout + done.stderr
    assert done.returncode not in (0, 1), told
    assert "DATABASE_DIRECT_URL" in told
    assert "transaction pooler" in told
