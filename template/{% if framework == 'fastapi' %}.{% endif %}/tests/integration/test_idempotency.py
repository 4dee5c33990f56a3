"""Idempotency keys, seen from a route that any service might have: POST /v1/jottings."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from app.application import Application
from app.auth.principal import Principal
from app.domain.errors import Conflict
from app.http.idempotency import IDEMPOTENCY_KEY, Created
from app.http.openapi import parameters
from app.http.route import ApiRoute, requires
from app.maintenance import delete_expired_keys
from app.routes.parts import writes_of
from tests.conftest import Token

Post = Callable[..., Any]
router = APIRouter(prefix="/v1", route_class=ApiRoute)
gate = asyncio.Event()


class Note(BaseModel):
    text: str
    refuse: bool = False


@router.post("/jottings", openapi_extra=parameters(IDEMPOTENCY_KEY))
@router.post("/books/{book}/jottings", openapi_extra=parameters(IDEMPOTENCY_KEY))
async def add_note(
    request: Request, caller: Annotated[Principal, requires("jottings:write")], body: Note
) -> Response:
    note_id = uuid4().hex

    async def write(transaction: AsyncConnection) -> None:
        await transaction.execute(
            text("insert into jottings values (:tenant, :text)"),
            {"tenant": caller.tenant, "text": body.text},
        )
        await gate.wait()
        if body.refuse:
            raise Conflict("No.")

    created = Created(body=b'{"id":"%s"}' % note_id.encode(), location=f"/n/{note_id}", etag='"1"')
    return await writes_of(request).create(request, caller, created, write)


@pytest.fixture(autouse=True)
async def jottings(app: Application) -> AsyncIterator[None]:
    gate.set()
    async with app.parts.database.transaction() as transaction:
        await transaction.execute(text("create table jottings (tenant text, note text)"))
    app.api.router.routes.extend(router.routes)
    yield
    del app.api.router.routes[-len(router.routes) :]
    async with app.parts.database.transaction() as transaction:
        await transaction.execute(text("drop table jottings"))


@pytest.fixture
def post(client: httpx.AsyncClient, token: Token) -> Post:
    async def send(
        body: Any, key: str | None, subject: str = "tester", path: str = "/v1/jottings", **more: Any
    ) -> Any:
        headers = {"authorization": f"Bearer {token('jottings:write', subject=subject, **more)}"}
        if key is not None:
            headers["idempotency-key"] = key
        return await client.post(path, json=body, headers=headers)

    return send


async def count(app: Application, tenant: str) -> int:
    async with app.parts.database.read() as connection:
        statement = text("select count(*) from jottings where tenant = :tenant")
        return int((await connection.execute(statement, {"tenant": tenant})).scalar_one())


async def test_a_repetition_happens_once_and_is_answered_alike(
    post: Post, app: Application, tenant: str
) -> None:
    first = await post({"text": "a", "refuse": False}, "k")
    again = await post({"refuse": False, "text": "a"}, "k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    for name in ("location", "etag", "content-type"):
        assert first.headers[name] == again.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await count(app, tenant) == 1


async def test_a_key_with_another_body_is_422(post: Post) -> None:
    await post({"text": "a"}, "k")
    reply = await post({"text": "b"}, "k")
    assert reply.status_code == 422
    assert reply.json()["type"] == "/problems/idempotency-key-reused"


async def test_a_key_with_the_same_body_elsewhere_is_422(post: Post) -> None:
    first = await post({"text": "a"}, "k", path="/v1/books/1/jottings")
    again = await post({"text": "a"}, "k", path="/v1/books/1/jottings")
    assert (first.status_code, again.content) == (201, first.content)
    reply = await post({"text": "a"}, "k", path="/v1/books/2/jottings")
    assert reply.status_code == 422
    assert reply.json()["type"] == "/problems/idempotency-key-reused"


async def test_keys_of_others_are_other_keys(post: Post) -> None:
    replies = [
        await post({"text": "a"}, "k"),
        await post({"text": "a"}, "k", subject="another"),
        await post({"text": "a"}, "k", tenant="another"),
        await post({"text": "a"}, "K"),
    ]
    assert len({reply.json()["id"] for reply in replies}) == 4


async def test_after_an_error_a_retry_executes(post: Post, app: Application, tenant: str) -> None:
    assert (await post({"text": "a", "refuse": True}, "k")).status_code == 409
    assert await count(app, tenant) == 0
    assert (await post({"text": "b"}, "k")).status_code == 201
    assert await count(app, tenant) == 1


@pytest.mark.parametrize("key", [None, "", " ", "a b", "ä", "x" * 256, "tab\tbed"])
async def test_a_missing_or_malformed_key_is_400_before_the_body_is_looked_at(
    post: Post, key: str | None
) -> None:
    reply = await post({"unknown": 1}, key and key.encode("latin-1"))
    assert reply.status_code == 400
    assert reply.json()["type"] == "/problems/idempotency-key-missing"


async def test_many_twins_at_once_write_once(post: Post, app: Application, tenant: str) -> None:
    replies = await asyncio.gather(*(post({"text": "a"}, "k") for _ in range(20)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum("idempotency-replayed" in reply.headers for reply in replies) == 19
    assert await count(app, tenant) == 1


@pytest.fixture
def slow() -> Iterator[None]:
    gate.clear()
    yield
    gate.set()


@pytest.mark.usefixtures("slow")
async def test_a_twin_of_a_slow_write_is_told_so_and_later_gets_its_reply(post: Post) -> None:
    first = asyncio.create_task(post({"text": "a"}, "k"))
    await asyncio.sleep(0.1)
    twin = await post({"text": "a"}, "k")
    assert twin.status_code == 409
    assert twin.json()["type"] == "/problems/idempotency-in-progress"
    assert twin.headers["retry-after"] == "1"
    gate.set()
    assert (await post({"text": "a"}, "k")).content == (await first).content


@pytest.mark.usefixtures("slow")
async def test_a_twin_executes_when_the_first_one_fails(
    post: Post, app: Application, tenant: str
) -> None:
    first = asyncio.create_task(post({"text": "a", "refuse": True}, "k"))
    await asyncio.sleep(0.1)
    twin = asyncio.create_task(post({"text": "b"}, "k"))
    await asyncio.sleep(0.1)
    gate.set()
    assert (await first).status_code == 409
    assert (await twin).status_code == 201
    assert await count(app, tenant) == 1


async def expire_all(app: Application, tenant: str) -> None:
    statement = text(
        "update idempotency_keys set expires_at = now() - interval '1 second'"
        " where tenant_id = :tenant"
    )
    async with app.parts.database.transaction() as transaction:
        await transaction.execute(statement, {"tenant": tenant})


async def test_an_expired_key_is_as_good_as_new(post: Post, app: Application, tenant: str) -> None:
    first = await post({"text": "a"}, "k")
    await expire_all(app, tenant)
    second = await post({"text": "b"}, "k")
    assert second.status_code == 201
    assert second.content != first.content
    assert (await post({"text": "b"}, "k")).content == second.content


async def test_expired_keys_are_deleted_in_batches_by_several_at_once(
    post: Post, app: Application, tenant: str
) -> None:
    for number in range(7):
        await post({"text": "a"}, f"k{number}")
    await expire_all(app, tenant)
    await post({"text": "a"}, "kept")
    deleted = await asyncio.gather(
        *(delete_expired_keys(app.parts.database, batch=2) for _ in range(3))
    )
    assert sum(deleted) == 7
    statement = text("select key from idempotency_keys where tenant_id = :tenant")
    async with app.parts.database.read() as connection:
        keys = (await connection.execute(statement, {"tenant": tenant})).scalars().all()
    assert keys == ["kept"]
