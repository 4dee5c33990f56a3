"""The rows that are asked for: one tenant's orders, two lines each, made by the server itself."""

from dataclasses import dataclass

from senior_backend.postgres import Session

TENANT = "benchmark"
CUSTOMERS = 100
ORDERS = 10_000
ASKED_FOR = 500

# UUIDv7 as the service makes them: a millisecond, then what tells the rows of a kind apart.
_UUID = """
create function pg_temp.uuid(kind text, n bigint) returns uuid language sql immutable as $$
  select (lpad(to_hex(1750000000000 + n), 12, '0') || '7' || substr(h, 1, 3)
          || '8' || substr(h, 4, 3) || substr(h, 7, 12))::uuid
    from md5(kind || n) as h
$$
"""
_ROWS = f"""
insert into customers (tenant_id, id, email, name, created_at, updated_at, version)
select '{TENANT}', pg_temp.uuid('customer', n), 'customer' || n || '@example.com', 'Customer ' || n,
       now(), now(), 1
  from generate_series(1, {CUSTOMERS}) as n;

insert into orders (tenant_id, id, customer_id, status, currency, total_minor,
                    created_at, updated_at, version)
select '{TENANT}', pg_temp.uuid('order', n), pg_temp.uuid('customer', 1 + n % {CUSTOMERS}),
       'pending', 'EUR', 3890, now(), now(), 1
  from generate_series(1, {ORDERS}) as n;

insert into order_items (tenant_id, id, order_id, position, sku, quantity, unit_price_minor)
select '{TENANT}', pg_temp.uuid('item' || line, n), pg_temp.uuid('order', n), line,
       case line when 1 then 'TEA-250' else 'POT-1' end,
       case line when 1 then 2 else 1 end,
       case line when 1 then 495 else 2900 end
  from generate_series(1, {ORDERS}) as n, generate_series(1, 2) as line;
"""


@dataclass(frozen=True)
class Seeded:
    """Ids of what there is."""

    customer_id: str
    order_ids: list[str]


def seed(url: str) -> Seeded:
    """Fill the migrated database at `url`; the ids that requests may name."""
    with Session(url) as session:
        session.execute(_UUID)
        session.execute(_ROWS)
        session.execute("vacuum analyze")
        ((customer,),) = session.execute("select id::text from customers order by id limit 1")
        orders = session.execute(
            f"select id::text from orders order by md5(id::text) limit {ASKED_FOR}"
        )
    return Seeded(customer, [order for (order,) in orders])
