"""`migrations rollback` as people run it: every verdict, what it names, and how the run ends."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from senior_backend.postgres import Databases, start
from tests.migrations.conftest import Repository, Run

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "hooks/senior_backend/schemas/rollback.json").read_text())

SHOP = """
create table customers (id bigint generated always as identity primary key, email text not null);
create table orders (
    id bigserial primary key,
    customer_id bigint not null references customers,
    note text,
    total numeric(10, 2) not null default 0
);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Databases]:
    """A server of this file's own, given by its address: started once."""
    with start() as server:
        yield server


Prove = Callable[..., Run]


@pytest.fixture
def prove(repository: Callable[..., Repository], server: Databases) -> Prove:
    """Prove the last of some migrations of golang-migrate after the shop's first one."""

    def run(up: str, down: str | None, *arguments: str) -> Run:
        files = {"db/000001_shop.up.sql": SHOP, "db/000002_it.up.sql": up}
        files["db/000001_shop.down.sql"] = "drop table orders; drop table customers;"
        if down is not None:
            files["db/000002_it.down.sql"] = down
        made = repository(files)
        return made.run("rollback", "--server", server.url(), *arguments, "db/000002_it.up.sql")

    return run


def proof(run: Run) -> dict[str, Any]:
    Draft202012Validator(SCHEMA).validate(run.document)
    (found,) = run.document["migrations"]
    assert isinstance(found, dict)
    return found


@pytest.mark.verify
def test_a_down_that_restores_all_is_identical_though_sequences_went_on(prove: Prove):
    run = prove(
        "create table notes (id bigserial primary key, about bigint references orders); "
        "create index orders_note on orders (note); select nextval('orders_id_seq');",
        "drop index orders_note; drop table notes;",
        "--format",
        "json",
    )
    found = proof(run)
    assert (run.code, found["verdict"]) == (0, "identical"), run.out
    assert found["comparison"]["differences"] == []
    assert found["comparison"]["pg_dump"] == []
    assert found["down"]["direction"] == "down"
    assert found["rows"] > 20


@pytest.mark.verify
def test_an_added_column_that_is_dropped_leaves_only_its_slot(prove: Prove):
    run = prove("alter table orders add column x int;", "alter table orders drop column x;")
    assert run.code == 0, run.out
    assert "identical but for physical residue" in run.out
    assert "table orders: slots of dropped columns: 0 → 1" in run.out


def test_what_is_forgotten_is_named_and_so_is_that_the_up_cannot_run_again(prove: Prove):
    run = prove(
        "create index orders_note on orders (note); alter table orders alter total set default 7;",
        "alter table orders alter total drop default;",
    )
    assert run.code == 1
    assert "different" in run.out
    assert "index orders_note: left behind by the down" in run.out
    assert "column orders.total: default: 0 → none" in run.out
    assert "the up cannot run again after it" in run.out


def test_a_dropped_column_comes_back_without_its_values(prove: Prove):
    run = prove(
        "alter table orders drop column note;",
        "alter table orders add column note text;",
        "--format",
        "json",
    )
    found = proof(run)
    assert (run.code, found["verdict"]) == (1, "lossy")
    (lost,) = found["comparison"]["lost"]
    assert lost["object"] == "orders.note"
    assert "all are null" in lost["reason"]
    assert all(one["physical"] for one in found["comparison"]["differences"])


@pytest.mark.verify
def test_deleted_rows_and_narrowed_values_are_lost(prove: Prove):
    run = prove(
        "alter table orders alter total type int using 0; alter table orders alter total set "
        "default 0; delete from orders where id % 2 = 0;",
        "alter table orders alter total type numeric(10, 2); "
        "alter table orders alter total set default 0;",
    )
    assert run.code == 1
    assert "lossy" in run.out, run.out
    assert "orders: 20 rows before, 10 after" in run.out


@pytest.mark.verify
def test_a_sequence_that_is_set_back_is_a_loss(prove: Prove):
    run = prove(
        "alter table orders alter id drop default; drop sequence orders_id_seq;",
        "create sequence orders_id_seq owned by orders.id; "
        "alter table orders alter id set default nextval('orders_id_seq');",
    )
    assert run.code == 1
    assert "sequence orders_id_seq: set back" in run.out


@pytest.mark.verify
def test_a_down_that_fails_on_rows_is_told_with_its_line(prove: Prove):
    run = prove(
        "alter table orders drop column note;",
        "\nalter table orders add column note text not null;",
    )
    assert run.code == 1
    assert "the down fails" in run.out
    assert 'db/000002_it.down.sql:2: column "note" of relation "orders" contains null' in run.out


@pytest.mark.verify
def test_a_down_that_is_no_sql_fails(prove: Prove):
    run = prove("create index i on orders (note);", "drop index if not exists i;")
    assert run.code == 1
    assert "the down fails" in run.out
    assert "db/000002_it.down.sql:1: syntax error" in run.out


@pytest.mark.verify
def test_a_down_that_raises_is_irreversible_by_its_authors_word(prove: Prove):
    run = prove(
        "drop table orders;",
        "do $$ begin raise exception 'restore the backup'; end $$;",
    )
    assert run.code == 0
    assert "irreversible" in run.out
    assert "restore the backup" in run.out


@pytest.mark.verify
def test_a_down_of_a_comment_alone_is_told_with_the_comment(prove: Prove):
    run = prove("create index i on orders (note);", "-- The index may stay.\n")
    assert run.code == 0
    assert "its down holds only a comment: The index may stay." in run.out


@pytest.mark.verify
def test_the_comment_that_a_generator_wrote_is_no_word_of_an_author(prove: Prove):
    run = prove(
        "create index i on orders (note);", "-- This file should undo anything in `up.sql`\n"
    )
    assert run.code == 1
    assert "its down holds no statement" in run.out


@pytest.mark.verify
@pytest.mark.parametrize(
    "comment",
    ["-- Do nothing.", "/* noop */", "-- TODO", "-- drop index i;", "-- DROP INDEX\n--   i;"],
)
def test_a_comment_that_gives_no_reason_excuses_nothing(prove: Prove, comment: str):
    run = prove("create index i on orders (note);", f"{comment}\n")
    assert run.code == 1
    assert "its down holds no statement" in run.out


UNREACHED = {
    "delete": ("delete from orders where note = 'spam' and total < 5;", "orders: 20 rows before"),
    "update": ("update orders o set note = 'y' where o.note in ('it''s', 'z');", "orders.note: "),
    "nulls": ("update orders set note = '' where note is null or false;", "orders.note: "),
    "pattern": ("update orders set total = 1 where note like 'a_c%';", "orders.total: "),
}


@pytest.mark.verify
@pytest.mark.parametrize("name", UNREACHED)
def test_rows_are_such_that_conditions_of_the_up_find_some(prove: Prove, name: str):
    up, said = UNREACHED[name]
    run = prove(up, "select 1;")
    assert run.code == 1, run.out
    assert said in run.out


@pytest.mark.verify
def test_what_finds_no_row_is_said_to_prove_nothing(prove: Prove):
    up = "update orders set note = 'x' where ordered < now() - interval '900 years';"
    run = prove(f"alter table orders add ordered timestamptz; {up}",
                "alter table orders drop ordered;")  # fmt: skip
    assert run.code == 0, run.out
    assert "note: db/000002_it.up.sql:1: updates none of the made-up rows" in run.out


@pytest.mark.verify
def test_a_reason_is_one_where_rows_alone_are_gone(prove: Prove):
    run = prove("delete from orders where note = 'x';", "-- The rows are gone for good.\n")
    assert run.code == 0, run.out
    assert "irreversible" in run.out


@pytest.mark.verify
def test_a_down_that_never_commits_is_told(prove: Prove):
    run = prove("create table d (id int);", "begin; drop table d;")
    assert run.code == 1
    assert "the transaction that it begins is never committed" in run.out


@pytest.mark.verify
def test_a_missing_down_is_told_and_fails_nothing(prove: Prove):
    run = prove("create index i on orders (note);", None)
    assert run.code == 0
    assert "no down" in run.out


@pytest.mark.verify
@pytest.mark.parametrize("down", ["", None], ids=["empty", "none"])
def test_a_migration_that_does_nothing_needs_no_down(prove: Prove, down: str | None):
    run = prove("", down)
    assert "it does nothing, so nothing is to take back" in run.out
    assert "--write" not in run.out


@pytest.mark.verify
def test_rows_that_an_up_refuses_are_ours_and_blame_nobody(prove: Prove):
    run = prove(
        "alter table orders add constraint c check (note like '%@example.org');",
        "alter table orders drop constraint c;",
    )
    assert run.code == 0
    assert "tried on empty tables, so nothing is said of rows" in run.out


@pytest.mark.verify
def test_an_index_built_outside_a_transaction_is_dropped_there(prove: Prove):
    run = prove("create index concurrently i on orders (note);", "drop index concurrently i;")
    assert run.code == 0, run.out


@pytest.mark.verify
def test_markdown_has_a_row_a_migration(prove: Prove):
    run = prove("create index i on orders (note);", "select 1;", "--format", "markdown")
    assert "| ❌ | `db/000002_it.up.sql` | **different**<br>index i: left behind" in run.out


def test_a_tool_without_downs_has_nothing_to_prove(repository: Callable[..., Repository]):
    made = repository(
        {
            "prisma/schema.prisma": 'datasource db { provider = "postgresql" }\n',
            "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
            "prisma/migrations/20240101000000_a/migration.sql": "create table a (id int);",
        }
    )
    run = made.run("rollback", "prisma")
    assert run.code == 0, run.err
    assert "Prisma has no down migrations here, so there is nothing to prove" in run.out


@pytest.mark.verify
def test_all_ups_and_then_all_downs_end_at_the_start(
    repository: Callable[..., Repository], server: Databases
):
    made = repository(
        {
            "db/000001_a.up.sql": "create table a (id int primary key);",
            "db/000001_a.down.sql": "drop table a;",
            "db/000002_b.up.sql": "alter table a add column b int; create index a_b on a (b);",
            "db/000002_b.down.sql": "alter table a drop column b;",
        }
    )
    run = made.run("rollback", "--server", server.url(), "db")
    assert run.code == 0, run.out
    assert "✓ all 2 ups, then all downs: identical" in run.out


@pytest.mark.verify
def test_what_is_proved_of_one_is_the_same_after_others(repository: Callable[..., Repository]):
    """One database serves them all: nothing of the one before it is left for the next."""
    made = repository(
        {
            "db/000001_a.up.sql": "create table a (id bigserial primary key, n text);",
            "db/000001_a.down.sql": "drop table a;",
            "db/000002_role.up.sql": "create role of_mine; grant select on a to of_mine;",
            "db/000002_role.down.sql": "revoke select on a from of_mine; drop role of_mine;",
            "db/000003_add.up.sql": "alter table a add c text default '';",
            "db/000003_add.down.sql": "alter table a drop c;",
            "db/000004_narrow.up.sql": "alter table a alter c type varchar(1) using left(c, 1);",
            "db/000004_narrow.down.sql": "alter table a alter c type text;",
            "db/000005_seed.up.sql": "create table b (id int primary key, of bigint references a); "
            "insert into a values (700, 'x', 'y');",
            "db/000005_seed.down.sql": "delete from a where id = 700; drop table b;",
            "db/000006_refer.up.sql": "insert into b values (900, 700);",
            "db/000006_refer.down.sql": "delete from b where id = 900;",
            "db/000007_blank.up.sql": "update a set n = 'same';",
            "db/000007_blank.down.sql": "select 1;",
            "db/000008_narrow.up.sql": "alter table a alter n type varchar(1) using left(n, 1);",
            "db/000008_narrow.down.sql": "alter table a alter n type text;",
        }
    )
    run = made.run("rollback", "--format", "json", "--since", "db/000001_a.up.sql", "db")
    together = {one["path"]: one["verdict"] for one in run.document["migrations"]}
    assert list(together.values()) == [
        "identical", "physical residue", "lossy", "identical", "identical", "lossy", "lossy",
    ], run.err  # fmt: skip
    (all_of_them,) = run.document["ranges"]
    assert all_of_them["verdict"] == "lossy"


@pytest.mark.verify
def test_a_plain_owner_proves_on_a_server_that_is_given(
    repository: Callable[..., Repository], server: Databases
):
    with server.session() as session:
        session.execute("create role plain login createdb password 'p'")
        session.execute("create database own owner plain")
    address = re.sub("//[^@]*@", "//plain:p@", server.url("own"))
    made = repository(
        {
            "db/000001_a.up.sql": "create table a (id bigserial primary key, b text); "
            "create view v as select b from a; comment on view v is 'x';",
            "db/000001_a.down.sql": "drop view v; drop table a;",
            "db/000002_b.up.sql": "create index i on a (b); grant select on a to public;",
            "db/000002_b.down.sql": "drop index i;",
        }
    )
    run = made.run("rollback", "--server", address, "db")
    assert run.code == 1, run.err
    assert "table a: privileges: default → =r/plain, plain=" in run.out
    assert "1 identical, 1 different" in run.out
    with server.session() as session:
        left = {name for (name,) in session.execute("select datname from pg_database")}
        session.execute("drop database own")
        session.execute("drop role plain")
    assert left == {"postgres", "template0", "template1", "own"}


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
def test_majors_that_agree_are_told_once(repository: Callable[..., Repository]):
    made = repository(
        {
            "db/000001_a.up.sql": "create table a (id bigserial primary key, b text);",
            "db/000001_a.down.sql": "drop table a;",
        }
    )
    run = made.run("rollback", "--pg", "all", "db")
    assert run.code == 0, run.err
    assert run.out.count("✓ db/000001_a.up.sql: identical") == 1
    assert re.match(r"PostgreSQL 18\S+, 17\S+, 16\S+, 15\S+, 14\S+\n", run.out)


@pytest.mark.verify
class TestResume:
    """Every statement fails once, as its tool has it fail, and the migration is run again."""

    def test_in_a_transaction_everything_can_run_again(self, prove: Prove):
        run = prove(
            "alter table orders add column x int; create index i on orders (x);",
            "alter table orders drop column x;",
            "--resume",
            "--format",
            "json",
        )
        assert run.code == 0, run.out
        (cut,) = proof(run)["resume"]
        assert cut["resumes"]
        assert cut["left"] == []

    def test_an_index_half_built_stands_in_the_way(self, prove: Prove):
        run = prove("create index concurrently i on orders (note);", "drop index i;", "--resume")
        assert run.code == 1
        assert "left behind: index i: extra, INVALID" in run.out
        assert 'second run: db/000002_it.up.sql:1: relation "i" already exists' in run.out
        assert "remedy: put DROP INDEX CONCURRENTLY IF EXISTS i before it" in run.out

    def test_what_reindex_leaves_is_to_be_dropped(
        self, repository: Callable[..., Repository], server: Databases
    ):
        made = repository(
            {
                "db/00001_a.sql": "-- +goose Up\ncreate table a (id int);\n"
                "create index a_id on a (id);\n-- +goose Down\ndrop table a;\n",
                "db/00002_b.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"
                "reindex index concurrently a_id;\n-- +goose Down\nselect 1;\n",
                "db/00003_c.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"
                "alter table a add c int;\ncreate index concurrently a_c on a (c);\n"
                "-- +goose Down\nalter table a drop c;\n",
            }
        )
        files = ("db/00002_b.sql", "db/00003_c.sql")
        run = made.run("rollback", "--resume", "--server", server.url(), *files)
        assert run.code == 1
        assert "put DROP INDEX CONCURRENTLY IF EXISTS a_id_ccnew before it, or drop" in run.out
        assert "IF NOT EXISTS, and put DROP INDEX CONCURRENTLY IF EXISTS a_c before" in run.out

    def test_if_not_exists_passes_over_it(self, prove: Prove):
        run = prove(
            "create index concurrently if not exists i on orders (note);",
            "drop index i;",
            "--resume",
        )
        assert run.code == 1
        assert "ends otherwise: index i: valid: yes → no" in run.out

    def test_an_index_that_is_dropped_first_can_run_again(
        self, repository: Callable[..., Repository], server: Databases
    ):
        made = repository(
            {
                "db/00001_a.sql": "-- +goose Up\ncreate table a (id int, b int);\n"
                "-- +goose Down\ndrop table a;\n",
                "db/00002_b.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"
                "drop index concurrently if exists a_b;\n"
                "create index concurrently a_b on a (b);\n"
                "-- +goose Down\ndrop index concurrently a_b;\n",
            }
        )
        run = made.run("rollback", "--resume", "--server", server.url(), "db/00002_b.sql")
        assert run.code == 0, run.out

    def test_rows_that_are_changed_twice_are_found(
        self, repository: Callable[..., Repository], server: Databases
    ):
        made = repository(
            {
                "db/00001_a.sql": "-- +goose Up\ncreate table a (id int primary key, b int);\n"
                "-- +goose Down\ndrop table a;\n",
                "db/00002_b.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"
                "update a set b = b + 1;\nalter table a alter b set default 1;\n"
                "-- +goose Down\nalter table a alter b drop default;\n",
            }
        )
        run = made.run("rollback", "--resume", "--server", server.url(), "db/00002_b.sql")
        assert run.code == 1
        assert "ends otherwise: a.b: 20 values" in run.out or "ends otherwise: a.b:" in run.out
        assert "remedy: rows are changed twice" in run.out


@pytest.mark.verify
def test_on_a_server_that_is_given_roles_and_settings_are_left_alone(
    prove: Prove, server: Databases
):
    text = (
        "create role somebody; alter system set work_mem = '5MB'; alter role postgres set a.b = 1"
    )
    for arguments in (("--write",), (), ("--resume",)):
        run = prove(text, None if "--write" in arguments else "drop role somebody", *arguments)
        assert "reaches beyond the scratch database" in run.out + run.err
    with server.session() as session:
        assert session.execute("select 1 from pg_roles where rolname = 'somebody'") == []
        assert session.execute("select 1 from pg_db_role_setting") == []
        assert session.execute("select 1 from pg_file_settings where name = 'work_mem'") == []
