from pathlib import Path

import pytest

from senior_backend.sources.discovery import discover
from tests.sources.alembic.revisions import ENV, folder, only, revision
from tests.sources.tree import plant, reasons, shape, sources, sql


def test_order_is_that_of_the_graph_not_of_names(tmp_path: Path):
    found = folder(
        tmp_path,
        {
            "a.py": revision("c", "b"),
            "b.py": revision("b", "a"),
            "c.py": revision("a"),
            "__init__.py": "",
            "notes.py": "revisions = 1\n",
        },
    )
    assert found.source == "alembic"
    assert [version for version, _, _ in shape(found)] == ["a", "b", "c"]


def test_branches_come_before_their_merge_and_dependencies_before_what_needs_them(tmp_path: Path):
    found = folder(
        tmp_path,
        {
            "1.py": revision("root"),
            "2.py": revision("left", "root", more="depends_on = 'right'"),
            "3.py": revision("right", "root"),
            "4.py": revision("merge", ("left", "right")),
        },
    )
    assert [version for version, _, _ in shape(found)] == ["root", "right", "left", "merge"]
    assert not found.not_read


PROBLEMS = {
    "two_heads": (
        {"1.py": revision("a"), "2.py": revision("b", "a"), "3.py": revision("c", "a")},
        ["several heads (b, c): 'alembic upgrade head' refuses; run 'alembic merge heads'"],
    ),
    "labelled_branches_are_meant": (
        {
            "1.py": revision("a"),
            "2.py": revision("b", "a", more="branch_labels = ('x',)"),
            "3.py": revision("c", "a", more="branch_labels = ('y',)"),
        },
        [],
    ),
    "missing": (
        {"1.py": revision("b", "a")},
        ["comes after revision a, which is not here"],
    ),
    "twice": (
        {"1.py": revision("a"), "2.py": revision("a")},
        ["revision a is in migrations/versions/1.py as well"],
    ),
    "circle": (
        {"1.py": revision("a", "b"), "2.py": revision("b", "a")},
        ["comes after itself, by way of what it comes after"] * 2,
    ),
    "not_python": ({"1.py": revision("a"), "2.py": "revision = ("}, ["is not Python: SyntaxError"]),
    "computed": (
        {"1.py": revision("a"), "2.py": "revision = x()\n"},
        ["revision is computed: its place in the order is not known"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_wrong_with_the_graph_is_said(
    tmp_path: Path, files: dict[str, str], expected: list[str]
):
    assert [item.reason for item in folder(tmp_path, files).not_read] == expected


MODELS = {
    "one_for_the_run": ("context.configure(connection=c)", "run"),
    "one_for_each": ("context.configure(transaction_per_migration=True)", "file"),
    "none": ("context.configure(transactional_ddl=False)", "statement"),
}


@pytest.mark.parametrize(("env", "expected"), MODELS.values(), ids=MODELS)
def test_the_transaction_is_the_one_that_env_py_configures(tmp_path: Path, env: str, expected: str):
    plant(
        tmp_path,
        {"m/env.py": env, "m/versions/a.py": revision("a", up="op.execute('select 1')")},
    )
    (found,) = discover([tmp_path], tmp_path).found
    assert sql(found.folder.migrations[0].up) == [(expected, "select 1")]


def test_version_locations_of_alembic_ini_are_read(tmp_path: Path):
    plant(
        tmp_path,
        {
            "alembic.ini": "[alembic]\nscript_location = %(here)s/m\n"
            "version_locations = %(script_location)s/one %(here)s/two\n",
            "m/env.py": ENV,
            "m/script.py.mako": "",
            "m/one/a.py": revision("a"),
            "two/b.py": revision("b", "a"),
        },
    )
    assert sources(discover([tmp_path / "m"], tmp_path)) == [
        ("alembic", ["m/one/a.py", "two/b.py"])
    ]


def test_versions_of_other_databases_are_left_out(tmp_path: Path):
    plant(
        tmp_path,
        {
            "m/env.py": ENV,
            "m/versions/postgresql/a.py": revision("a"),
            "m/versions/sqlite/a.py": revision("a"),
        },
    )
    discovery = discover([tmp_path], tmp_path)
    assert sources(discovery) == [("alembic", ["m/versions/postgresql/a.py"])]
    assert reasons(discovery) == {"m/versions/sqlite": "is for SQLite by its name: left out"}


RUN_SQL = "from app.database.migrations import run_sql\n"


def test_sql_files_that_a_revision_runs_are_its_own(tmp_path: Path):
    text = revision(
        "1",
        up="run_sql('1_a.up.sql')\nrun_sql('1_b.up.sql', transaction=False)",
        downgrade="run_sql('1_a.down.sql')",
        more=RUN_SQL,
    )
    files = {"1_a.up.sql": "select 1;", "1_b.up.sql": "select 2;", "1_a.down.sql": "select 3;"}
    migration = only(tmp_path, text, {f"migrations/sql/{name}": sql for name, sql in files.items()})
    assert sql(migration.up) == [("file", "select 1;"), ("statement", "select 2;")]
    assert sql(migration.down) == [("file", "select 3;")]
    assert migration.up[0].text.path == "migrations/sql/1_a.up.sql"
    assert len(migration.files) == 4


def test_a_sql_file_that_a_revision_runs_brings_the_revision_along(tmp_path: Path):
    plant(
        tmp_path,
        {
            "m/env.py": ENV,
            "m/versions/1.py": revision("1", up="run_sql('1.up.sql')", more=RUN_SQL),
            "m/sql/1.up.sql": "select 1;",
        },
    )
    assert sources(discover([tmp_path / "m/sql/1.up.sql"], tmp_path)) == [
        ("alembic", ["m/versions/1.py"])
    ]
    assert sources(discover([tmp_path], tmp_path)) == [("alembic", ["m/versions/1.py"])]


PATHS = {
    "beside": "op.execute((Path(__file__).parent / 'x.sql').read_text())",
    "below": "op.execute(Path(ROOT / 'sql' / 'x.sql').read_text(encoding='utf-8'))",
    "variable": "name = 'sql/x.sql'\nop.execute(open(name).read())",
    "opened": "with open('sql/x.sql') as file:\n    op.execute(file.read())",
}


@pytest.mark.parametrize("up", PATHS.values(), ids=PATHS)
def test_paths_that_end_at_a_sql_file_are_followed(tmp_path: Path, up: str):
    place = "versions" if "parent" in up else "sql"
    migration = only(tmp_path, revision("1", up=up), {f"migrations/{place}/x.sql": "select 1;"})
    assert (sql(migration.up), migration.not_read) == ([("file", "select 1;")], ())


def test_a_sql_file_that_is_not_there_is_named(tmp_path: Path):
    migration = only(tmp_path, revision("1", up="run_sql('gone.sql')", more=RUN_SQL))
    (item,) = migration.not_read
    assert "gone.sql is not found below the migrations" in item.reason


def test_a_downgrade_that_raises_is_no_way_down(tmp_path: Path):
    text = revision("1", downgrade="raise NotImplementedError('never')")
    assert only(tmp_path, text).down is None
    assert only(tmp_path / "pass", revision("1")).down == ()
