"""Ignore comments where they are hard to place: in bodies, in Python, several to a line."""

import time
from collections.abc import Callable

import pytest

from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);\n"
INDEX = "CREATE INDEX orders_customer_id_idx ON orders (customer_id);\n"
IGNORE = "senior-backend-ignore index-not-concurrent: small"

REVISION = """revision = "{id}"
down_revision = {down!r}
from alembic import op


def upgrade():
    {up}


def downgrade():
    pass
"""

SPACES = " " * 5000


def revisions(up: str) -> Files:
    """An Alembic folder whose second revision is ``up``."""
    body = up.replace("\n", "\n    ")
    create = f'op.execute("""{TABLE}""")'
    return {
        "alembic/env.py": "",
        "alembic/script.py.mako": "",
        "alembic/versions/a.py": REVISION.format(id="a", down=None, up=create),
        "alembic/versions/b.py": REVISION.format(id="b", down="a", up=body),
    }


CALL = 'op.create_index("i", "orders", ["customer_id"])'
IN_PYTHON = [
    f"# {IGNORE}\n{CALL}",
    f"{CALL}  # {IGNORE}",
    f'op.create_index(  # {IGNORE}\n    "i",\n    "orders",\n    ["customer_id"],\n)',
    f'op.create_index(\n    "i",\n    # {IGNORE}\n    "orders",\n    ["customer_id"],\n)',
    f"# why\n# {IGNORE}\n# more\n\n{CALL}",
    f"#{IGNORE}\n{CALL}",
    f'# {IGNORE}\nop.execute("""\n\n{INDEX}""")',
    f'op.execute("""-- {IGNORE}\n{INDEX}""")',
    f"pass\n# senior-backend-ignore-file index-not-concurrent: small\npass\n{CALL}",
    f'# {IGNORE}\nwith op.get_context().autocommit_block():\n    op.execute("{INDEX.strip()}")',
]


@pytest.mark.parametrize("up", IN_PYTHON)
def test_comments_of_an_alembic_revision_are_about_the_call_beside(
    repository: Make, up: str
) -> None:
    run = repository(revisions(up)).lint()
    found = [f["rule"] for f in run.document["findings"] if f["suppressed"]]
    assert (found, run.gate) == (["index-not-concurrent"], [])


def test_a_comment_of_a_revision_covers_no_other_call(repository: Make) -> None:
    other = CALL.replace('"i"', '"j"')
    run = repository(revisions(f"{CALL}  # {IGNORE}\n{other}\n{CALL}  # {IGNORE}")).lint()
    assert run.gate == [("index-not-concurrent", "alembic/versions/b.py", 8)]


def test_a_comment_of_a_revision_that_is_wrong_is_reported_at_its_line(repository: Make) -> None:
    run = repository(revisions(f"pass\n# senior-backend-ignore drop-colum: x\n{CALL}")).lint()
    assert ("ignore-comment", "alembic/versions/b.py", 8) in run.gate


IN_BODIES = [
    f"DO $$ BEGIN\n  -- {IGNORE}\n  {INDEX}END $$;",
    f"DO $$ BEGIN\n  {INDEX.strip()} -- {IGNORE}\nEND $$;",
    f"DO $$ BEGIN\n  /* it's {IGNORE[:6]} */ /* {IGNORE} */\n  {INDEX}END $$;",
    f"-- {IGNORE}\nDO $$ BEGIN\n  {INDEX}END $$;",
]


@pytest.mark.parametrize("sql", IN_BODIES)
def test_comments_in_a_do_block_are_about_its_own_statements(repository: Make, sql: str) -> None:
    run = repository({"db/001.sql": TABLE, "db/002.sql": sql}).lint("db")
    found = [f["rule"] for f in run.document["findings"] if f["suppressed"]]
    assert (found, run.gate) == (["index-not-concurrent"], [])


def test_a_comment_in_a_do_block_covers_only_one_of_its_statements(repository: Make) -> None:
    other = INDEX.replace("orders_customer_id_idx", "other").replace("customer_id)", "note)")
    sql = f"DO $$ BEGIN\n  {other}  -- {IGNORE}\n  {INDEX}END $$;"
    run = repository({"db/001.sql": TABLE, "db/002.sql": sql}).lint("db")
    assert run.gate == [("index-not-concurrent", "db/002.sql", 2)]


FUNCTION = "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n  {0}END $$;\n"
AT_THE_CALL = [
    f"-- {IGNORE}\nSELECT f();\n",
    "-- senior-backend-ignore-file index-not-concurrent: small\nSELECT 1;\nSELECT f();\n",
]


@pytest.mark.parametrize("sql", AT_THE_CALL)
def test_what_a_called_function_does_is_ignored_at_the_call(repository: Make, sql: str) -> None:
    made = repository({"db/001.sql": TABLE + FUNCTION.format(INDEX), "db/002.sql": sql})
    assert made.lint("db/002.sql").gate == []
    made.write({"db/002.sql": "SELECT f();\n"})
    assert [rule for rule, _, _ in made.lint("db/002.sql").gate] == ["index-not-concurrent"]


ON_A_LINE = [
    ("both before a comment at the end", "{a} {b} -- {ignore}\n", []),
    ("the next one behind a comment between", "{a} /* {ignore} */ {b}\n", [1]),
    ("the line above is another's", "{a}\n{b} -- {ignore}\n", [1]),
]


@pytest.mark.parametrize(
    ("form", "left"), [case[1:] for case in ON_A_LINE], ids=[case[0] for case in ON_A_LINE]
)
def test_several_statements_on_a_line(repository: Make, form: str, left: list[int]) -> None:
    other = INDEX.replace("orders_customer_id_idx", "other").replace("customer_id)", "note)")
    sql = form.format(a=INDEX.strip(), b=other.strip(), ignore=IGNORE)
    run = repository({"db/001.sql": TABLE, "db/002.sql": sql}).lint("db")
    assert [line for _, _, line in run.gate] == left


@pytest.mark.parametrize(
    "comment",
    [
        f"-- senior-backend-ignore a{SPACES}b",
        f"-- squawk-ignore a{SPACES}!",
        f"/* senior-backend-ignore {SPACES}",
        f"-- squawk-ignore{SPACES}:{SPACES}--{SPACES}",
    ],
)
def test_a_comment_with_many_spaces_takes_no_time(repository: Make, comment: str) -> None:
    made = repository({"db/001.sql": TABLE, "db/002.sql": f"{comment}\n*/ {INDEX}"})
    begun = time.monotonic()
    made.lint("db")
    assert time.monotonic() - begun < 5
