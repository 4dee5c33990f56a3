"""A database with a table in use, and `migrations run` on it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from senior_backend.migrations.deploy import connection, flow
from senior_backend.migrations.deploy.report import Report
from senior_backend.postgres import Databases, Session
from senior_backend.postgres.identity import server_user
from senior_backend.postgres.installation import resolve

# Real time: the shortest that a busy machine still keeps.
LOCK_TIMEOUT_S = 0.15


def of_url(url: str) -> str:
    """The password in one of our own servers' addresses."""
    return url.partition("@")[0].rpartition(":")[2]


@dataclass
class Shop:
    """A table ``orders``, whose ``total`` is not unique, and another session that is at it."""

    url: str
    psql: str
    other: Session
    lines: list[str] = field(default_factory=list)
    on_line: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens, once, when a line with this text is said."""

    def run(self, *command: str, **asked: object) -> Report:
        """Run a command; the ``Order`` differs from the defaults as asked."""
        environment = {**os.environ, "DATABASE_URL": self.url, **asked.pop("environment", {})}
        address = environment["DATABASE_URL"]
        settings = {"lock_timeout": LOCK_TIMEOUT_S, "delay": 0.05, "concurrent_timeout": 20.0}
        order = flow.Order(
            command=command,
            url=connection.own_address(address, "DATABASE_URL"),
            address=address,
            variable="DATABASE_URL",
            environment=environment,
            **{**settings, **asked},
        )
        return flow.run(order, self._say)

    def sql(self, *statements: str, **asked: object) -> Report:
        """Run statements with psql, each on its own, as one that stops at the first error."""
        return self.run(*self.command(*statements), **asked)

    def command(self, *statements: str) -> list[str]:
        parts = [part for statement in statements for part in ("-c", statement)]
        return [self.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", self.url, *parts]

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with Session(self.url) as session:
            return session.execute(query)

    def indexes(self) -> dict[str, bool]:
        """Of ``orders``: whether each is valid."""
        return dict(
            self.ask(
                "select indexrelid::regclass::text, indisvalid from pg_index "
                "where indrelid = 'orders'::regclass order by 1"
            )
        )

    def leave_invalid(self, name: str) -> None:
        """An INVALID index, as a failed build leaves it."""
        with Session(self.url) as session, pytest.raises(Exception, match="could not create"):
            session.execute(f"create unique index concurrently {name} on orders (total)")

    def hold(self, statement: str = "select count(*) from orders") -> None:
        """The other session begins a transaction and leaves it open."""
        self.other.execute("begin")
        self.other.execute(statement)

    def let_go(self) -> None:
        self.other.execute("commit")

    def said(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def _say(self, line: str) -> None:
        self.lines.append(line)
        for text in [text for text in self.on_line if text in line]:
            self.on_line.pop(text)()


@pytest.fixture(scope="session")
def psql() -> str:
    path = resolve(None, None, server_user()).bin_dir / "psql"
    assert Path(path).exists()
    return str(path)


@pytest.fixture(scope="module")
def shop_url(postgres_server: Databases) -> Iterator[str]:
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def shop(shop_url: str, psql: str) -> Iterator[Shop]:
    with Session(shop_url) as other:
        other.execute("set application_name = 'reports'; set client_min_messages = error")
        other.execute(
            "drop schema public cascade; create schema public;"
            "create table orders (id int primary key, total int);"
            "insert into orders select g, g % 10 from generate_series(1, 200) g"
        )
        yield Shop(shop_url, psql, other)
