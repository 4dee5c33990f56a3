"""How the lock_timeout gets to the command's connections, whatever the form of the address."""

import shlex

import pytest

from senior_backend.errors import InputError
from senior_backend.migrations.deploy import connection
from senior_backend.migrations.deploy.tools import tool_of

OURS = {"lock_timeout": "2000ms"}


@pytest.mark.parametrize(
    ("present", "result"),
    [
        ("", "-c lock_timeout=2000ms"),
        ("-c work_mem=1MB", "-c work_mem=1MB -c lock_timeout=2000ms"),
        (" -c lock_timeout=1h ", "-c lock_timeout=1h -c lock_timeout=2000ms"),
    ],
)
def test_our_settings_come_last_and_so_win(present, result):
    assert connection.merged(present, OURS) == result


def test_blanks_and_backslashes_in_a_setting_are_escaped():
    assert connection.switches({"a": r"b c\d"}) == r"-c a=b\ c\\d"


OPTIONS = "options=-c%20lock_timeout%3D2000ms"


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("postgresql://u:p@h/d", f"postgresql://u:p@h/d?{OPTIONS}"),
        ("postgres://h/d?sslmode=require", f"postgres://h/d?sslmode=require&{OPTIONS}"),
        ("pgx5://h/d", f"pgx5://h/d?{OPTIONS}"),
        ("--db-url=postgres://h/d", f"--db-url=postgres://h/d?{OPTIONS}"),
        ("-url=jdbc:postgresql://h/d", f"-url=jdbc:postgresql://h/d?{OPTIONS}"),
        (
            "postgresql://h/d?options=-c%20a%3D1&schema=x",
            "postgresql://h/d?schema=x&options=-c%20a%3D1%20-c%20lock_timeout%3D2000ms",
        ),
        ("host=h dbname=d", "host=h dbname=d options='-c lock_timeout=2000ms'"),
        (
            "dbname=d options='-c a=1' user=u",
            "dbname=d  user=u options='-c a=1 -c lock_timeout=2000ms'",
        ),
        ("postgresql+psycopg://h/d", f"postgresql+psycopg://h/d?{OPTIONS}"),
        # SQLAlchemy hands each parameter to asyncpg.connect, which knows none named options.
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
        ("postgres://u:a?b@h/d", f"postgres://u:a?b@h/d?{OPTIONS}"),
        ("up", "up"),
        ("https://h/d", "https://h/d"),
        ("mysql://h/d", "mysql://h/d"),
        ("a=1 b=2", "a=1 b=2"),
    ],
)
def test_settings_enter_an_address_and_nothing_else(word, result):
    assert connection.prepared(word, OURS, in_address=True) == result


@pytest.mark.parametrize(
    ("word", "changed"),
    [("postgresql://h/d", False), ("postgresql://h/d?options=-c%20a%3D1", True)],
)
def test_an_address_for_a_client_of_pgoptions_is_changed_only_where_its_own_options_win(
    word, changed
):
    assert (connection.prepared(word, OURS, in_address=False) != word) is changed


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        ("postgresql+asyncpg://u@h/d?ssl=require", "postgresql://u@h/d?sslmode=require"),
        ("postgresql+psycopg2://u@h/d", "postgresql://u@h/d"),
        ("postgres://h/d?schema=public&connection_limit=5", "postgresql://h/d"),
        (
            "postgres://h/d?pgbouncer=true&sslmode=verify-full",
            "postgresql://h/d?sslmode=verify-full",
        ),
        ("jdbc:postgresql://h/d?user=u&ssl=true", "postgresql://h/d?user=u&sslmode=require"),
        ("pgx5://h/d?x-migrations-table=m", "postgresql://h/d"),
        ("postgres://h/d?sslmode=no-verify", "postgresql://h/d?sslmode=require"),
        ("postgres://u:a?b@h/d?schema=x", "postgresql://u:a?b@h/d"),
        ("host=h dbname=d user=u", "postgresql://u@h/d"),
        ("host=a,b port=1,2 dbname=d user=u", "postgresql://u@a:1,b:2/d"),
        ("host=a,b port=1 dbname=d", "postgresql://a:1,b:1/d"),
        ("host=a,b dbname=d", "postgresql://a,b/d"),
        ("postgresql://u@a,b:2/d", "postgresql://u@a,b:2/d"),
        ("host=h dbname=d options='-c a=1'", "postgresql://h/d?options=-c%20a%3D1"),
    ],
)
def test_we_reach_the_database_of_any_frameworks_address(value, ours):
    assert connection.own_address(value, "DATABASE_URL") == ours


def test_where_the_address_comes_from():
    environment = {"DATABASE_URL": "postgres://a/b", "OTHER": "postgres://c/d"}
    address_of = connection.address_of
    assert address_of(None, "DATABASE_URL", environment)[1] == "postgres://a/b"
    assert address_of(None, "OTHER", environment)[1] == "postgres://c/d"
    assert address_of("postgres://e/f", "OTHER", environment)[1] == "postgres://e/f"
    assert address_of(None, "NONE", {"PGHOST": "h"}) == ("postgresql://", None)
    with pytest.raises(InputError, match="neither --database nor the variable NONE"):
        address_of(None, "NONE", {})
    with pytest.raises(InputError, match=r"DATABASE_URL: .* is not a PostgreSQL address"):
        address_of(None, "DATABASE_URL", {"DATABASE_URL": "mysql://u:secret@h/d"})


def test_the_command_finds_the_address_that_was_given_in_the_variable():
    environment = connection.child_environment(
        {"DATABASE_URL": "postgres://pooler/d"},
        ["DATABASE_URL", "FLYWAY_URL"],
        "postgres://direct/d",
        OURS | {"application_name": "mark"},
        in_address=False,
    )
    assert environment == {
        "DATABASE_URL": "postgres://direct/d",
        "PGOPTIONS": "-c lock_timeout=2000ms -c application_name=mark",
        "PGAPPNAME": "mark",
    }


@pytest.mark.parametrize(
    ("command", "name", "in_address", "again"),
    [
        ("alembic upgrade head", "alembic", False, True),
        ("uv run alembic upgrade head", "alembic", False, True),
        ("python -m alembic upgrade head", "alembic", False, True),
        ("npx prisma migrate deploy", "prisma", True, False),
        ("npx --yes prisma@7 migrate deploy", "prisma", True, False),
        ("./node_modules/.bin/prisma migrate deploy", "prisma", True, False),
        ("goose -dir migrations up", "goose", True, True),
        ("migrate -path db -database x up", "golang-migrate", True, False),
        ("/usr/local/bin/migrate -path db up", "golang-migrate", True, False),
        ("dbmate up", "dbmate", False, True),
        ("flyway migrate", "flyway", True, True),
        ("supabase db push", "supabase", True, True),
        ("psql -f a.sql", "psql", False, False),
        ("psql -1 -f a.sql", "psql", False, True),
        ("psql -c one", "psql", False, True),
        ("psql -c one -c two", "psql", False, False),
        ("psql -Xqc one -c two", "psql", False, False),
        ("psql -Xqf a.sql -c one", "psql", False, False),
        ("psql -X1f a.sql", "psql", False, True),
        ("psql -c 'one; commit; two'", "psql", False, False),
        ("psql -v x=-1 -f a.sql", "psql", False, False),
        ("sh -c 'psql -f a.sql'", "psql", False, False),
        ("bash -ec 'cd db && psql -1 -f a.sql'", "psql", False, True),
        ("bash -ec 'psql -1 -f a.sql; psql -1 -f b.sql'", "psql", False, False),
        ("sh -c 'cd db; npx prisma migrate deploy'", "prisma", True, False),
        ("sh migrate.sh -c", "", False, True),
        ("python manage.py migrate", "", False, True),
        ("npm run migrate", "", False, True),
    ],
)
def test_what_is_known_of_the_command(command, name, in_address, again):
    tool = tool_of(shlex.split(command))
    assert (tool.name, tool.in_address, not tool.not_again) == (name, in_address, again)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (
            ["goose", "postgres", "postgres://u:secret@h/d", "up"],
            "goose postgres postgres://u:***@h/d up",
        ),
        (["env", "PGPASSWORD=secret", "psql"], "env PGPASSWORD=*** psql"),
        (["flyway", "-password=secret", "migrate"], "flyway -password=*** migrate"),
        (["liquibase", "--password", "secret", "update"], "liquibase --password *** update"),
        (
            ["goose", "postgres", "user=u password=secret dbname=d"],
            "goose postgres user=u password=*** dbname=d",
        ),
        (
            ["sh", "-c", "set -e; PGPASSWORD='secret' psql -f a.sql"],
            "sh -c set -e; PGPASSWORD=*** psql -f a.sql",
        ),
        (
            ["psql", "postgres://u@h/d?sslpassword=secret&sslmode=require"],
            "psql postgres://u@h/d?sslpassword=***&sslmode=require",
        ),
        (["psql", "-c", "select 1\n  + 1"], "psql -c select 1 + 1"),
    ],
)
def test_no_secret_of_the_command_is_shown(command, shown):
    assert connection.shown(command) == shown


def test_parameters_of_ours_give_way_to_those_that_are_there():
    assert connection.with_parameters("postgresql://h/d?a=1", {"a": "2", "b": "3"}) == (
        "postgresql://h/d?a=1&b=3"
    )


@pytest.mark.parametrize(
    ("command", "reads"),
    [
        ("psql -1", True),
        ("psql -1f -", True),
        ("psql -1f a.sql", False),
        ("psql -c one", False),
        ("alembic upgrade head", False),
    ],
)
def test_whether_a_command_reads_what_it_runs(command, reads):
    assert tool_of(shlex.split(command)).reads_input is reads
