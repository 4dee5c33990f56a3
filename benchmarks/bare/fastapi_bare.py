"""FastAPI with nothing around it: the service's statements, its kind of pool, its documents.

With TUNED=1 it also has what the service does to be fast and what is no layer: parameters numbered
once instead of by `text()` for each execution, and rare garbage collections.
"""
# ruff: noqa: D101, D103, N815

import gc
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel
from pydantic_core import from_json
from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from typing_extensions import TypedDict

TENANT = os.environ["TENANT"]
TUNED = os.environ.get("TUNED") == "1"

Execute = Callable[[AsyncConnection, Mapping[str, Any]], Awaitable[CursorResult[Any]]]


def statement(sql: str) -> Execute:
    if not TUNED:
        clause = text(sql)
        return lambda connection, values: connection.execute(clause, values)
    parameter = re.compile(r"(?<!:):([a-z_]+)")
    names = list(dict.fromkeys(parameter.findall(sql)))
    numbered = parameter.sub(lambda found: f"${names.index(found[1]) + 1}", sql)
    return lambda connection, values: connection.exec_driver_sql(
        numbered, tuple([values[name] for name in names])
    )


SELECT = """
select o.id, o.customer_id, o.status, o.currency, o.total_minor,
       o.created_at, o.updated_at, o.version,
       (select coalesce(json_agg(json_build_array(i.id, i.sku, i.quantity, i.unit_price_minor)
                                 order by i.position), '[]')::text
          from order_items i
         where i.tenant_id = o.tenant_id and i.order_id = o.id) as items
  from orders o
 where o.tenant_id = :tenant"""
FIND = statement(f"{SELECT} and o.id = :id")
LIST = statement(f"{SELECT} order by o.id desc limit :limit")
INSERT = statement("""
with placed as (
  insert into orders (tenant_id, id, customer_id, status, currency, total_minor,
                      created_at, updated_at, version)
  values (:tenant, :id, :customer_id, 'pending', :currency, :total_minor, :now, :now, 1)
)
insert into order_items (tenant_id, id, order_id, position, sku, quantity, unit_price_minor)
select :tenant, item.id, :id, item.position, item.sku, item.quantity, item.unit_price_minor
  from unnest(cast(:item_ids as uuid[]), cast(:skus as text[]),
              cast(:quantities as integer[]), cast(:prices as bigint[]))
       with ordinality as item (id, sku, quantity, unit_price_minor, position)
""")


class NewItem(BaseModel):
    sku: str
    quantity: int
    unitPriceMinor: int


class NewOrder(BaseModel):
    customerId: UUID
    currency: str
    items: list[NewItem]


class Item(TypedDict):
    id: UUID
    sku: str
    quantity: int
    unitPriceMinor: int


class Order(TypedDict):
    id: UUID
    customerId: UUID
    status: str
    currency: str
    totalMinor: int
    items: list[Item]
    createdAt: datetime
    updatedAt: datetime
    version: int


class Page(TypedDict):
    items: list[Order]
    nextCursor: str | None


engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=int(os.environ["DATABASE_POOL_MAX"]),
    max_overflow=0,
    pool_timeout=0.5,
    pool_use_lifo=True,
)
# A read in one round trip, as the service does it: no BEGIN and no ROLLBACK around it.
reader = engine.execution_options(isolation_level="AUTOCOMMIT")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/v1/orders/{order_id}")
async def get_order(order_id: UUID) -> Order:
    async with reader.connect() as connection:
        row = (await FIND(connection, {"tenant": TENANT, "id": order_id})).one_or_none()
    if row is None:
        raise HTTPException(404)
    return order_of(*row)


@app.get("/v1/orders")
async def list_orders(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Page:
    async with reader.connect() as connection:
        rows = (await LIST(connection, {"tenant": TENANT, "limit": limit + 1})).all()
    orders = [order_of(*row) for row in rows[:limit]]
    return {"items": orders, "nextCursor": str(orders[-1]["id"]) if len(rows) > limit else None}


@app.post("/v1/orders", status_code=201)
async def post_order(new: NewOrder) -> Order:
    now = datetime.now(UTC)
    items: list[Item] = [{"id": uuid4(), **item.model_dump()} for item in new.items]
    order: Order = {
        "id": uuid4(),
        "customerId": new.customerId,
        "status": "pending",
        "currency": new.currency,
        "totalMinor": sum(item.quantity * item.unitPriceMinor for item in new.items),
        "items": items,
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
    }
    async with engine.begin() as transaction:
        await INSERT(
            transaction,
            {
                "tenant": TENANT,
                "id": order["id"],
                "customer_id": new.customerId,
                "currency": new.currency,
                "total_minor": order["totalMinor"],
                "now": now,
                "item_ids": [item["id"] for item in items],
                "skus": [item["sku"] for item in items],
                "quantities": [item["quantity"] for item in items],
                "prices": [item["unitPriceMinor"] for item in items],
            },
        )
    return order


def order_of(
    order_id: UUID,
    customer_id: UUID,
    status: str,
    currency: str,
    total_minor: int,
    created_at: datetime,
    updated_at: datetime,
    version: int,
    items: str,
) -> Order:
    lines: list[list[Any]] = from_json(items)
    return {
        "id": order_id,
        "customerId": customer_id,
        "status": status,
        "currency": currency,
        "totalMinor": total_minor,
        "items": [
            {"id": UUID(item_id), "sku": sku, "quantity": quantity, "unitPriceMinor": price}
            for item_id, sku, quantity, price in lines
        ],
        "createdAt": created_at,
        "updatedAt": updated_at,
        "version": version,
    }


if __name__ == "__main__":
    if TUNED:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
    )
