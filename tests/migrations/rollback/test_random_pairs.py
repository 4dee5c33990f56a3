"""Ups made at random, with downs that are their true inverse: nothing but slots may be left."""

from collections.abc import Callable, Iterator
from random import Random

import pytest

from senior_backend.errors import NotRunError
from senior_backend.migrations.rollback.comparing.compare import Difference
from senior_backend.postgres import Databases
from senior_backend.postgres.session import Session
from tests.migrations.rollback.pairs import Pair
from tests.migrations.rollback.test_snapshot import Shop, shop_on

STEPS = 15
TYPES = ("int", "bigint", "text", "varchar(40)", "numeric(12, 3)", "timestamptz", "jsonb", "uuid",
         "boolean", "status", "address", "positive", "int[]", "daterange", "date")  # fmt: skip
DEFAULTS = {"int": "7", "text": "'x'", "timestamptz": "now()", "uuid": "gen_random_uuid()"}
TABLES = ("customers", "orders", "events", "animals", "cache", "shop.stock")
COLUMNS = {"customers": "name", "orders": "note", "events": "what", "animals": "born",
           "cache": "value", "shop.stock": "amount"}  # fmt: skip


class Steps:
    """Draws one step after the other; each is undone by its second text."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.number = 0

    def name(self) -> str:
        """One that no other thing has; sometimes one that must be quoted."""
        self.number += 1
        return self.random.choice((f"thing_{self.number}", f'"Thing {self.number}"'))

    def column(self) -> str:
        type_ = self.random.choice(TYPES)
        default = f" default {DEFAULTS[type_]}" if type_ in DEFAULTS else ""
        required = " not null" if default and self.random.random() < 0.5 else ""
        return f"{self.name()} {type_}{default}{required}"

    def table(self) -> tuple[str, str]:
        name, columns = self.name(), [self.column() for _ in range(self.random.randint(1, 5))]
        key = self.random.choice(
            ("id bigserial primary key", "id int generated always as identity", "id uuid unique")
        )
        parent = self.random.choice(("", ", of bigint references orders on delete cascade"))
        return f"create table {name} ({key}, {', '.join(columns)}{parent})", f"drop table {name}"

    def add_column(self) -> tuple[str, str]:
        table, column = self.random.choice(TABLES), self.column()
        name = column[: column.rindex('"') + 1] if column[0] == '"' else column.split()[0]
        return f"alter table {table} add {column}", f"alter table {table} drop {name}"

    def rename_column(self) -> tuple[str, str]:
        table = self.random.choice(TABLES)
        return self._rename(f"alter table {table} rename", COLUMNS[table])

    def rename_table(self) -> tuple[str, str]:
        table, name = self.random.choice(("customers", "cache", "machines")), self.name()
        return f"alter table {table} rename to {name}", f"alter table {name} rename to {table}"

    def _rename(self, what: str, old: str) -> tuple[str, str]:
        new = self.name()
        return f"{what} {old} to {new}", f"{what} {new} to {old}"

    def index(self) -> tuple[str, str]:
        table, name = self.random.choice(TABLES), self.name()
        column = COLUMNS[table]
        what = self.random.choice(
            (f"({column})", f"({column} desc nulls last)", f"(({column} is null))",
             f"({column}) where {column} is not null", f"using brin ({column})")
        )  # fmt: skip
        schema = "shop." if table.startswith("shop.") else ""
        return f"create index {name} on {table} {what}", f"drop index {schema}{name}"

    def check(self) -> tuple[str, str]:
        table, name = self.random.choice(TABLES), self.name()
        valid = self.random.choice(("", " not valid")) if table != "events" else ""
        check = f"check ({COLUMNS[table]} is not null or true)"
        return (f"alter table {table} add constraint {name} {check}{valid}",
                f"alter table {table} drop constraint {name}")  # fmt: skip

    def view(self) -> tuple[str, str]:
        table, name = self.random.choice(TABLES), self.name()
        kind = self.random.choice(("view", "materialized view"))
        return f"create {kind} {name} as select * from {table}", f"drop {kind} {name}"

    def type(self) -> tuple[str, str]:
        name = self.name()
        what = self.random.choice(
            ("type {} as enum ('a', 'b')", "domain {} as int check (value > 3)",
             "type {} as (a int, b text)", "type {} as range (subtype = int)")
        )  # fmt: skip
        return f"create {what.format(name)}", f"drop {what.split()[0]} {name}"

    def function(self) -> tuple[str, str]:
        name = self.name()
        body = f"(a int, b text default 'x') returns int language sql as 'select {self.number}'"
        return f"create function {name}{body}", f"drop function {name}"

    def comment(self) -> tuple[str, str]:
        table = self.random.choice(TABLES)
        on = self.random.choice((f"table {table}", f"column {table}.{COLUMNS[table]}"))
        return f"comment on {on} is 'it''s'", f"comment on {on} is null"

    def privilege(self) -> tuple[str, str]:
        table = self.random.choice(TABLES)
        what = self.random.choice(("select", f"update ({COLUMNS[table]})", "all"))
        return (f"grant {what} on {table} to shop_reader",
                f"revoke {what} on {table} from shop_reader")  # fmt: skip

    def required(self) -> tuple[str, str]:
        table = self.random.choice(("machines", "cache"))
        column = {"machines": "made", "cache": "value"}[table]
        alter = f"alter table {table} alter {column}"
        return f"{alter} set not null", f"{alter} drop not null"

    def draw(self) -> Iterator[tuple[str, str]]:
        steps: tuple[Callable[[], tuple[str, str]], ...] = (
            self.table, self.add_column, self.rename_column, self.rename_table, self.index,
            self.check, self.view, self.type, self.function, self.comment, self.privilege,
            self.required,
        )  # fmt: skip
        while True:
            yield self.random.choice(steps)()


def left_after(shop: Shop, seed: int) -> tuple[Difference, ...]:
    """What differs after as many steps as can be taken, and all of them back."""
    undo: list[str] = []
    ups: list[str] = []
    drawn = Steps(seed).draw()
    while len(undo) < STEPS:
        up, down = next(drawn)
        shop.session.execute("savepoint step")
        try:  # a step may need what an earlier one renamed: another one is drawn
            shop.session.execute(up)
        except NotRunError:
            shop.session.execute("rollback to step")
            continue
        ups.append(up)
        undo.append(down)
    shop.session.execute("rollback to shop")
    return shop.after(Pair(str(seed), ";\n".join(ups), ";\n".join(reversed(undo))))


@pytest.fixture(scope="module")
def shop(postgres_server: Databases) -> Iterator[Shop]:
    url = postgres_server.create_database()
    with Session(url) as session, shop_on(session) as made:
        yield made
    postgres_server.drop_database(url)


@pytest.mark.parametrize("seed", [1, pytest.param(range(2, 60), marks=pytest.mark.verify)])
def test_true_inverses_leave_nothing_but_slots(shop: Shop, seed: int | range):
    for one in seed if isinstance(seed, range) else [seed]:
        found = left_after(shop, one)
        assert [str(d) for d in found if not d.physical] == [], f"seed {one}"
