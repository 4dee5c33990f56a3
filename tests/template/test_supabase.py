"""Services on a server dressed as Supabase: its roles see nothing, the service misses nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from senior_backend.postgres import Server, start
from tests.contract.client import ORDER_SCOPES, Caller
from tests.contract.conftest import SHARED_ENVIRONMENT, new_tenant, open_http
from tests.contract.issuer import Issuer
from tests.contract.service import Commands, free_port, run_migrations, start_process
from tests.template.make import PATH
from tests.template.trees import LANGUAGES, TREES

pytestmark = pytest.mark.verify

OUTSIDE = ("anon", "authenticated", "service_role")

# Supabase's `postgres` owns what migrations make and is no superuser; here it is called `owner`,
# for the server has a superuser of that name. The grants are those of a self-hosted installation,
# and of a project made before tables stopped being shown by default.
DRESS = """
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role owner login nosuperuser createdb createrole bypassrls password 'owner';
"""
DRESS_DATABASE = """
grant usage, create on schema public to owner;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges for role owner in schema public
  grant all on tables to anon, authenticated, service_role;
"""

TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"
PRIVILEGES = ("select", "insert", "update", "delete", "truncate", "references", "trigger")


@dataclass(frozen=True)
class Place:
    """A database at the dressed server."""

    server: Server
    name: str

    def url(self, role: str = "owner") -> str:
        """As one of its roles, whose password is its name."""
        return f"postgresql://{role}:{role}@127.0.0.1:{self.server.port}/{self.name}"

    def superuser(self) -> psycopg.Connection:
        """A connection that may do everything."""
        return psycopg.connect(self.server.url(self.name), autocommit=True)

    def tables(self) -> set[str]:
        """What lies in schema public."""
        with self.superuser() as connection:
            return {name for (name,) in connection.execute(TABLES)}

    def may(self, role: str) -> set[tuple[str, str]]:
        """Every table with what `role` may do to it: by privilege, whatever rows it sees."""
        with self.superuser() as connection:
            return {
                (table, privilege)
                for table in self.tables()
                for privilege in PRIVILEGES
                if connection.execute(
                    "select has_table_privilege(%s, %s, %s)", [role, f"public.{table}", privilege]
                ).fetchone()
                == (True,)
            }

    def rows_seen(self, role: str) -> int:
        """How many rows `role` would see if everything were granted to it."""
        with self.superuser() as connection, connection.transaction(force_rollback=True):
            for table in self.tables():
                name = sql.Identifier(table)
                connection.execute(
                    sql.SQL("grant select on {} to {}").format(name, sql.Identifier(role))
                )
            tables = self.tables()
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            return sum(
                connection.execute(
                    sql.SQL("select count(*) from {}").format(sql.Identifier(table))
                ).fetchone()[0]  # type: ignore[index]
                for table in tables
            )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """PostgreSQL with Supabase's roles."""
    with start() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(DRESS)
        yield server


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def place(server: Server, request: pytest.FixtureRequest) -> Place:
    """A new database, with Supabase's grants."""
    name = f"supabase_{free_port()}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} owner owner").format(sql.Identifier(name)))
    place = Place(server, name)
    with place.superuser() as connection:
        connection.execute(DRESS_DATABASE)
    return place


# The migrations of all trees of one language are the same files.
@pytest.fixture(params=LANGUAGES.values())
def tree(request: pytest.FixtureRequest) -> str:
    return request.param


def commands_of(service: Path, tree: str) -> Commands:
    return Commands(service, list(TREES[tree].serve), list(TREES[tree].migrate))


def migrate(commands: Commands, place: Place, *arguments: str) -> None:
    """As the owner."""
    down = Commands(commands.directory, commands.serve, [*commands.migrate, *arguments])
    run_migrations(down, {"PATH": PATH, "DATABASE_URL": place.url()})


@contextmanager
def calling(
    commands: Commands, place: Place, role: str, issuer: Issuer, log: Path
) -> Iterator[Caller]:
    """A caller of the service, which connects as `role`."""
    service = start_process(
        commands,
        {
            **SHARED_ENVIRONMENT,
            "PATH": PATH,
            "OIDC_ISSUER": issuer.url,
            "DATABASE_URL": place.url(role),
        },
        log,
    )
    try:
        service.wait_ready()
        with open_http(service) as http:
            yield Caller(http, issuer.token(tenant=new_tenant(), scope=ORDER_SCOPES))
    finally:
        service.kill()


def test_without_the_answer_every_table_is_open_to_the_internet(
    installed: Callable[..., Path], tree: str, place: Place
):
    """What the other tests would see: so they can fail."""
    migrate(commands_of(installed(tree, "orders"), tree), place)
    everything = {(table, privilege) for table in place.tables() for privilege in PRIVILEGES}
    assert len(place.tables()) == 5
    assert [place.may(role) for role in OUTSIDE] == [everything] * 3


def test_nobody_outside_may_do_anything_and_the_service_everything(
    installed: Callable[..., Path], tree: str, place: Place, issuer: Issuer, tmp_path: Path
):
    commands = commands_of(installed(tree, "orders", database="supabase"), tree)
    migrate(commands, place)
    tables = place.tables()
    assert len(tables) == 5, "the ledger of migrations is one of them"
    with calling(commands, place, "owner", issuer, tmp_path / "log") as caller:
        order = caller.order(status="shipped")
        assert caller.get(f"/v1/orders/{order['id']}").json()["status"] == "shipped"

    assert [place.may(role) for role in OUTSIDE] == [set()] * 3
    # Were something granted later: still no row.
    assert [place.rows_seen(role) for role in ("anon", "authenticated")] == [0, 0]
    assert place.rows_seen("owner") > 5

    for role in OUTSIDE:
        with place.superuser() as connection:
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            for table in tables:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(
                        sql.SQL("select from public.{}").format(sql.Identifier(table))
                    )


def test_tables_are_closed_again_after_a_way_down_and_up(
    installed: Callable[..., Path], tree: str, place: Place
):
    commands = commands_of(installed(tree, "orders", database="supabase"), tree)
    migrate(commands, place)
    migrate(commands, place, "--down", "base")
    assert [place.may(role) for role in OUTSIDE] == [set()] * 3
    migrate(commands, place)
    assert len(place.tables()) == 5
    assert [place.may(role) for role in OUTSIDE] == [set()] * 3


# A role of the service's own, as the README has it: it must bypass row-level security.


@pytest.mark.parametrize("bypasses", [True, False])
def test_a_role_of_its_own_serves_if_it_bypasses_row_security(
    installed: Callable[..., Path],
    tree: str,
    place: Place,
    issuer: Issuer,
    tmp_path: Path,
    bypasses: bool,
):
    service = installed(tree, "orders", database="supabase")
    readme = (service / "README.md").read_text()
    create = readme[readme.index("create role service") : readme.index("tables to service;")]
    statement = f"{create}tables to service;".replace("'...'", "'service'")
    if not bypasses:
        statement = statement.replace(" bypassrls", "")
    with psycopg.connect(place.url(), autocommit=True) as owner:
        owner.execute(statement)
    commands = commands_of(service, tree)
    migrate(commands, place)
    try:
        with calling(commands, place, "service", issuer, tmp_path / "log") as caller:
            if bypasses:
                order = caller.order(status="confirmed")
                assert caller.get(f"/v1/orders/{order['id']}").status_code == 200
                listed = next(caller.pages("/v1/orders"))
                assert [item["id"] for item in listed] == [order["id"]]
            else:
                assert next(caller.pages("/v1/orders")) == []
                made = caller.post("/v1/customers", {"email": "a@b.eu", "name": "A"}, checked=False)
                assert made.status_code >= 500
        with (
            psycopg.connect(place.url("service")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("drop table orders")
    finally:
        with place.superuser() as connection:
            connection.execute("drop owned by service")
            connection.execute("drop role service")
