"""Sizes of tables, as a server's catalog or a file tells them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.migrations.trace.sizes import statistics
from senior_backend.migrations.trace.sizes.statistics import Size, Statistics
from senior_backend.postgres import Session

SCHEMA = """
create table big (id int primary key, pad text);
insert into big select i, repeat('x', 100) from generate_series(1, 5000) i;
create table nothing (id int);
create table parts (id int) partition by range (id);
create table parts_1 partition of parts for values from (0) to (100) partition by range (id);
create table parts_1a partition of parts_1 for values from (0) to (100);
create table parts_2 partition of parts for values from (100) to (1000);
insert into parts select i from generate_series(0, 499) i;
create schema other;
create table other.big (id int);
insert into other.big select 1;
create view v as select * from big;
create materialized view mv as select * from big;
"""


@pytest.fixture
def analyzed(database_url: str) -> Iterator[str]:
    with Session(database_url) as session:
        session.execute(SCHEMA)
        session.execute("analyze")
        session.execute("create table fresh (id int)")
        session.execute("create table next partition of parts for values from (1000) to (2000)")
    yield database_url


@pytest.mark.parametrize("rights", ["", "pg_read_all_data"])
def test_any_role_that_may_connect_reads_them(analyzed: str, rights: str) -> None:
    role = "senior_backend_reader"
    with Session(analyzed) as session:
        session.execute(f"create role {role} login password 'x'")
        if rights:
            session.execute(f"grant {rights} to {role}")
        try:
            user = analyzed.split("//")[1].split("@")[0]
            found = statistics.read(analyzed.replace(user, f"{role}:x", 1))
        finally:
            session.execute(f"drop owned by {role}; drop role {role}")
    rows = {name: size.rows for name, size in found.tables.items()}
    assert rows == {
        "big": 5000, "mv": 5000, "nothing": 0, "other.big": 1, "parts": 500, "parts_1": 100,
        "parts_1a": 100, "parts_2": 400,
    }  # fmt: skip
    assert found.unknown == ("fresh", "next")
    assert 100 < (found.tables["big"].row_bytes or 0) < 200


def test_a_locked_table_is_not_waited_for(analyzed: str) -> None:
    with Session(analyzed) as session:
        session.execute("begin; lock table big in access exclusive mode")
        assert statistics.read(analyzed).tables["big"].rows == 5000


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    known = Statistics({"orders": Size(50_000_000, 8_000_000_000), "app.t": Size(0)}, ("new",))
    statistics.write(tmp_path / "sizes.json", known)
    assert statistics.of(str(tmp_path / "sizes.json")) == known


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read"),
        ("", "is not JSON"),
        ("[]", "no file of --write-statistics"),
        ("{}", "no file of --write-statistics"),
        ('{"version": 9, "tables": {}, "never_analyzed": []}', "version 9"),
        ('{"version": 1, "tables": {"t": {"rows": -1, "bytes": 1}}, "never_analyzed": []}', "no "),
        ('{"version": 1, "tables": {"t": {"rows": "x", "bytes": 1}}, "never_analyzed": []}', "no "),
        ('{"version": 1, "tables": {"t": 5}, "never_analyzed": []}', "no file"),
    ],
)
def test_other_files_are_refused_in_one_line(
    content: str | None, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "sizes.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=reason) as refused:
        statistics.of(str(path))
    assert "\n" not in str(refused.value)


def test_a_server_that_does_not_answer_is_said_to_be_that_of_from() -> None:
    with pytest.raises(NotRunError, match=r"^--from: cannot connect"):
        statistics.of("postgresql://nobody@127.0.0.1:1/x")
