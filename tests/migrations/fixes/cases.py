"""Migrations that `--fix` or `plan` rewrites, as tables: see test_verified."""

from dataclasses import dataclass
from typing import Literal

SETUP = """\
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, status text, code text NOT NULL);
CREATE INDEX orders_status_idx ON orders (status);
"""


@dataclass(frozen=True)
class Case:
    """A migration, and what its rewritten form comes to.

    ``setup`` is the migration before it. The end of the rewritten form is that of the migration
    itself, but for what ``staged`` names (part of each difference); ``rows`` is a query with the
    same result after both, ``right`` one that gives true after the rewritten form. The downs lead
    back to the setup, but for what ``back`` names, and ``kept`` has the result that it had there.
    """

    name: str
    up: str = ""
    down: str = ""
    setup: str = ""
    how: Literal["fix", "plan", "any"] = "fix"
    rows: str = ""
    right: str = ""
    kept: str = ""
    fails: bool = False
    """Whether PostgreSQL refuses the migration as it is."""
    left: tuple[str, ...] = ()
    """Rules of gate findings that remain, as the plan says."""
    staged: tuple[str, ...] = ()
    back: tuple[str, ...] | None = ()
    """None: the migration itself cannot be taken back by what stands in its down."""
    between: str = ""
    """What people do after the first of the steps."""
    blocks: tuple[str, ...] = ()
    """Lines of steps that block while they work, as the plan says."""
    free: tuple[str, ...] = ()
    """Relations for which nobody is to wait at all, however short, as they do as it is."""
    major: int = 14
    """The oldest PostgreSQL to be safe on."""
    declined: bool = False
    """Whether nothing is offered, because nothing that could be written would be right."""


EVENTS = """\
CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 (id bigint, at date);
INSERT INTO events_2025 SELECT n, date '2025-01-01' + n FROM generate_series(1, 200) AS n;
"""
REST = """\
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events_rest VALUES (1, NULL), (2, '2028-01-01');
"""
FILLED = """\
INSERT INTO customers SELECT n FROM generate_series(1, 10) AS n;
INSERT INTO orders SELECT n, n % 10 + 1, CASE WHEN n % 3 = 0 THEN 'new' END, n::text
FROM generate_series(1, 200) AS n;
"""

FIXED = [
    Case(
        "index",
        "CREATE INDEX orders_customer_id_idx ON orders (customer_id);",
        "DROP INDEX orders_customer_id_idx;",
    ),
    Case(
        "unnamed unique index",
        "create unique index on orders (code) where status is not null;",
        "drop index orders_code_idx;",
    ),
    Case(
        "foreign key",
        "ALTER TABLE orders ADD CONSTRAINT c_fk FOREIGN KEY (customer_id) REFERENCES customers;",
        "ALTER TABLE orders DROP CONSTRAINT c_fk;",
    ),
    Case(
        "unnamed foreign key",
        "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;",
        "ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;",
    ),
    Case(
        "check",
        "ALTER TABLE orders ADD CONSTRAINT s CHECK (status <> '');",
        "ALTER TABLE orders DROP CONSTRAINT s;",
    ),
    Case(
        "unnamed check",
        "ALTER TABLE orders ADD CHECK (status <> '');",
        "ALTER TABLE orders DROP CONSTRAINT orders_status_check;",
    ),
    Case(
        "not null",
        "ALTER TABLE orders ALTER COLUMN customer_id SET NOT NULL;",
        "ALTER TABLE orders ALTER COLUMN customer_id DROP NOT NULL;",
    ),
    Case(
        "unique",
        "ALTER TABLE orders ADD CONSTRAINT u UNIQUE (customer_id, status);",
        "ALTER TABLE orders DROP CONSTRAINT u;",
    ),
    Case(
        "unnamed unique",
        "ALTER TABLE orders ADD UNIQUE (code);",
        "ALTER TABLE orders DROP CONSTRAINT orders_code_key;",
    ),
    Case(
        "drop index",
        "DROP INDEX orders_status_idx;",
        "CREATE INDEX orders_status_idx ON orders (status);",
        free=("orders", "orders_status_idx"),
    ),
    Case(
        "column with foreign key and default",
        "ALTER TABLE orders ADD COLUMN agent bigint DEFAULT 1 REFERENCES customers ON DELETE SET "
        "NULL;",
        "ALTER TABLE orders DROP COLUMN agent;",
        setup=FILLED,
    ),
    Case(
        "column with check among other actions",
        "ALTER TABLE orders ADD COLUMN a text, ADD COLUMN size integer CHECK (size > 0);",
        "ALTER TABLE orders DROP COLUMN size, DROP COLUMN a;",
    ),
    Case(
        "column and its backfill",
        "ALTER TABLE orders ADD COLUMN region text;\nUPDATE orders SET region = 'EU';",
        "ALTER TABLE orders DROP COLUMN region;",
        setup=FILLED,
        rows="SELECT id, region FROM orders ORDER BY id",
    ),
    Case(
        "backfill where a value is missing",
        "UPDATE orders AS o SET status = lower(o.code) || c.id FROM customers AS c\n"
        "WHERE c.id = o.customer_id AND (status IS NULL)  -- only those; no others\n;",
        "SELECT 1;",
        setup=FILLED,
        rows="SELECT id, status FROM orders ORDER BY id",
    ),
    Case(
        "rows deleted",
        "DELETE FROM orders WHERE status IS NULL OR id > 150",
        "SELECT 1;",
        setup=FILLED,
        rows="SELECT id FROM orders ORDER BY id",
    ),
    Case(
        "attached partition",
        "ALTER TABLE events ATTACH PARTITION events_2025\n"
        "  FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');",
        "ALTER TABLE events DETACH PARTITION events_2025;",
        setup=EVENTS + REST,
        rows="SELECT * FROM events ORDER BY id, at",
    ),
    Case(
        "partition beside a default partition",
        "CREATE TABLE events_2026 PARTITION OF events\n"
        "  FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        "DROP TABLE events_2026;",
        setup=EVENTS + REST,
    ),
    Case(
        "detached partition",
        "ALTER TABLE events DETACH PARTITION events_old;",
        "ALTER TABLE events ATTACH PARTITION events_old\n"
        "  FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
        setup=EVENTS,
        free=("events",),
    ),
    Case(
        "refreshed view",
        "REFRESH MATERIALIZED VIEW totals;",
        "SELECT 1;",
        setup="CREATE MATERIALIZED VIEW totals AS SELECT customer_id FROM orders GROUP BY 1;\n"
        "CREATE UNIQUE INDEX totals_idx ON totals (customer_id);\n",
    ),
    Case(
        "new enum value in use",
        "ALTER TYPE state ADD VALUE 'paid';\n"
        "ALTER TABLE orders ADD COLUMN state state DEFAULT 'paid';",
        "ALTER TABLE orders DROP COLUMN state;",
        setup="CREATE TYPE state AS ENUM ('new');\n",
        fails=True,
        back=("type state: values",),  # PostgreSQL cannot drop a value
    ),
    Case(
        "lock_timeout and an index in one file",
        "ALTER TABLE orders ADD COLUMN a text;\n"
        "CREATE INDEX orders_customer_id_idx ON orders (customer_id);",
        "DROP INDEX orders_customer_id_idx;\nALTER TABLE orders DROP COLUMN a;",
    ),
    Case(
        "primary key on columns that may be NULL",
        "ALTER TABLE pairs ADD PRIMARY KEY (a, b);",
        "ALTER TABLE pairs DROP CONSTRAINT pairs_pkey, ALTER COLUMN a DROP NOT NULL;",
        setup="CREATE TABLE pairs (a integer, b integer NOT NULL);\n"
        "INSERT INTO pairs SELECT n, n FROM generate_series(1, 100) AS n;\n",
    ),
    Case(
        "primary key of an index on a column that may be NULL",
        "ALTER TABLE pairs ADD CONSTRAINT pairs_pkey PRIMARY KEY USING INDEX pairs_a;",
        "ALTER TABLE pairs DROP CONSTRAINT pairs_pkey; ALTER TABLE pairs ALTER a DROP NOT NULL;"
        "CREATE UNIQUE INDEX pairs_a ON pairs (a);",
        setup="CREATE TABLE pairs (a integer);\nCREATE UNIQUE INDEX pairs_a ON pairs (a);\n",
    ),
]

TABLES = """\
CREATE DOMAIN quantity AS integer CHECK (VALUE > 0);
CREATE TABLE customers (
    id integer PRIMARY KEY, name text NOT NULL, vip integer DEFAULT 1
);
CREATE TABLE orders (
    id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers, pieces integer,
    price numeric(10,4), code varchar(20) NOT NULL, legacy text NOT NULL, at timestamp
);
CREATE INDEX orders_pieces_idx ON orders (pieces);
ALTER TABLE orders ADD COLUMN size quantity, ADD COLUMN tag varchar(9);
CREATE INDEX orders_tag_idx ON orders (tag DESC);
CREATE TABLE events (account integer, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2 PARTITION OF events DEFAULT;
CREATE TABLE marks (place integer, number integer, note text, PRIMARY KEY (place, number));
INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 20) AS n;
INSERT INTO orders SELECT n, n % 20 + 1, CASE WHEN n % 7 > 0 THEN n END, n / 8.0, 'k' || n, 'x',
    timestamp '2026-01-01' + n * interval '1 hour' FROM generate_series(1, 300) AS n;
INSERT INTO marks SELECT n % 9, n, CASE WHEN n % 2 = 0 THEN 'even' END
FROM generate_series(1, 300) AS n;
"""
PLANNED = [
    Case(
        "volatile default",
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();",
        "ALTER TABLE orders DROP COLUMN token;",
        right="SELECT count(DISTINCT token) = 300 FROM orders",
    ),
    Case(
        "volatile default among other actions",
        "ALTER TABLE orders ADD COLUMN a text, ADD COLUMN token uuid DEFAULT gen_random_uuid(),\n"
        "  ADD COLUMN b text;",
        "ALTER TABLE orders DROP COLUMN token, DROP COLUMN a, DROP COLUMN b;",
        right="SELECT count(DISTINCT token) = 300 FROM orders",
    ),
    Case(
        "serial",
        "ALTER TABLE orders ADD COLUMN number bigserial;",
        "ALTER TABLE orders DROP COLUMN number;",
        right="SELECT count(DISTINCT number) = 300 AND nextval('orders_number_seq') = 301 "
        "FROM orders",
    ),
    Case(
        "identity",
        "ALTER TABLE orders ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;",
        "ALTER TABLE orders DROP COLUMN number;",
        right="SELECT count(DISTINCT number) = 300 "
        "AND nextval(pg_get_serial_sequence('orders', 'number')) = 301 FROM orders",
    ),
    Case(
        "stored generated column",
        "ALTER TABLE orders ADD COLUMN total numeric GENERATED ALWAYS AS (price * pieces) STORED;",
        "ALTER TABLE orders DROP COLUMN total;",
        rows="SELECT id, total FROM orders ORDER BY id",
        staged=("orders.total", "orders_total"),  # a trigger computes it
    ),
    Case(
        "column of a constrained domain",
        "ALTER TABLE orders ADD COLUMN many quantity DEFAULT 1;",
        "ALTER TABLE orders DROP COLUMN many;",
        rows="SELECT id, many FROM orders ORDER BY id",
        staged=("orders.many", "orders_many"),  # the type below the domain, its checks
    ),
    Case(
        "required column",
        "ALTER TABLE orders ADD COLUMN currency text NOT NULL;",
        "ALTER TABLE orders DROP COLUMN currency;",
        between="UPDATE orders SET currency = 'EUR'",
        fails=True,
    ),
    Case(
        "type",
        "ALTER TABLE orders ALTER COLUMN pieces TYPE bigint;",
        "ALTER TABLE orders ALTER COLUMN pieces TYPE integer;",
        rows="SELECT id, pieces FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
        kept="SELECT id, pieces FROM orders ORDER BY id",
    ),
    Case(
        "type of a primary key",
        "ALTER TABLE orders ALTER COLUMN id TYPE bigint;",
        rows="SELECT id, pieces FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
        staged=("_new_not_null", "_not_null on"),  # the name of the NOT NULL from 18 on
    ),
    Case(
        "type of a part of a primary key",
        "ALTER TABLE marks ALTER COLUMN number TYPE bigint;",
        rows="SELECT place, number, note FROM marks ORDER BY number",
        left=("drop-column", "rename-column"),
        staged=("_new_not_null", "_not_null on"),  # the name of the NOT NULL from 18 on
    ),
    Case(
        "type of a foreign key, NOT NULL",
        "ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;",
        "ALTER TABLE orders ALTER COLUMN customer_id TYPE integer;",
        rows="SELECT id, customer_id FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
        staged=("_new_not_null", "_not_null on"),  # the name of the NOT NULL from 18 on
    ),
    Case(
        "narrower type, by USING",
        "ALTER TABLE orders ALTER COLUMN price TYPE numeric(10,2) USING price::numeric(10,2);",
        rows="SELECT id, price FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
    ),
    Case(
        "timestamp in a zone that is said",
        "SET LOCAL TimeZone = 'Europe/Oslo';\nALTER TABLE orders ALTER COLUMN at TYPE timestamptz;",
        rows="SELECT id, at FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
        kept="SELECT id, at FROM orders ORDER BY id",
    ),
    Case(
        "timestamp in a zone that USING names",
        "ALTER TABLE orders ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'Asia/Tokyo';",
        rows="SELECT id, at FROM orders ORDER BY id",
        left=("drop-column", "rename-column"),
        kept="SELECT id, at FROM orders ORDER BY id",
    ),
    Case(
        "collation of an indexed column",
        'ALTER TABLE orders ALTER COLUMN tag TYPE varchar(9) COLLATE "C";',
        'ALTER TABLE orders ALTER COLUMN tag TYPE varchar(9) COLLATE "default";',
        rows="SELECT id, tag FROM orders ORDER BY id",
    ),
    Case(
        "type that needs USING, with a default",
        "ALTER TABLE customers ALTER COLUMN vip TYPE boolean;",
        right="SELECT bool_and(vip) AND pg_get_expr(adbin, adrelid) = '(1)::boolean' "
        "FROM customers, pg_attrdef WHERE adrelid = 'customers'::regclass GROUP BY adbin, adrelid",
        left=("column-type-rewrite",),
        blocks=(
            "customers ACCESS EXCLUSIVE: ['ALTER', 'TABLE', 'customers']",
            "customers_pkey ACCESS EXCLUSIVE: ['ALTER', 'TABLE', 'customers']",
        ),
        fails=True,
        back=None,
    ),
    Case(
        "column dropped",
        "ALTER TABLE orders DROP COLUMN legacy;",
        "ALTER TABLE orders ADD COLUMN legacy text NOT NULL DEFAULT '';",
        left=("drop-column",),
        back=("orders.legacy: NOT NULL",),  # its values are gone
    ),
    Case(
        "column dropped among other actions",
        "ALTER TABLE orders ADD COLUMN a text, DROP COLUMN legacy, ADD COLUMN b text;",
        "ALTER TABLE orders DROP COLUMN a, DROP COLUMN b;",
        left=("drop-column",),
        back=("orders.legacy: NOT NULL",),  # its values are gone
    ),
    Case(
        "columns dropped among other actions",
        "ALTER TABLE orders DROP COLUMN legacy, ADD COLUMN a text, DROP COLUMN at,"
        " DROP COLUMN code;",
        "ALTER TABLE orders DROP COLUMN a;",
        left=("drop-column",),
        back=("orders.legacy: NOT NULL", "orders.code: NOT NULL"),
    ),
    Case(
        "columns dropped",
        "ALTER TABLE orders DROP COLUMN legacy, DROP COLUMN at, DROP COLUMN code;",
        left=("drop-column",),
        back=(),
    ),
    Case(
        "table dropped",
        "ALTER TABLE orders ADD COLUMN a text;\nDROP TABLE marks;",
        "ALTER TABLE orders DROP COLUMN a;",
        left=("drop-table",),
    ),
    Case(
        "default dropped",
        "ALTER TABLE orders ADD COLUMN paid boolean DEFAULT false NOT NULL;\n"
        "ALTER TABLE orders ALTER COLUMN paid DROP DEFAULT;",
        "ALTER TABLE orders DROP COLUMN paid;",
        rows="SELECT id, paid FROM orders ORDER BY id",
    ),
    Case(
        "backfill that must not run twice",
        "UPDATE orders SET pieces = pieces + 1 WHERE pieces > 7 OR code = 'k1';",
        rows="SELECT id, pieces FROM orders ORDER BY id",
    ),
    Case(
        "backfill by a key of two columns",
        "ALTER TABLE marks ADD COLUMN other text;\n"
        "UPDATE marks AS m SET note = m.note || c.name, other = 'x' FROM customers c\n"
        "WHERE c.id = m.place -- a remark; with a semicolon\n;",
        "ALTER TABLE marks DROP COLUMN other;",
        rows="SELECT place, number, note, other FROM marks ORDER BY number",
    ),
    Case(
        "domain",
        "ALTER DOMAIN quantity ADD CONSTRAINT few CHECK (VALUE < 1000);",
        "ALTER DOMAIN quantity DROP CONSTRAINT few;",
        left=("domain-constraint",),
        blocks=("orders SHARE: ['ALTER', 'DOMAIN', 'quantity']",),
    ),
    Case(
        "index of a partitioned table",
        "CREATE INDEX events_account_idx ON events (account);",
        "DROP INDEX events_account_idx;",
    ),
]


ORDERS = """\
CREATE TABLE customers (id bigint PRIMARY KEY, mail text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint
    , status text, code text NOT NULL, tags text[], doc jsonb, "Weird ""Col" int,
    at timestamptz);
INSERT INTO customers SELECT n FROM generate_series(1, 10) AS n;
INSERT INTO orders (id, customer_id, status, code)
SELECT n, n % 10 + 1, 'x', n::text FROM generate_series(1, 100) AS n;
"""

FOUND = [
    Case(
        "long names check",
        """\
ALTER TABLE t_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ADD CHECK
(c_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa > 0);
""",
        "",
        setup=ORDERS
        + """\
CREATE TABLE t_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (id int primary key,
c_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bigint);
""",
    ),
    Case(
        "long names unique",
        """\
ALTER TABLE t_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ADD UNIQUE
(c_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, d_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa);
""",
        "",
        setup=ORDERS
        + """\
CREATE TABLE t_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (id int primary key,
c_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bigint,
d_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa int);
""",
    ),
    Case(
        "two long notnulls",
        """\
ALTER TABLE t_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ALTER COLUMN
c_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa SET NOT NULL;
ALTER TABLE t_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ALTER COLUMN
c_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab SET NOT NULL;
""",
        "",
        setup=ORDERS
        + """\
CREATE TABLE t_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (id int primary key,
c_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bigint,
c_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab int);
""",
    ),
    Case(
        "long multibyte notnull",
        """\
ALTER TABLE t_éééééééééééééééééééééééééééé ALTER COLUMN c_üüüüüüüüüüüüüüüüüüüüüüüüüüüü
SET NOT NULL;
""",
        "",
        setup=ORDERS
        + """\
CREATE TABLE t_éééééééééééééééééééééééééééé (id int primary key,
c_üüüüüüüüüüüüüüüüüüüüüüüüüüüü bigint);
""",
    ),
    Case(
        "collision check name",
        """\
ALTER TABLE orders ADD CHECK (status <> 'b');
""",
        "",
        setup=ORDERS
        + """\
ALTER TABLE orders ADD CHECK (status <> 'a');
""",
    ),
    Case(
        "collision notnull check",
        """\
ALTER TABLE orders ALTER status SET NOT NULL;
""",
        """\
ALTER TABLE orders ALTER status DROP NOT NULL;
""",
        setup=ORDERS
        + """\
ALTER TABLE orders ADD CONSTRAINT orders_status_not_null CHECK (status <> 'b');
""",
    ),
    Case(
        "unnamed cast expr index",
        """\
CREATE INDEX ON orders ((status::varchar), (id::text), (doc->>'a'));
""",
        """\
DROP INDEX orders_status_id_expr_idx;
""",
        setup=ORDERS,
    ),
    Case(
        "unnamed include",
        """\
CREATE INDEX ON orders (status) INCLUDE (id);
""",
        """\
DROP INDEX orders_status_id_idx;
""",
        setup=ORDERS,
    ),
    Case(
        "unnamed unique include",
        """\
ALTER TABLE orders ADD UNIQUE (code) INCLUDE (id);
""",
        """\
ALTER TABLE orders DROP CONSTRAINT orders_code_id_key;
""",
        setup=ORDERS,
    ),
    Case(
        "unique nulls not distinct",
        """\
ALTER TABLE orders ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (code);
""",
        """\
ALTER TABLE orders DROP CONSTRAINT u;
""",
        setup=ORDERS,
        declined=True,
        left=("unique-without-index",),
    ),
    Case(
        "unique deferrable",
        """\
ALTER TABLE orders ADD CONSTRAINT u UNIQUE (code) DEFERRABLE INITIALLY DEFERRED;
""",
        """\
ALTER TABLE orders DROP CONSTRAINT u;
""",
        setup=ORDERS,
    ),
    Case(
        "unique with storage",
        """\
ALTER TABLE orders ADD CONSTRAINT u UNIQUE (code) WITH (fillfactor = 70);
""",
        """\
ALTER TABLE orders DROP CONSTRAINT u;
""",
        setup=ORDERS,
        declined=True,
    ),
    Case(
        "pk with include",
        """\
ALTER TABLE nopk ADD PRIMARY KEY (a) INCLUDE (b);
""",
        """\
ALTER TABLE nopk DROP CONSTRAINT nopk_pkey;
""",
        setup=ORDERS
        + """\
CREATE TABLE nopk (a int not null, b int);
""",
    ),
    Case(
        "fk not named deferrable",
        """\
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers DEFERRABLE;
""",
        """\
ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;
""",
        setup=ORDERS,
    ),
    Case(
        "fk column named check",
        """\
ALTER TABLE x ADD CHECK ("check" > 0);
ALTER TABLE x ADD FOREIGN KEY ("foreign") REFERENCES customers;
""",
        "",
        setup=ORDERS
        + """\
CREATE TABLE x ("check" bigint, "foreign" bigint);
""",
    ),
    Case(
        "table named foreign",
        """\
ALTER TABLE "foreign" ADD FOREIGN KEY (a) REFERENCES customers;
""",
        "",
        setup=ORDERS
        + """\
CREATE TABLE "foreign" (a bigint);
""",
    ),
    Case(
        "comment names foreign",
        """\
ALTER TABLE orders /* foreign key, check */ ADD FOREIGN KEY (customer_id) REFERENCES
customers;
""",
        "",
        setup=ORDERS,
    ),
    Case(
        "comment in create index",
        """\
CREATE /* x */ INDEX /* why */ i ON orders (status);
""",
        """\
DROP INDEX i;
""",
        setup=ORDERS,
    ),
    Case(
        "comment in drop index",
        """\
DROP -- why
 INDEX i;
""",
        """\
CREATE INDEX i ON orders (status);
""",
        setup=ORDERS
        + """\
CREATE INDEX i ON orders (status);
""",
    ),
    Case(
        "check no inherit",
        """\
ALTER TABLE orders ADD CONSTRAINT c CHECK (status <> '') NO INHERIT;
""",
        """\
ALTER TABLE orders DROP CONSTRAINT c;
""",
        setup=ORDERS,
    ),
    Case(
        "check on inherited",
        """\
ALTER TABLE orders ADD CONSTRAINT c CHECK (status <> '');
""",
        """\
ALTER TABLE orders DROP CONSTRAINT c;
""",
        setup=ORDERS
        + """\
CREATE TABLE kid () INHERITS (orders);
INSERT INTO kid (id, code) VALUES (900,'x');
""",
    ),
    Case(
        "not null on inherited",
        """\
ALTER TABLE orders ALTER status SET NOT NULL;
""",
        """\
ALTER TABLE orders ALTER status DROP NOT NULL;
""",
        setup=ORDERS
        + """\
CREATE TABLE kid () INHERITS (orders);
INSERT INTO kid (id, code, status) VALUES (900,'x','y');
""",
    ),
    Case(
        "search path local",
        """\
SET LOCAL search_path TO app, public;
ALTER TABLE orders ADD CONSTRAINT x FOREIGN KEY (cust) REFERENCES c;
""",
        "",
        setup="""\
CREATE SCHEMA app;
CREATE TABLE app.orders (id bigint primary key, a int, cust int);
CREATE TABLE app.c (id int primary key);
""",
        declined=True,
    ),
    Case(
        "partitioned check",
        """\
ALTER TABLE ev ADD CHECK (id > 0);
ALTER TABLE ev ALTER c SET NOT NULL;
""",
        "",
        setup=ORDERS
        + """\
CREATE TABLE ev (id bigint, at date, c bigint) PARTITION BY RANGE (at);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE ev2 PARTITION OF ev DEFAULT;
""",
    ),
    Case(
        "fk to partitioned",
        """\
ALTER TABLE orders ADD CONSTRAINT pf FOREIGN KEY (customer_id) REFERENCES ev;
""",
        """\
ALTER TABLE orders DROP CONSTRAINT pf;
""",
        setup=ORDERS
        + """\
CREATE TABLE ev (id bigint primary key) PARTITION BY RANGE (id);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES FROM (0) TO (1000);
INSERT INTO ev SELECT generate_series(1,20);
""",
    ),
    Case(
        "column fk match full",
        """\
ALTER TABLE orders ADD COLUMN n bigint REFERENCES customers (id) MATCH FULL;
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS,
    ),
    Case(
        "column compression storage",
        """\
ALTER TABLE orders ADD COLUMN n text STORAGE EXTERNAL COMPRESSION pglz CHECK (n <> '');
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS,
        declined=True,
    ),
    Case(
        "column collate default",
        """\
ALTER TABLE orders ADD COLUMN n varchar(9) COLLATE "C" DEFAULT 'x' NOT NULL CHECK (n <>
'');
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS,
    ),
    Case(
        "column unique deferrable",
        """\
ALTER TABLE orders ADD COLUMN n text UNIQUE DEFERRABLE INITIALLY DEFERRED;
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS,
    ),
    Case(
        "column array type",
        """\
ALTER TABLE orders ADD COLUMN n numeric(4,2)[] CHECK (n[1] > 0);
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS,
    ),
    Case(
        "column on inherited",
        """\
ALTER TABLE orders ADD COLUMN n bigint CHECK (n > 0);
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS
        + """\
CREATE TABLE kid () INHERITS (orders);
""",
    ),
    Case(
        "volatile default rls",
        """\
ALTER TABLE orders ADD COLUMN n uuid DEFAULT gen_random_uuid() NOT NULL;
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS
        + """\
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON orders USING (id > 0);
""",
        how="plan",
    ),
    Case(
        "volatile on partitioned",
        """\
ALTER TABLE ev ADD COLUMN n uuid DEFAULT gen_random_uuid() NOT NULL;
""",
        """\
ALTER TABLE ev DROP COLUMN n;
""",
        setup="""\
CREATE TABLE ev (id bigint, at date, c bigint) PARTITION BY RANGE (at);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO ev VALUES (1, '2025-03-01', 1);
""",
        how="plan",
        left=("unbatched-backfill",),  # there is no key to go by
    ),
    Case(
        "volatile quoted long",
        """\
ALTER TABLE "T_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" ADD COLUMN
"N_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" uuid DEFAULT gen_random_uuid() NOT NULL;
""",
        """\
ALTER TABLE "T_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" DROP COLUMN
"N_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
""",
        setup="""\
CREATE TABLE "T_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" ("Id" int primary key);
INSERT INTO "T_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" VALUES (1),(2);
""",
        how="plan",
    ),
    Case(
        "volatile storage",
        """\
ALTER TABLE orders ADD COLUMN n text STORAGE EXTERNAL DEFAULT clock_timestamp()::text;
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS,
        how="plan",
        declined=True,
    ),
    Case(
        "serial collision",
        """\
ALTER TABLE orders ADD COLUMN n serial;
""",
        """\
ALTER TABLE orders DROP COLUMN n;
""",
        setup=ORDERS
        + """\
CREATE SEQUENCE orders_n_seq;
""",
        how="plan",
    ),
    Case(
        "identity by default schema",
        """\
ALTER TABLE "My App"."O s" ADD COLUMN "N n" int GENERATED BY DEFAULT AS IDENTITY;
""",
        """\
ALTER TABLE "My App"."O s" DROP COLUMN "N n";
""",
        setup="""\
CREATE SCHEMA "My App";
CREATE TABLE "My App"."O s" ("Id" bigint primary key);
INSERT INTO "My App"."O s" VALUES (1),(2);
""",
        how="plan",
    ),
    Case(
        "domain collate",
        """\
ALTER TABLE orders ADD COLUMN g pos;
""",
        """\
ALTER TABLE orders DROP COLUMN g;
""",
        setup=ORDERS
        + """\
CREATE DOMAIN pos AS text COLLATE "C" CHECK (VALUE <> 'value');
""",
        how="plan",
        declined=True,
    ),
    Case(
        "type with policy",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE numeric;
""",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;
""",
        setup=ORDERS
        + """\
CREATE POLICY p ON orders USING (customer_id > 0);
""",
        how="plan",
        declined=True,
        fails=True,
    ),
    Case(
        "type with comment grant stat",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE numeric;
""",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;
""",
        setup=ORDERS
        + """\
COMMENT ON COLUMN orders.customer_id IS 'who';
GRANT SELECT (customer_id) ON orders TO PUBLIC;
ALTER TABLE orders ALTER customer_id SET STATISTICS 500;
CREATE STATISTICS st ON customer_id, status FROM orders;
ALTER TABLE orders ALTER customer_id SET (n_distinct=4);
""",
        how="plan",
        declined=True,
    ),
    Case(
        "type index options",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE numeric;
""",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;
""",
        setup=ORDERS
        + """\
CREATE INDEX i ON orders (customer_id) WITH (fillfactor=50);
CREATE UNIQUE INDEX j ON orders (customer_id, code) INCLUDE (status) WHERE id > 3;
""",
        how="plan",
        declined=True,
    ),
    Case(
        "type unique deferrable",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE numeric;
""",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;
""",
        setup=ORDERS
        + """\
ALTER TABLE orders ADD CONSTRAINT f UNIQUE (customer_id, id) DEFERRABLE INITIALLY
DEFERRED;
""",
        how="plan",
        left=("drop-column", "rename-column"),
    ),
    Case(
        "type check two cols",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE numeric;
""",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;
""",
        setup=ORDERS
        + """\
ALTER TABLE orders ADD CONSTRAINT f CHECK (customer_id > 0 AND status <> 'customer_id'
AND orders.customer_id < 100);
""",
        how="plan",
        declined=True,
    ),
    Case(
        "type cluster on",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE numeric;
""",
        "",
        setup=ORDERS
        + """\
CREATE INDEX j ON orders (customer_id);
ALTER TABLE orders CLUSTER ON j;
""",
        how="plan",
        declined=True,
    ),
    Case(
        "type trailing name clash",
        """\
ALTER TABLE orders ALTER COLUMN customer_id TYPE numeric;
""",
        "",
        setup=ORDERS
        + """\
ALTER TABLE orders ADD COLUMN customer_id_new int;
""",
        how="plan",
        declined=True,
    ),
    Case(
        "index partitioned",
        """\
CREATE INDEX ON ev (c) INCLUDE (id);
""",
        """\
DROP INDEX ev_c_id_idx;
""",
        setup="""\
CREATE TABLE ev (id bigint, at date, c bigint) PARTITION BY RANGE (at);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE ev2 PARTITION OF ev DEFAULT;
""",
        how="plan",
    ),
    Case(
        "unique index partitioned",
        """\
CREATE UNIQUE INDEX u ON ev (c, at DESC);
""",
        """\
DROP INDEX u;
""",
        setup="""\
CREATE TABLE ev (id bigint, at date, c bigint) PARTITION BY RANGE (at);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE ev2 PARTITION OF ev DEFAULT;
""",
        how="plan",
    ),
    Case(
        "update with cte",
        """\
WITH x AS (SELECT id FROM customers) UPDATE orders SET status = 'b' FROM x WHERE x.id =
customer_id;
""",
        """\
SELECT 1;
""",
        setup=ORDERS,
    ),
    Case(
        "update only",
        """\
UPDATE ONLY orders SET status = 'b';
""",
        """\
SELECT 1;
""",
        setup=ORDERS
        + """\
CREATE TABLE kid () INHERITS (orders);
INSERT INTO kid (id, code) VALUES (900,'x');
""",
    ),
    Case(
        "update quoted pk",
        """\
UPDATE "X y" AS "q" SET v = 1;
""",
        """\
SELECT 1;
""",
        setup="""\
CREATE TABLE "X y" ("Id" int primary key, v int);
INSERT INTO "X y" SELECT n FROM generate_series(1,100) n;
""",
    ),
    Case(
        "update col named batch",
        """\
UPDATE x SET batch_first = 1 WHERE batch_last IS NULL;
""",
        """\
SELECT 1;
""",
        setup="""\
CREATE TABLE x (id int primary key, batch_first int, batch_last int);
INSERT INTO x SELECT n FROM generate_series(1,100) n;
""",
    ),
    Case(
        "update col key named batch",
        """\
UPDATE x SET v = 1;
""",
        """\
SELECT 1;
""",
        setup="""\
CREATE TABLE x (batch_first int primary key, v int);
INSERT INTO x SELECT n FROM generate_series(1,100) n;
""",
    ),
    Case(
        "update rls forced",
        """\
UPDATE orders SET status = 'b';
""",
        """\
SELECT 1;
""",
        setup=ORDERS
        + """\
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON orders USING (id > 3);
""",
    ),
    Case(
        "delete using",
        """\
DELETE FROM orders o USING customers c WHERE c.id = o.customer_id AND o.id > 50;
""",
        """\
SELECT 1;
""",
        setup=ORDERS,
    ),
    Case(
        "attach subpart",
        """\
ALTER TABLE ev ATTACH PARTITION ev1 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
""",
        """\
ALTER TABLE ev DETACH PARTITION ev1;
""",
        setup="""\
CREATE TABLE ev (id bigint, at date, c bigint) PARTITION BY RANGE (at);
CREATE TABLE ev1 (id bigint, at date, c bigint) PARTITION BY LIST (c);
CREATE TABLE ev11 PARTITION OF ev1 DEFAULT;
INSERT INTO ev1 VALUES (1, '2025-01-03', 2);
""",
    ),
    Case(
        "attach quoted key",
        """\
ALTER TABLE ev ATTACH PARTITION ev1 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
""",
        """\
ALTER TABLE ev DETACH PARTITION ev1;
""",
        setup="""\
CREATE TABLE ev (id bigint, "A t" date) PARTITION BY RANGE ("A t");
CREATE TABLE ev1 (id bigint, "A t" date);
INSERT INTO ev1 VALUES (1, '2025-01-03');
CREATE TABLE evd PARTITION OF ev DEFAULT;
""",
    ),
    Case(
        "create part schema",
        """\
CREATE TABLE a.ev1 PARTITION OF a.ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
""",
        """\
DROP TABLE a.ev1;
""",
        setup="""\
CREATE SCHEMA a;
CREATE TABLE a.ev (id bigint GENERATED BY DEFAULT AS IDENTITY, at date NOT NULL, g int
GENERATED ALWAYS AS (3) STORED, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE a.d PARTITION OF a.ev DEFAULT;
CREATE INDEX ON a.ev (at);
COMMENT ON TABLE a.ev IS 'c';
COMMENT ON COLUMN a.ev.id IS 'd';
""",
        staged=("ev1_pkey on a.ev1: NO INHERIT",),  # of a key: nothing inherits from a partition
    ),
    Case(
        "detach list",
        """\
ALTER TABLE ev DETACH PARTITION ev1;
""",
        """\
ALTER TABLE ev ATTACH PARTITION ev1 FOR VALUES IN ('a', NULL);
""",
        setup="""\
CREATE TABLE ev (id bigserial, k text) PARTITION BY LIST (k);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES IN ('a', NULL);
""",
    ),
    Case(
        "detach named check clash",
        """\
ALTER TABLE ev DETACH PARTITION ev1;
""",
        """\
ALTER TABLE ev ATTACH PARTITION ev1 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
""",
        setup="""\
CREATE TABLE ev (id bigserial, at date NOT NULL CHECK (at > '2000-01-01')) PARTITION BY
RANGE (at);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
""",
    ),
    Case(
        "refresh comment",
        """\
REFRESH /* x */ MATERIALIZED VIEW v;
""",
        """\
SELECT 1;
""",
        setup=ORDERS
        + """\
CREATE MATERIALIZED VIEW v AS SELECT id FROM customers;
CREATE UNIQUE INDEX ON v (id);
""",
    ),
    Case(
        "refresh",
        """\
REFRESH MATERIALIZED VIEW v;
""",
        """\
SELECT 1;
""",
        setup=ORDERS
        + """\
CREATE MATERIALIZED VIEW v AS SELECT id FROM customers WITH NO DATA;
CREATE UNIQUE INDEX ON v (id);
""",
        declined=True,
    ),
    Case(
        "reindex comment",
        """\
REINDEX /* table */ INDEX i;
""",
        """\
SELECT 1;
""",
        setup=ORDERS
        + """\
CREATE INDEX i ON orders (code);
""",
    ),
    Case(
        "domain set not null",
        """\
ALTER DOMAIN pos SET NOT NULL;
""",
        """\
ALTER DOMAIN pos DROP NOT NULL;
""",
        setup=ORDERS
        + """\
CREATE DOMAIN pos AS int;
CREATE TABLE x (p pos);
""",
        how="plan",
        left=("domain-constraint",),
        staged=("pos",),
        blocks=("x SHARE: ['ALTER', 'DOMAIN', 'pos']",),
    ),
]
"""Where a fix once failed, lost something, or would: names, comments, what hangs on a table."""
