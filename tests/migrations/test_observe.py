"""The observer itself: what it says is what a person would see in pg_locks and the log."""

import pytest

from tests.migrations.observe import Observer

SCHEMA = """
create table customers(id int primary key, name varchar(20));
create table orders(id int primary key, customer_id int, note text, code varchar(20));
create index orders_note on orders(note);
create table parts(id int, day date not null) partition by range (day);
create table parts_1 partition of parts for values from ('2020-01-01') to ('2021-01-01');
create materialized view names as select name from customers;
create unique index on names(name);
"""

CASES = [
    ("alter table orders add column x int", "file", ["orders ACCESS EXCLUSIVE"]),
    ("alter table orders alter id type bigint", "file", ["orders rewrite", "orders index build"]),
    ("alter table orders alter note set not null", "file", ["orders scan"]),
    ("create index on orders(customer_id)", "statement", ["orders SHARE", "orders index build"]),
    (
        "alter table orders add foreign key (customer_id) references customers",
        "file",
        ["orders SHARE ROW EXCLUSIVE", "customers SHARE ROW EXCLUSIVE", "customers scan"],
    ),
    (
        "create index concurrently on orders(customer_id)",
        "statement",
        ["orders SHARE UPDATE EXCLUSIVE", "orders index build", "orders scan"],
    ),
    (
        "create index concurrently on orders(customer_id)",
        "implicit",
        ["orders SHARE UPDATE EXCLUSIVE", "orders index build"],
    ),
    (
        "create index concurrently on orders(customer_id)",
        "file",
        ["error: cannot run inside a transaction block"],
    ),
    (
        "select 1; create index concurrently on orders(customer_id)",
        "implicit",
        ["error: cannot run inside a transaction block"],
    ),
    (
        "drop index concurrently orders_note",
        "statement",
        ["orders SHARE UPDATE EXCLUSIVE"],
    ),
    (
        "alter table parts detach partition parts_1 concurrently",
        "statement",
        ["parts SHARE UPDATE EXCLUSIVE", "parts_1 ACCESS EXCLUSIVE"],
    ),
    ("vacuum full orders", "statement", ["orders ACCESS EXCLUSIVE", "orders rewrite"]),
    ("vacuum orders", "statement", ["orders SHARE UPDATE EXCLUSIVE"]),
    ("refresh materialized view concurrently names", "file", ["names EXCLUSIVE"]),
    ("begin; drop table orders; commit", "statement", ["orders ACCESS EXCLUSIVE"]),
    ("alter table orders add column id int", "file", ["error: already exists"]),
]


@pytest.mark.parametrize(("statement", "transaction", "claims"), CASES)
def test_a_statement_shows_what_it_does(observer: Observer, statement, transaction, claims):
    seen = observer.observe(SCHEMA, statement, transaction)
    assert [claim for claim in claims if not seen.shows(claim)] == [], str(seen)


HARMLESS = [
    ("alter table orders alter code type varchar(40)", ["orders rewrite", "orders scan"]),
    ("truncate orders", ["orders rewrite", "orders index build"]),
    ("create table more(id int primary key)", ["orders ACCESS SHARE", "more index build"]),
    ("update orders set note = '' where id = 1", ["orders scan", "orders ACCESS EXCLUSIVE"]),
]


@pytest.mark.parametrize(("statement", "claims"), HARMLESS)
def test_it_shows_nothing_that_does_not_happen(observer: Observer, statement, claims):
    seen = observer.observe(SCHEMA, statement)
    assert [claim for claim in claims if seen.shows(claim)] == [], str(seen)
    assert seen.error is None
