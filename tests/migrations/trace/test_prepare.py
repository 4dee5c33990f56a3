"""The database before what is traced: earlier migrations, and what is stood in for."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from senior_backend.migrations.trace.flow import trace
from senior_backend.migrations.trace.observed import MigrationTrace, Trace
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch import needs
from senior_backend.migrations.trace.scratch.prepare import Built, build
from senior_backend.migrations.trace.scratch.server import Scratch, Where, open_scratch
from senior_backend.postgres import Databases, Session
from senior_backend.sources.discovery import discover
from senior_backend.sources.migration import Folder, Migration, Segment
from senior_backend.sql.text import SqlText

SETTINGS = Settings(statement_timeout_s=20)


def migrations(*texts: str, source: str = "plain_sql") -> list[Migration]:
    return [
        Migration(
            source,
            f"{number}.sql",
            str(number),
            "",
            (Segment(SqlText(f"{number}.sql", text.encode()), "file"),),
        )
        for number, text in enumerate(texts, start=1)
    ]


@pytest.fixture(scope="module")
def own() -> Iterator[Scratch]:
    with open_scratch(Where()) as scratch:
        yield scratch


@pytest.fixture
def given(postgres_server: Databases) -> Iterator[Scratch]:
    with open_scratch(Where(server=postgres_server.url())) as scratch:
        yield scratch


@pytest.fixture
def built(own: Scratch) -> Iterator[Callable[..., tuple[Built, str]]]:
    """Build in a new database; what came of it, and its address."""
    urls: list[str] = []

    def make(
        *texts: str, settings: Settings = SETTINGS, source: str = "plain_sql"
    ) -> tuple[Built, str]:
        urls.append(own.database())
        return build(urls[-1], migrations(*texts, source=source), own, settings), urls[-1]

    yield make
    for url in urls:
        own.drop(url)


def test_what_fails_is_told_with_its_place_and_the_rest_goes_on(built) -> None:
    result, url = built(
        "create table a (id int);\n",
        "create table b (id int);\nalter table none add x int;\n",
        "create table c (id int);\n",
    )
    assert [str(problem) for problem in result.problems] == [
        '2.sql:2: relation "none" does not exist'
    ]
    with Session(url) as session:
        assert session.execute(
            "select string_agg(relname, ',' order by relname) from pg_class "
            "where relnamespace = 'public'::regnamespace and relkind = 'r'"
        ) == [("a,c",)]


USES = {
    "pgcrypto": "create table t (a bytea default gen_random_bytes(16));"
    "insert into t default values; select crypt('x', gen_salt('bf', 8)), digest('x', 'sha256'), "
    "encode(hmac('x', 'y', 'sha256'), 'hex') from t;",
    "uuid-ossp": "create table t (id uuid primary key default uuid_generate_v4());"
    "insert into t default values;",
    "citext": "create table t (a citext unique); insert into t values ('x');",
    "hstore": "create table t (a hstore); create index on t using gin (a);",
    "ltree": "create table t (path ltree); insert into t values ('a.b');",
    "vector": "create table t (v vector(3)); insert into t values ('[1,2,3]');"
    "create index on t using hnsw (v vector_cosine_ops);"
    "create index on t using ivfflat (v vector_l2_ops) with (lists = 10);"
    "select * from t order by v <=> '[1,2,3]';",
    "postgis": "create table t (p geometry(Point, 4326), g geography);"
    "create index on t using gist (p);"
    "insert into t values (st_setsrid(st_makepoint(1, 2), 4326), null);"
    "select st_x(p) from t where st_dwithin(p, p, 1);",
    "timescaledb": "create table t (at timestamptz not null);"
    "select create_hypertable('t', 'at', chunk_time_interval => interval '1 day');",
    "pg_cron": "select cron.schedule('nightly', '0 3 * * *', 'vacuum');",
    "pg_net": "select net.http_post(url := 'https://example.com', body := '{}'::jsonb);",
    "pgjwt": "select sign('{}', 'secret');",
    "supabase_vault": "select vault.create_secret('s', 'name');"
    "select * from vault.decrypted_secrets;",
}


def using_extensions() -> list[Migration]:
    texts = []
    for extension, uses in USES.items():
        texts += [f'create extension if not exists "{extension}";']
        texts += [f"-- {extension}\n{uses}\ndrop table if exists t;"]
    return migrations(*texts)


def test_what_extensions_bring_is_there(own: Scratch) -> None:
    url = own.database()
    result = build(url, using_extensions(), own, SETTINGS)
    own.drop(url)
    assert [str(problem) for problem in result.problems] == []
    assert {"extension pgcrypto", "extension postgis"} <= set(result.stubbed)


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
@pytest.mark.parametrize("major", range(14, 18))
def test_what_extensions_bring_is_there_on_every_major(major: int) -> None:
    with open_scratch(Where(), major) as scratch:
        result = build(scratch.database(), using_extensions(), scratch, SETTINGS)
        assert [str(problem) for problem in result.problems] == []
        assert "extension postgis" in result.stubbed
        assert "extension pgcrypto" not in result.stubbed


class TestExtensions:
    def test_those_that_the_server_lacks_are_real_ones_and_named(self, built) -> None:
        result, url = built(
            "create extension postgis with schema public version '3.4.0';\n"
            "comment on extension postgis is 'x';"
        )
        assert result.problems == ()
        assert result.stubbed == ("extension postgis",)
        with Session(url) as session:
            session.execute("drop extension postgis")

    def test_those_that_it_has_are_its_own(self, built) -> None:
        result, _ = built("create extension hstore;")
        assert result.stubbed == ()

    def test_one_that_nobody_knows_is_empty(self, built) -> None:
        result, _ = built("create extension acme;", "create table t (a acme_type);")
        assert result.stubbed == ("extension acme (empty: its types and functions are not known)",)
        assert [problem.path for problem in result.problems] == ["2.sql"]

    def test_an_extension_in_a_do_block_is_seen(self, built) -> None:
        result, _ = built("do $$ begin create extension postgis; end $$;")
        assert (result.problems, result.stubbed) == ((), ("extension postgis",))

    def test_defaults_rewrite_as_those_of_the_real_one(self, own: Scratch) -> None:
        up = "alter table t add b uuid default uuid_generate_v4();"
        folder = Folder(
            "plain_sql",
            Path(),
            tuple(migrations('create extension "uuid-ossp"; create table t (a int);', up)),
        )
        seen = trace(folder, ["2.sql"], own, SETTINGS)
        assert seen.migrations[0].statements[0].rewrites == ("t",)


class TestRoles:
    def test_those_that_are_named_and_never_made_are_created_and_named(self, built) -> None:
        result, _ = built(
            "create table t (id int); grant select on t to reporting_x, public;\n"
            "create role made_here_x; grant select on t to made_here_x;\n"
            "create policy p on t to readers_x using (true);\n"
            "alter table t owner to owner_x;"
        )
        assert result.problems == ()
        assert result.stubbed == ("role owner_x", "role readers_x", "role reporting_x")

    def test_one_that_statements_are_run_as_may_create_tables(self, built) -> None:
        result, _ = built("set role migrator_x; create table mine (id int); reset role;")
        assert result.problems == ()

    def test_the_next_database_is_free_of_them(self, own: Scratch) -> None:
        text = "create role again_x; create table t (id int); grant select on t to again_x;"
        url = own.database()
        first = build(url, migrations(text), own, SETTINGS)
        copy = own.database(url)
        own.drop(copy)
        with Session(url) as session:
            assert session.execute("select 1 from pg_roles where rolname = 'again_x'")
        own.drop(url)
        again = own.database()
        second = build(again, migrations(text), own, SETTINGS)
        own.drop(again)
        assert (first.problems, second.problems) == ((), ())


def test_a_supabase_project_has_what_its_migrations_name(built) -> None:
    result, _ = built(
        "create table profiles (id uuid primary key references auth.users on delete cascade);\n"
        "alter table profiles enable row level security;\n"
        "create policy own on profiles for select to authenticated using (auth.uid() = id);\n"
        "insert into storage.buckets (id, name) values ('avatars', 'avatars');\n"
        "create policy up on storage.objects for insert to anon with check (bucket_id = 'a');\n"
        "alter publication supabase_realtime add table profiles;\n"
        "create table t (id uuid default extensions.uuid_generate_v4());\n"
        "grant all on profiles to service_role;",
        source="supabase",
    )
    assert [str(problem) for problem in result.problems] == []
    assert "schemas auth, storage, extensions, realtime of Supabase" in result.stubbed


def test_the_ledger_of_the_tool_is_there_where_it_is_named(built) -> None:
    result, _ = built("select * from __diesel_schema_migrations;", source="diesel")
    assert result.problems == ()
    assert result.stubbed == ("the tool's own table __diesel_schema_migrations",)


class TestOnAGivenServer:
    """Nothing is put into its folders, and no role is made: roles outlive a database."""

    def traced(self, given: Scratch, *texts: str) -> Trace:
        folder = Folder("plain_sql", Path(), tuple(migrations(*texts)))
        return trace(folder, [m.path for m in folder.migrations], given, SETTINGS)

    def test_what_an_extension_brings_is_there_and_its_creation_is_left_out(
        self, given: Scratch
    ) -> None:
        text = "create extension postgis;\ncreate table t (g geometry);"
        (migration,) = self.traced(given, text).migrations
        extension, table = migration.statements
        assert extension.sql == "create extension postgis"
        assert extension.not_run == "left out: the server has no extension postgis"
        assert (table.line, table.error) == (2, None)

    def test_grants_to_roles_that_it_lacks_are_left_out(self, given: Scratch) -> None:
        text = (
            "create table t (id int);\ngrant select\n  on t to no_such_x;\nalter table t add b int;"
        )
        seen = self.traced(given, text)
        (migration,) = seen.migrations
        assert migration.statements[1].not_run == "left out: the server has no role no_such_x"
        assert [one.line for one in migration.statements] == [1, 2, 4]
        assert seen.stubbed == ("role no_such_x (not on this server: its grants are left out)",)
        with given._server.session() as session:
            assert session.execute("select 1 from pg_roles where rolname = 'no_such_x'") == []


class TestProduction:
    def test_schemas_of_its_search_path_are_there(self, built) -> None:
        settings = Settings(variables={"search_path": '"$user", app, public'})
        result, url = built("create table t (id int);", settings=settings)
        assert result.stubbed == ("schema app (of search_path)",)
        with Session(url) as session:
            session.execute("select * from app.t")

    def test_its_table_access_method_is_there(self, built) -> None:
        settings = Settings(variables={"default_table_access_method": "columnar"})
        result, url = built("create table t (id int);", settings=settings)
        assert result.stubbed == ("table access method columnar (stores as heap does)",)
        with Session(url) as session:
            assert session.execute(
                "select amname from pg_am a join pg_class c on c.relam = a.oid where relname = 't'"
            ) == [("columnar",)]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("grant a to b", {"a", "b"}),
        ("alter default privileges for role r grant select on tables to s", {"r", "s"}),
        ("create schema x authorization y", {"y"}),
        ("create role a; grant a to current_user", set()),
        ("do $$ begin if true then create role a; end if; end $$; grant a to b", {"b"}),
        ("set role 'x'; set role none; reset role", {"x"}),
        ("set session authorization y", {"y"}),
        ("grant pg_read_all_data to z", {"z"}),
        ("reassign owned by o to p", {"o", "p"}),
        ("create user mapping for u server s", {"u"}),
        ("insert into t values ('grant to owner')", set()),
    ],
)
def test_roles_that_statements_name(text: str, roles: set[str]) -> None:
    assert needs.of(migrations(text)).roles == roles


def test_the_dump_before_the_first_migration_is_run_as_psql_does(
    own: Scratch, tmp_path: Path
) -> None:
    dump = tmp_path / "dump.sql"
    dump.write_text(
        "\\restrict abc\nSET statement_timeout = 0;\ncreate table t (id int);\n\\unrestrict abc\n"
    )
    url = own.database()
    built = build(url, migrations("alter table t add b int;"), own, SETTINGS, schema=dump)
    assert built.problems == ()
    own.drop(url)


def of_files(files: Mapping[str, str], root: Path) -> Folder:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (found,) = discover([root], root).found
    return found.folder


def test_only_what_is_asked_for_is_traced_and_ways_down_come_after_all_ups(
    own: Scratch, tmp_path: Path
) -> None:
    folder = of_files(
        {
            f"migrations/{number:06}_{name}.{way}.sql": text
            for number, name, up, down in (
                (1, "t", "create table t (id int);", "drop table t;"),
                (2, "a", "alter table t add a int;", "alter table t drop a;"),
                (3, "b", "alter table t add b int;", "alter table t drop b;"),
                (4, "c", "alter table t add c int;", "alter table t drop c;"),
                (5, "d", "alter table none add d int;", "select 1;"),
            )
            for way, text in (("up", up), ("down", down))
        },
        tmp_path,
    )
    wanted = [folder.migrations[1].path, folder.migrations[3].path]
    seen = trace(folder, wanted, own, SETTINGS, ("up", "down"))
    assert seen.problems == ()
    assert [_said(one) for one in seen.migrations] == [
        ("up", "alter table t add a int"),
        ("up", "alter table t add c int"),
        ("down", "alter table t drop c"),
        ("down", "alter table t drop a"),
    ]


def _said(migration: MigrationTrace) -> tuple[str, str]:
    assert migration.failed is None
    return migration.direction, migration.statements[0].sql
