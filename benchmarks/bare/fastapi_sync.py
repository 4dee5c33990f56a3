"""FastAPI in the synchronous style of full-stack-fastapi-template and many a tutorial.

Handlers are `def` and run in worker threads; a dependency gives each request a session of the ORM;
the driver is psycopg; the pool is SQLAlchemy's default (5 connections, 10 more under load).
"""
# ruff: noqa: D101, D103

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import ForeignKeyConstraint, create_engine, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
)

TENANT = os.environ["TENANT"]


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    status: Mapped[str]
    currency: Mapped[str]
    total_minor: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]
    items: Mapped[list["OrderItem"]] = relationship(order_by="OrderItem.position")


class OrderItem(Base):
    __tablename__ = "order_items"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
    )

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    sku: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]


class Document(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class NewItem(Document):
    sku: str
    quantity: int
    unit_price_minor: int


class NewOrder(Document):
    customer_id: UUID
    currency: str
    items: list[NewItem]


class ItemPublic(NewItem):
    id: UUID


class OrderPublic(Document):
    id: UUID
    customer_id: UUID
    status: str
    currency: str
    total_minor: int
    items: list[ItemPublic]
    created_at: datetime
    updated_at: datetime
    version: int


class OrdersPublic(Document):
    items: list[OrderPublic]
    next_cursor: str | None


engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))


def session_of_request() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDependency = Annotated[Session, Depends(session_of_request)]

app = FastAPI()


@app.get("/v1/orders/{order_id}", response_model=OrderPublic)
def get_order(session: SessionDependency, order_id: UUID) -> Order:
    order = session.get(Order, (TENANT, order_id))
    if order is None:
        raise HTTPException(404)
    return order


@app.get("/v1/orders", response_model=OrdersPublic)
def list_orders(
    session: SessionDependency, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> dict[str, object]:
    statement = (
        select(Order)
        .where(Order.tenant_id == TENANT)
        .order_by(Order.id.desc())
        .limit(limit + 1)
        .options(selectinload(Order.items))  # two statements a page, not one for each order
    )
    orders = session.scalars(statement).all()
    more = len(orders) > limit
    return {"items": orders[:limit], "next_cursor": str(orders[limit - 1].id) if more else None}


@app.post("/v1/orders", status_code=201, response_model=OrderPublic)
def create_order(session: SessionDependency, new: NewOrder) -> Order:
    now = datetime.now(UTC)
    order = Order(
        tenant_id=TENANT,
        id=uuid4(),
        customer_id=new.customer_id,
        status="pending",
        currency=new.currency,
        total_minor=sum(item.quantity * item.unit_price_minor for item in new.items),
        created_at=now,
        updated_at=now,
        version=1,
        items=[
            OrderItem(position=position, id=uuid4(), **item.model_dump())
            for position, item in enumerate(new.items, 1)
        ],
    )
    session.add(order)
    session.commit()
    session.refresh(order)
    return order


if __name__ == "__main__":
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
