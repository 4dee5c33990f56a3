"""The pool, its limits, and what becomes of requests when the database is away."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database.engine import Database, PoolSettings, open_database
from app.database.errors import as_unavailable
from app.database.probe import DatabaseProbe
from app.database.url import parse_database_url
from app.domain.errors import Unavailable

Open = Callable[..., AbstractAsyncContextManager[Database]]


@pytest.fixture
def opened(database_url: str) -> Open:
    def open_with(
        max_connections: int = 2,
        acquire_timeout_ms: int = 200,
        statement_timeout_ms: int = 300,
        pooled: bool = False,
    ) -> AbstractAsyncContextManager[Database]:
        settings = PoolSettings(max_connections, acquire_timeout_ms, statement_timeout_ms, pooled)
        return open_database(parse_database_url(database_url), settings)

    return open_with


@asynccontextmanager
async def unavailable() -> AsyncIterator[list[Unavailable]]:
    found: list[Unavailable] = []
    try:
        yield found
    except Exception as error:  # noqa: BLE001 - to be classified, whatever it is
        condition = as_unavailable(error)
        assert condition is not None, error
        found.append(condition)
    else:
        pytest.fail("nothing was unavailable")


@pytest.mark.parametrize("pooled", [False, True])
async def test_a_slow_statement_is_cancelled(opened: Open, pooled: bool) -> None:
    async with opened(pooled=pooled) as database:
        started = time.monotonic()
        async with unavailable(), database.read() as connection:
            await connection.execute(text("select pg_sleep(10)"))
        async with unavailable(), database.transaction() as connection:
            await connection.execute(text("select pg_sleep(10)"))
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("pooled", [False, True])
async def test_settings_of_the_url_hold_in_every_transaction(
    database_url: str, pooled: bool
) -> None:
    url = f"{database_url}?options=-c%20work_mem%3D1MB&search_path=a%2C%20%22it%27s%22"
    settings = PoolSettings(1, 200, 300, pooled)
    shown = text("select current_setting('work_mem'), current_setting('search_path')")
    async with open_database(parse_database_url(url), settings) as database:
        for connect in (database.read, database.transaction):
            async with connect() as connection:
                assert (await connection.execute(shown)).one() == ("1MB", 'a, "it\'s"')


async def test_what_a_pooled_transaction_sets_ends_with_it(opened: Open) -> None:
    async with opened(max_connections=1, pooled=True) as database:
        async with database.read() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        assert await driver.fetchval("show statement_timeout") == "0"


async def test_a_full_pool_refuses_quickly_and_recovers(opened: Open) -> None:
    async with opened(max_connections=1) as database:
        async with database.read():
            started = time.monotonic()
            async with unavailable() as found, database.read():
                pass
            assert 0.15 < time.monotonic() - started < 1
            assert found[0].retry_after >= 1
        async with database.read() as connection:
            await connection.execute(text("select 1"))


async def test_a_connection_that_the_server_closed_is_replaced_unnoticed(opened: Open) -> None:
    async with opened(max_connections=1) as database:
        async with database.read() as connection:
            pid = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
        async with opened() as other, other.read() as connection:
            await connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
        await asyncio.sleep(0.1)
        async with database.read() as connection:
            again = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
        assert again != pid


@pytest.mark.parametrize("pooled", [False, True])
async def test_a_read_and_a_transaction_do_what_they_say(opened: Open, pooled: bool) -> None:
    async with opened(pooled=pooled) as database:
        async with database.transaction() as connection:
            await connection.execute(text("create table committed (n int)"))
        with pytest.raises(ZeroDivisionError):
            async with database.transaction() as connection:
                await connection.execute(text("insert into committed values (1)"))
                raise ZeroDivisionError
        async with database.read() as connection:
            rows = await connection.execute(text("select count(*) from committed"))
            assert rows.scalar_one() == 0
        async with database.transaction() as connection:
            await connection.execute(text("drop table committed"))


async def test_a_column_whose_type_changes_meanwhile_is_unavailable_for_a_moment(
    opened: Open,
) -> None:
    async def read() -> str | None:
        async with database.read() as connection:
            return (await connection.execute(text("select n from changing"))).scalar()

    async with opened(max_connections=1) as database, opened() as other:
        async with other.transaction() as connection:
            await connection.execute(text("create table changing (n varchar(10))"))
        assert await read() is None
        async with other.transaction() as connection:
            await connection.execute(text("alter table changing alter column n type text"))
        async with unavailable():
            await read()
        assert await read() is None
        async with other.transaction() as connection:
            await connection.execute(text("drop table changing"))


async def test_behind_a_pooler_limits_end_with_the_transaction(opened: Open) -> None:
    async with opened(pooled=True) as database, database.engine.connect() as connection:
        show = text("show statement_timeout")
        async with connection.begin():
            assert (await connection.execute(show)).scalar_one() == "300ms"
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert driver is not None
        assert await driver.fetchval("show statement_timeout") == "0"
        # No statement is kept by name: the next transaction may run on another server process.
        assert await driver.fetchval("select count(*) from pg_prepared_statements") == 0


async def test_of_transactions_that_wait_for_each_other_one_is_unavailable(opened: Open) -> None:
    met = [asyncio.Event(), asyncio.Event()]

    async def lock(database: Database, own: int, other: int) -> None:
        async with database.transaction() as connection:
            await connection.execute(text(f"select pg_advisory_xact_lock({own})"))
            met[own].set()
            await met[other].wait()
            await connection.execute(text(f"select pg_advisory_xact_lock({other})"))

    async with opened(statement_timeout_ms=10_000) as database:
        locking = [lock(database, 0, 1), lock(database, 1, 0)]
        outcomes = await asyncio.gather(*locking, return_exceptions=True)
    [failure] = [outcome for outcome in outcomes if outcome is not None]
    condition = as_unavailable(failure)
    assert str(condition) == "Another request holds the data that this one needs."


async def test_a_bug_in_a_statement_is_no_outage(opened: Open) -> None:
    async with opened() as database:
        with pytest.raises(DBAPIError) as failure:
            async with database.read() as connection:
                await connection.execute(text("select * from nowhere"))
        assert as_unavailable(failure.value) is None


@pytest.mark.parametrize("error", [FileNotFoundError(), PermissionError(), TimeoutError()])
def test_an_error_of_the_system_elsewhere_is_no_outage_of_the_database(error: OSError) -> None:
    assert as_unavailable(error) is None


async def test_an_error_does_not_quote_the_row_that_was_refused(opened: Open) -> None:
    async with opened() as database:
        with pytest.raises(DBAPIError) as failure:
            async with database.read() as connection:
                await connection.execute(
                    text("with t as (select 1) insert into idempotency_keys (key) values ('ada')")
                )
    told = "".join(traceback.format_exception(failure.value))
    assert "violates not-null constraint" in told
    assert "Failing row" not in told


async def test_an_unreachable_database_is_unavailable() -> None:
    address = parse_database_url("postgresql://127.0.0.1:1/nowhere")
    settings = PoolSettings(1, 200, 300, pooled=False)
    async with open_database(address, settings) as database, unavailable(), database.read():
        pass


@asynccontextmanager
async def listening(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]],
) -> AsyncIterator[int]:
    """A server on a port of its own; what is left of its connections ends with it."""
    connections: dict[asyncio.Task[object], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections[task] = writer
        with suppress(asyncio.CancelledError, ConnectionError):
            await answer(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for writer in connections.values():
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def test_closing_does_not_wait_for_a_server_that_is_frozen(database_url: str) -> None:
    address = parse_database_url(database_url)
    answering = asyncio.Event()
    answering.set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await answering.wait()
            writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(
            address.url.host, address.url.port or 5432
        )
        try:
            await asyncio.gather(copy(reader, server_writer), copy(server_reader, writer))
        finally:
            server_writer.close()

    async with listening(relay) as port:
        url = address.url.set(host="127.0.0.1", port=port)
        database = Database(replace(address, url=url), PoolSettings(1, 200, 300, pooled=False))
        async with database.read():
            pass
        answering.clear()
        started = time.monotonic()
        await database.close()
        assert time.monotonic() - started < 4
        answering.set()


async def test_the_probe_goes_down_after_three_failures_and_up_after_one_answer(
    database_url: str,
) -> None:
    told: list[str | None] = []
    probe = DatabaseProbe(parse_database_url(database_url), on_change=told.append)
    assert not probe.up
    await probe.ask()
    assert probe.up
    probe._address = parse_database_url("postgresql://127.0.0.1:1/nowhere")
    states = []
    for _ in range(3):
        probe.close()
        await probe.ask()
        states.append(probe.up)
    assert states == [True, True, False]
    probe._address = parse_database_url(database_url)
    await probe.ask()
    assert probe.up
    assert [error and "ConnectionRefused" in error for error in told] == [None, True, None]
    probe.close()


async def test_the_probe_gives_up_on_a_server_that_does_not_answer() -> None:
    async with listening(lambda *_: asyncio.sleep(60)) as port:
        probe = DatabaseProbe(
            parse_database_url(f"postgresql://ada@127.0.0.1:{port}/shop"), timeout_s=0.1
        )
        started = time.monotonic()
        await probe.ask()
        assert time.monotonic() - started < 0.5
        assert probe.last_error == "TimeoutError"
