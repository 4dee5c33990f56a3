"""`senior-backend migrations trace` as people, hooks and CI run it."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

from senior_backend.postgres import Databases, start
from tests.fixtures.template import ROOT
from tests.migrations.conftest import Repository, Run

SCHEMA = json.loads((ROOT / "hooks/senior_backend/schemas/trace.json").read_text())

TABLES = {"db/migrations/0001_tables.sql": "create table orders (id bigint primary key, a int);\n"}
INDEX = "create index orders_a_idx on orders (a);\n"
ALONE = "create index concurrently orders_a_idx on orders (a);\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Databases]:
    """A server of this file's own: roles are made on it."""
    with start() as server:
        with server.session() as session:
            session.execute(
                "create role plain login createdb password 'p'; create role poor login password 'p'"
            )
        yield server


@pytest.fixture
def traced(repository: Callable[..., Repository], server: Databases) -> Callable[..., Run]:
    """Write files into a repository and trace them on the given server."""

    def run(files: dict[str, str], *arguments: str, role: str = "") -> Run:
        made = repository(files)
        url = server.url()
        if role:
            url = re.sub(r"//[^@]+@", f"//{role}:p@", url)
        return made.run("trace", "--server", url, *arguments)

    return run


class TestBadInput:
    def test_what_fails_half_way_names_file_and_statement_and_the_rest_goes_on(
        self, traced
    ) -> None:
        done = traced(
            {
                **TABLES,
                "db/migrations/0002_bad.sql": "begin;\nalter table orders add b int;\n"
                "alter table nope add c int;\nalter table orders add d int;\ncommit;\n",
                "db/migrations/0003_good.sql": "alter table orders add e int;\n",
            },
            "--format",
            "json",
            "db",
        )
        assert (done.code, done.err) == (1, "")
        _, bad, good = done.document["migrations"]
        assert [(s["line"], s["error"]) for s in bad["statements"] if s["error"]] == [
            (3, 'relation "nope" does not exist')
        ]
        assert next(s for s in bad["statements"] if s["line"] == 4)["not_run"]
        assert [s["error"] for s in good["statements"]] == [None]

    @pytest.mark.parametrize(
        ("statement", "code", "says"),
        [
            (
                "create event trigger e on sql_drop execute function f();",
                1,
                "failed: permission denied",
            ),
            ("alter system set work_mem = '1GB';", 0, "not run: it reaches beyond"),
            ("\\i other.sql", 0, "not run: "),
            ("create table ${schema}.t (id int);", 0, "not run: "),
            ("create table t (id int) bogus;", 3, "not run: syntax error"),
            ("select pg_sleep(30);", 1, "failed: it did not end in 0.5 s"),
        ],
        ids=["superuser", "alter system", "meta", "placeholder", "syntax", "endless"],
    )
    def test_a_statement_that_cannot_run_is_one_line(
        self, traced, statement: str, code: int, says: str
    ) -> None:
        files = {
            **TABLES,
            "db/migrations/0002_odd.sql": f"{statement}\n",
            "db/migrations/0003_good.sql": "alter table orders add e int;\n",
        }
        done = traced(files, "--timeout", "0.5", "db", role="plain")
        assert (done.code, done.err) == (code, ""), done.out
        assert len([line for line in done.out.splitlines() if says in line]) == 1, done.out
        assert "ALTER TABLE ORDERS ADD E INT" in done.out.upper()

    def test_a_file_for_mysql_is_one_line(self, traced) -> None:
        mysql = "CREATE TABLE `a` (`id` int AUTO_INCREMENT, PRIMARY KEY (`id`)) ENGINE=InnoDB;\n"
        done = traced({**TABLES, "db/migrations/0002_m.sql": mysql}, "db/migrations/0002_m.sql")
        assert done.code in (0, 3)
        assert "0002_m.sql" in done.out + done.err
        assert "MySQL" in done.out + done.err

    def test_an_empty_folder_is_said(self, repository) -> None:
        made = repository({"db/README": ""})
        done = made.run("trace", "db")
        assert (done.code, done.out) == (0, "")
        assert done.err == "migrations trace: no migrations here; name a folder that holds some\n"

    @pytest.mark.usefixtures("permissions_hold")
    def test_a_file_that_cannot_be_read_is_said_and_the_rest_is_traced(
        self, repository, server
    ) -> None:
        made = repository({**TABLES, "db/migrations/0002_x.sql": INDEX})
        (made.root / "db/migrations/0002_x.sql").chmod(0)
        done = made.run("trace", "--server", server.url(), "db")
        assert done.code == 3
        assert "db/migrations/0002_x.sql:1: not run: cannot be read" in done.out
        assert "create table orders" in done.out

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (["--pg", "13", "db"], 2, "--pg 13: 14 to 18, or all"),
            (["--pg", "x", "db"], 2, "--pg x: 14 to 18, or all"),
            (["--server", "host=127.0.0.1 port=1 dbname=x", "db"], 3, "--server: cannot connect"),
            (["--server", "nonsense", "db"], 2, "--server: the PostgreSQL address is neither"),
            (["--like", "postgresql://127.0.0.1:1/x", "db"], 3, "--like: cannot connect"),
            (["--pg", "all", "--server", "host=x", "db"], 2, "--pg all starts servers of every"),
            (["--pg-bin", "/nowhere", "db"], 2, "--pg-bin /nowhere: no `postgres` there"),
            (["--since", "no-such-rev", "db"], 2, "no-such-rev: no revision"),
            (["nowhere"], 2, "nowhere: no such file or directory"),
            (["--schema", "nowhere.sql", "db"], 2, "nowhere.sql: cannot be read"),
            (["--timeout", "0", "db"], 2, "--timeout"),
        ],
    )
    def test_what_cannot_be_asked_is_one_line(
        self, repository, arguments: list[str], code: int, says: str
    ) -> None:
        made = repository(TABLES)
        made.commit()
        done = made.run("trace", *arguments)
        assert (done.code, done.out) == (code, "")
        assert says in done.err
        assert done.err.startswith("senior-backend: ")
        assert done.err.count("\n") == 1

    def test_a_server_of_another_major_is_refused(self, traced) -> None:
        done = traced(TABLES, "--pg", "14", "db")
        assert done.code == 2
        assert "and --pg asks for 14: leave one of them out" in done.err

    def test_a_role_that_may_not_create_databases_is_told_so(self, traced) -> None:
        done = traced(TABLES, "db", role="poor")
        assert done.code == 3
        assert "this role may not create databases: alter role ... createdb" in done.err


class TestFailOnBlocking:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (INDEX, 1),
            (ALONE, 0),
            ("alter table orders add note text;\n", 0),
            ("alter table orders alter a set not null;\n", 1),
            ("-- senior-backend-ignore index-not-concurrent: at night\n" + INDEX, 0),
            ("begin;\nlock table orders;\nupdate orders set a = 1;\ncommit;\n", 1),
            ("create table items (id int);\ncreate index on items (id);\n", 0),
        ],
        ids=["index", "concurrent", "brief", "scan", "excused", "earlier lock", "new table"],
    )
    def test_fails_where_traffic_waits_for_work_on_a_whole_table(
        self, traced, text: str, code: int
    ) -> None:
        files = {**TABLES, "db/migrations/0002_x.sql": text}
        done = traced(files, "--fail-on", "blocking", "db/migrations/0002_x.sql")
        assert done.code == code, done.out
        assert ("blocks:" in done.out) == bool(code)

    def test_a_table_that_is_small_is_nobodys_trouble(self, traced) -> None:
        files = {**TABLES, "db/migrations/0002_x.sql": INDEX}
        assert traced(files, "--fail-on", "blocking", "--rows", "orders=500", "db").code == 0

    def test_is_not_asked_for_by_default(self, traced) -> None:
        assert traced({**TABLES, "db/migrations/0002_x.sql": INDEX}, "db").code == 0


def test_revisions_of_a_folder_were_deployed_one_by_one(traced) -> None:
    """Also by Alembic, which takes one transaction for all that one run applies."""
    revision = """revision = "{0}"
down_revision = {1!r}


def upgrade():
    op.execute("{2}")


def downgrade():
    pass
"""
    files = {
        "alembic/env.py": "context.configure()\n",
        "alembic/versions/1.py": "from alembic import op\n"
        + revision.format("1", None, "create table orders (id bigint primary key, a int)"),
        "alembic/versions/2.py": "from alembic import op\n"
        + revision.format("2", "1", INDEX.strip().rstrip(";")),
    }
    done = traced(files, "--fail-on", "blocking", "--python", "no-such-python", "alembic")
    assert done.code == 1, done.out + done.err
    assert "alembic/versions/2.py:7: blocks: writes wait on orders" in done.out


def test_migrations_of_one_change_ship_together(repository, server) -> None:
    """What the first makes is nobody's yet; one by one, in a folder, it is."""
    made = repository(TABLES)
    made.commit()
    new = {
        "db/migrations/0002_t.sql": "create table items (a int);\n",
        "db/migrations/0003_i.sql": "create index on items (a);\n",
    }
    made.write(new)
    for arguments, code in ((["--changed"], 0), (list(new), 0), (["db"], 1)):
        done = made.run("trace", "--server", server.url(), "--fail-on", "blocking", *arguments)
        assert done.code == code, done.out


def test_the_time_zone_of_the_settings_holds_unless_another_is_named(repository, server) -> None:
    made = repository({**TABLES, "senior-backend.toml": "[migrations]\ntimezone = 'Asia/Tokyo'\n"})
    for flags, zone in (([], "Asia/Tokyo"), (["--timezone", "UTC"], "UTC")):
        done = made.run("trace", "--server", server.url(), "--format", "json", *flags, "db")
        assert done.document["settings"] == {"TimeZone": zone}


class TestAsAHook:
    """Given the files of a change: whatever they are."""

    def test_files_of_several_folders_and_of_none(self, traced) -> None:
        files = {
            "a/migrations/0001_t.sql": "create table t (id int);\n",
            "b/migrations/000001_u.up.sql": "create table u (id int);\n",
            "b/migrations/000001_u.down.sql": "drop table u;\n",
            "queries/report.sql": "select 1 from nowhere;\n",
            "flyway/V1__x.sql": "create table v (id int);\n",
            "flyway/V1__x.sql.conf": "executeInTransaction=false\n",
        }
        done = traced(files, "--fail-on", "blocking", *files)
        assert done.code == 0, done.out + done.err
        assert "create table t" in done.out
        assert "drop table u" in done.out
        assert "create table v" in done.out

    def test_a_down_file_alone_is_traced_after_its_up(self, traced) -> None:
        files = {
            "db/000001_t.up.sql": "create table t (id int);\n",
            "db/000001_t.down.sql": "drop table t;\n",
            "db/000002_u.up.sql": "create table u (id int);\n",
            "db/000002_u.down.sql": "drop table u;\n",
        }
        done = traced(files, "--format", "json", "db/000001_t.down.sql")
        assert done.code == 0
        assert [
            (m["direction"], s["sql"]) for m in done.document["migrations"] for s in m["statements"]
        ] == [("down", "drop table t")]

    def test_a_file_that_the_change_removes_is_no_error(self, repository, server) -> None:
        made = repository({**TABLES, "db/migrations/0002_x.sql": INDEX})
        made.commit()
        (made.root / "db/migrations/0002_x.sql").unlink()
        done = made.run("trace", "db/migrations/0002_x.sql")
        assert (done.code, done.out) == (0, "")
        assert "removed, so there is nothing to trace" in done.err

    def test_no_migration_among_the_files_says_nothing_on_standard_output(self, repository) -> None:
        done = repository({"queries/report_daily.txt": "x"}).run(
            "trace", "queries/report_daily.txt"
        )
        assert (done.code, done.out) == (0, "")


THREE = {
    f"db/migrations/000{number}_{name}.sql": f"create table {name} (id int);\n"
    for number, name in enumerate("abc", start=1)
}


class TestWhatToTrace:
    def names(self, done: Run) -> str:
        assert done.code == 0, done.err
        return "".join(
            s["sql"].split()[2] for m in done.document["migrations"] for s in m["statements"]
        )

    def test_a_folder_a_file_or_all_after_a_file(self, repository, server) -> None:
        made = repository(THREE)
        for arguments, names in (
            (["db"], "abc"),
            (["db/migrations/0002_b.sql"], "b"),
            (["--since", "db/migrations/0001_a.sql"], "bc"),
            (["--since", "db/migrations/0003_c.sql"], ""),
        ):
            done = made.run("trace", "--format", "json", "--server", server.url(), *arguments)
            document = done.document
            if "traces" in document:
                assert (document["traces"], names) == ([], "")
            else:
                assert self.names(done) == names

    def test_what_changed_since_a_revision_or_is_not_committed(self, repository, server) -> None:
        made = repository(dict(list(THREE.items())[:1]))
        made.commit()
        made.git("branch", "before")
        made.write({"db/migrations/0002_b.sql": "create table b (id int);\n"})
        made.commit()
        made.write({"db/migrations/0003_c.sql": "create table c (id int);\n"})
        for arguments, names in ((["--since", "before"], "bc"), (["--changed"], "c")):
            done = made.run("trace", "--format", "json", "--server", server.url(), *arguments)
            assert self.names(done) == names


HELD = {
    **TABLES,
    "db/migrations/0002_x.sql": "begin;\nalter table orders add note text default 'a|b<c>';\n"
    "alter table orders alter a set not null;\ncommit;\n",
}


class TestOutput:
    def test_json_follows_its_schema(self, traced) -> None:
        done = traced(HELD, "--format", "json", "db")
        jsonschema.validate(done.document, SCHEMA)
        assert done.document["settings"] == {"TimeZone": "UTC"}

    def test_in_a_pipe_it_is_plain_text_of_80_columns(self, traced) -> None:
        done = traced(HELD, "db")
        assert "\x1b" not in done.out
        *blocks, summary = done.out.splitlines()
        assert max(map(len, blocks)) <= 80
        assert summary.startswith("migrations trace: 2 migrations, 5 statements on PostgreSQL ")
        assert "reads and writes wait: seen" in done.out
        assert re.search(
            r"lock queue  orders: reads and writes wait from line 2 until COMMIT", done.out
        )

    def test_markdown_escapes_what_sql_holds(self, traced) -> None:
        done = traced(HELD, "--format", "markdown", "db")
        assert done.out.startswith("### Migrations traced on PostgreSQL ")
        assert "<details><summary>" in done.out
        assert "a\\|b<c>'`" in done.out

    def test_production_s_settings_are_read_and_shown(self, traced, server) -> None:
        with server.session() as session:
            session.execute("alter role poor set timezone = 'Europe/Paris'")
            session.execute("alter role poor set search_path = app, public")
            session.execute("alter role poor set default_toast_compression = 'pglz'")
            session.execute("alter role poor set lock_timeout = '5s'")
        like = re.sub(r"//[^@]+@", "//poor:p@", server.url())
        done = traced(TABLES, "--like", like, "--format", "json", "db")
        assert done.code == 0, done.err
        assert done.document["settings"] == {
            "TimeZone": "Europe/Paris",
            "search_path": "app, public",
        }
        flags = traced(TABLES, "--like", like, "--timezone", "UTC", "--format", "json", "db")
        assert flags.document["settings"]["TimeZone"] == "UTC"


def test_nothing_but_the_command_line_is_imported_for_other_commands(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; import senior_backend.migrations.command; "
        "print([m for m in sys.modules if m.startswith(('psycopg', 'rich', 'pydantic', "
        "'senior_backend.migrations.trace', 'senior_backend.migrations.rollback', "
        "'senior_backend.migrations.deploy'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
def test_all_majors_side_by_side(repository: Callable[..., Repository]) -> None:
    made = repository({**TABLES, "db/migrations/0002_x.sql": INDEX})
    done = made.run("trace", "--pg", "all", "--format", "json", "db/migrations/0002_x.sql")
    assert done.code == 0, done.err
    jsonschema.validate(done.document, SCHEMA)
    versions = [trace["postgres"].partition(".")[0] for trace in done.document["traces"]]
    assert versions == ["18", "17", "16", "15", "14"]
    assert done.err == ""
