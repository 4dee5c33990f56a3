"""A server that was given to us by its address: only what we made on it is ever touched."""

import re

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import Session, connect_to
from senior_backend.postgres.address import as_url, with_database, without_password
from senior_backend.postgres.process import free_port


@pytest.fixture(scope="module")
def address(postgres_server):
    """The address of a server, as somebody would hand it over."""
    url = postgres_server.create_database()
    with Session(url) as session:
        session.execute("create table theirs (n int); insert into theirs values (1)")
    yield url
    postgres_server.drop_database(url)


def names(url: str) -> set[str]:
    with Session(url) as session:
        return {name for (name,) in session.execute("select datname from pg_database")}


def test_our_databases_come_and_go_and_theirs_stay(address):
    before = names(address)
    with connect_to(address) as server:
        url = server.create_database()
        assert server.url() == address
        assert names(address) - before == {url.rpartition("/")[2]}
        assert url.rpartition("/")[2].startswith("senior_backend_")
    assert names(address) == before


def test_a_copy_has_the_settings_of_its_database(address):
    with connect_to(address) as server:
        url = server.create_database()
        name = url.rpartition("/")[2]
        with Session(url) as session:
            session.execute(f'alter database {name} set search_path = extensions, "Odd,Name"')
            session.execute(f"alter database {name} set app.answer = '4=2'")
            session.execute(f"alter role current_user in database {name} set work_mem = '5MB'")
        asked = "select current_setting(n) from unnest(%s::text[]) n"
        names_ = ["search_path", "app.answer", "work_mem"]
        seen = []
        for one in (url, server.create_database(template=name)):
            with Session(one) as session:
                seen.append(session.execute(asked, (names_,)))
    assert seen[0] == seen[1] == [('extensions, "Odd,Name"',), ("4=2",), ("5MB",)]


def test_database_of_somebody_else_is_not_dropped(address):
    refusal = pytest.raises(InputError, match="was not created here, so it is not dropped")
    with connect_to(address) as server, refusal:
        server.drop_database(address)
    with Session(address) as session:
        assert session.execute("select n from theirs") == [(1,)]


def test_names_outside_our_prefix_are_refused(address):
    with connect_to(address) as server, pytest.raises(InputError, match="begin with senior_back"):
        server.create_database("orders")


def test_role_that_may_not_create_databases_is_told_the_remedy(address, postgres_server):
    with postgres_server.session() as session:
        session.execute("create role senior_backend_weak login password 'weak'")
    weak = re.sub("//[^/]*@", "//senior_backend_weak:weak@", address)
    try:
        refusal = pytest.raises(NotRunError, match="may not create databases: alter role")
        with connect_to(weak) as server, refusal:
            server.create_database()
    finally:
        with postgres_server.session() as session:
            session.execute("drop role senior_backend_weak")


def test_of_a_password_with_an_at_sign_nothing_is_shown():
    with pytest.raises(NotRunError) as failure:
        connect_to("postgresql://u:hush@hush@host.invalid/x?connect_timeout=2")
    assert "u:***@host.invalid" in str(failure.value)
    assert "hush" not in str(failure.value)


def test_server_that_does_not_answer_is_an_error_at_once_without_the_password():
    port = free_port()
    with pytest.raises(NotRunError) as error:
        connect_to(f"postgresql://me:secret@127.0.0.1:{port}/db")
    assert str(error.value) == (
        f"cannot connect to postgresql://me:***@127.0.0.1:{port}/db: Connection refused: "
        "start that server, or correct the address"
    )


@pytest.mark.parametrize(
    ("dsn", "url"),
    [
        ("postgresql://u@h:1/d?sslmode=require", "postgresql://u@h:1/d?sslmode=require"),
        ("postgres://u@h/d", "postgres://u@h/d"),
        ("host=h port=1 user=u dbname=d", "postgresql://u@h:1/d"),
        ("host = h dbname = d", "postgresql://h/d"),
        ("host=h user=u password='p w\\'@' dbname=d", "postgresql://u:p%20w%27%40@h/d"),
        ("host=/run/pg dbname=d", "postgresql://%2Frun%2Fpg/d"),
        ("host=::1 dbname=d sslmode=disable", "postgresql://[::1]/d?sslmode=disable"),
        ("dbname=d", "postgresql:///d"),
    ],
)
def test_address_in_either_form(dsn, url):
    assert as_url(dsn) == url


@pytest.mark.parametrize("dsn", ["", "localhost", "mysql://h/d", "host", "host=h 'x"])
def test_address_that_is_none_is_refused(dsn):
    with pytest.raises(InputError, match="PostgreSQL address"):
        as_url(dsn)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h:1/a?sslmode=require", "postgresql://u:p@h:1/new?sslmode=require"),
        ("postgresql://%2Frun%2Fpg", "postgresql://%2Frun%2Fpg/new"),
        ("postgresql:///a", "postgresql:///new"),
    ],
)
def test_another_database_of_the_same_server(url, expected):
    assert with_database(url, "new") == expected


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@ss@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://h/d?user=u&password=p&x=1", "postgresql://h/d?user=u&password=***&x=1"),
        ("host=h password='p q' dbname=d", "host=h password=*** dbname=d"),
    ],
)
def test_passwords_are_never_shown(url, shown):
    assert without_password(url) == shown
