"""`rollback --write`: a missing down is made from the catalogs, proved, and written in the form of
the tool; or it is said why there is none.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from senior_backend.migrations import applied
from senior_backend.migrations.rollback import missing, proof
from senior_backend.migrations.trace.scratch import Scratch, Where, open_scratch
from senior_backend.migrations.trace.tracer import Settings
from senior_backend.sources.migration import Folder
from tests.migrations import apply
from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.test_applied import TOOLS

Make = Callable[[Files], Repository]

SETUP = """\
CREATE TYPE state AS ENUM ('new', 'paid');
CREATE TABLE customers (id bigint PRIMARY KEY, mail varchar(40));
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint, status state DEFAULT 'new' NOT NULL,
    pieces integer CHECK (pieces > 0), note text STORAGE EXTERNAL,
    total bigint GENERATED ALWAYS AS (pieces * 2) STORED
);
CREATE INDEX orders_note_idx ON orders (note text_pattern_ops DESC) WITH (fillfactor = 60);
COMMENT ON INDEX orders_note_idx IS 'for the search';
COMMENT ON COLUMN orders.note IS 'it''s free';
CREATE FUNCTION twice(n integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT n * 2';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE OF note ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW open_orders AS SELECT id, status FROM orders WHERE status = 'new';
GRANT SELECT ON open_orders TO PUBLIC;
CREATE POLICY own ON orders FOR SELECT USING (pieces > 1);
"""

OPERATIONS = {
    "column": "ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'EU' CHECK (region > '')",
    "column with a key": "ALTER TABLE orders ADD COLUMN twin bigint UNIQUE REFERENCES orders",
    "generated column dropped": "ALTER TABLE orders DROP COLUMN total",
    "table with all that hangs on it": "CREATE TABLE marks (id serial PRIMARY KEY, of bigint "
    "REFERENCES orders); CREATE INDEX ON marks (of); COMMENT ON TABLE marks IS 'x'",
    "index": "CREATE INDEX ON orders (customer_id)",
    "index dropped": "DROP INDEX orders_note_idx",
    "constraint": "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID",
    "constraint dropped": "ALTER TABLE orders DROP CONSTRAINT orders_pieces_check",
    "primary key on columns that may be NULL": "CREATE TABLE pairs (a int); "
    "ALTER TABLE customers ALTER COLUMN mail SET NOT NULL",
    "default, NOT NULL and storage": "ALTER TABLE orders ALTER COLUMN status DROP DEFAULT, "
    "ALTER COLUMN status DROP NOT NULL, ALTER COLUMN note SET STORAGE MAIN",
    "wider type": "ALTER TABLE customers ALTER COLUMN mail TYPE text",
    "renames": "ALTER TABLE customers RENAME TO clients; "
    "ALTER TABLE clients RENAME COLUMN mail TO address; "
    "ALTER INDEX orders_note_idx RENAME TO other_idx",
    "view with a column more": "CREATE OR REPLACE VIEW open_orders AS "
    "SELECT id, status, note FROM orders WHERE status = 'new'",
    "view changed": "CREATE OR REPLACE VIEW open_orders AS SELECT id, status FROM orders",
    "view dropped": "DROP VIEW open_orders",
    "function changed": "CREATE OR REPLACE FUNCTION twice(n integer) RETURNS integer STABLE "
    "LANGUAGE sql AS 'SELECT n + n'",
    "function": "CREATE FUNCTION thrice(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 3'",
    "trigger dropped": "DROP TRIGGER touched ON orders",
    "policy and row security": "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; "
    "DROP POLICY own ON orders; CREATE POLICY all_of_them ON orders USING (true)",
    "comments": "COMMENT ON COLUMN orders.note IS NULL; COMMENT ON TABLE orders IS 'new'",
    "privileges": "GRANT UPDATE (note) ON orders TO PUBLIC; REVOKE SELECT ON open_orders FROM PUBLIC",
    "types": "CREATE TYPE size AS ENUM ('s', 'l'); CREATE DOMAIN few AS int CHECK (VALUE < 9); "
    "ALTER TABLE orders ADD COLUMN size size, ADD COLUMN few few",
    "column and its values": "ALTER TABLE orders ADD COLUMN region text; "
    "UPDATE orders SET region = 'EU'",
}

REFUSED = {
    "ALTER TABLE orders DROP COLUMN note": "the values of column orders.note are gone",
    "DROP TABLE orders CASCADE": "the rows of table orders are gone",
    "DELETE FROM orders WHERE pieces IS NULL": "delete of rows of orders",
    "UPDATE orders SET pieces = 1": "update of rows of orders",
    "TRUNCATE orders": "TRUNCATE: the rows are gone",
    "ALTER TYPE state ADD VALUE 'sent'": "cannot take a value out of the enum state",
    "ALTER TABLE orders ALTER COLUMN pieces TYPE smallint": "may have lost values when integer",
    "ALTER TABLE nowhere ADD COLUMN a int": "its up does not run here",
}


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with open_scratch(Where()) as server:
        yield server


def _made(folder: Folder, root: Path, scratch: Scratch) -> missing.Written:
    wanted = [m for m in folder.migrations if missing.lacks(m)]
    return missing.generate(
        folder, wanted, scratch, Settings(), root=root, may_have_run=applied.nothing
    )


@pytest.mark.parametrize("up", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_what_was_done_is_undone_exactly(repository: Make, scratch: Scratch, up: str) -> None:
    made = repository(
        {"db/1_a.up.sql": SETUP, "db/1_a.down.sql": "SELECT 1;\n", "db/2_b.up.sql": f"{up};\n"}
    )
    written = _made(apply.folder(made.root), made.root, scratch)
    assert written.refused == []
    assert list(written.files) == ["db/2_b.down.sql"]
    missing.save(written, made.root)
    # Proved once more as the files say it: what is read again is what was proved.
    report = proof.prove(apply.folder(made.root), {"db/2_b.up.sql"}, scratch, Settings())
    assert [one.verdict for one in report.proofs] in (["identical"], ["physical residue"])


@pytest.mark.parametrize(("up", "reason"), REFUSED.items())
def test_what_cannot_be_undone_is_refused_with_the_reason(
    repository: Make, scratch: Scratch, up: str, reason: str
) -> None:
    made = repository(
        {"db/1_a.up.sql": SETUP, "db/1_a.down.sql": "SELECT 1;\n", "db/2_b.up.sql": f"{up};\n"}
    )
    written = _made(apply.folder(made.root), made.root, scratch)
    assert written.files == {}
    assert any(reason in text for text in written.refused), written.refused


WRITTEN_WITH = {
    "plain": "db/002_b.down.sql",
    "golang-migrate": "migrations/000002_b.down.sql",
    "flyway": "db/migration/U2__b.sql",
    "diesel": "migrations/2025-01-02-000000_b/down.sql",
    "prisma": "prisma/migrations/20250102000000_b/down.sql",
    "goose": "db/00002_b.sql",
    "dbmate": "db/20250102000000_b.sql",
}


@pytest.mark.parametrize(("tool", "path"), WRITTEN_WITH.items())
def test_each_tool_gets_its_own_form_and_finds_it(
    repository: Make, scratch: Scratch, tool: str, path: str
) -> None:
    up = "ALTER TABLE orders ADD COLUMN region text;\nCREATE INDEX ON orders (region);"
    files = {
        name: text
        for name, text in TOOLS[tool](up, "", SETUP, "SELECT 1;\n").items()
        if name != path or not name.endswith("down.sql")
    }
    made = repository(files)
    first = _made(apply.folder(made.root), made.root, scratch)
    assert list(first.files) == [path], first.refused
    missing.save(first, made.root)
    assert f"proved to lead back" in (made.root / path).read_text()
    after = apply.folder(made.root)
    assert not any(missing.lacks(m) for m in after.migrations[1:])
    report = proof.prove(after, {after.migrations[-1].path}, scratch, Settings())
    assert [one.verdict for one in report.proofs] == ["physical residue"]


def test_alembics_empty_downgrade_is_filled(repository: Make, scratch: Scratch) -> None:
    files = dict(TOOLS["alembic"]("SELECT 1;", "", SETUP, "SELECT 1;\n"))
    del files["migrations/sql/0002_b.down.sql"]
    files["migrations/versions/0002_b.py"] = '''"""b"""
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ALTER COLUMN status DROP DEFAULT")


def downgrade() -> None:
    pass
'''
    made = repository(files)
    written = _made(apply.folder(made.root), made.root, scratch)
    assert list(written.files) == ["migrations/versions/0002_b.py"], written.refused
    missing.save(written, made.root)
    text = (made.root / "migrations/versions/0002_b.py").read_text()
    assert "    pass" not in text
    assert r"SET DEFAULT 'new'::state" in text.replace("\\", "")
    assert not missing.lacks(apply.folder(made.root).migrations[1])


def test_an_index_alone_is_dropped_without_a_lock_on_writes(
    repository: Make, scratch: Scratch
) -> None:
    up = "CREATE INDEX CONCURRENTLY i ON orders (pieces);\n"
    made = repository(
        {"db/1_a.up.sql": SETUP, "db/1_a.down.sql": "SELECT 1;\n", "db/2_b.up.sql": up}
    )
    written = _made(apply.folder(made.root), made.root, scratch)
    (content,) = (after for _, after in written.files.values())
    assert b"DROP INDEX CONCURRENTLY i;" in content
    assert b"lock_timeout" not in content


def test_a_file_that_may_have_run_is_not_edited(repository: Make, scratch: Scratch) -> None:
    made = repository(TOOLS["goose"]("CREATE INDEX ON orders (pieces);", "", SETUP, "SELECT 1;\n"))
    made.commit()
    before = (made.root / "db/00002_b.sql").read_text()
    run = made.run("rollback", "--write", "db")
    assert run.code == 1
    assert "may have run" in run.err
    assert "DROP INDEX orders_pieces_idx;" in run.err
    assert (made.root / "db/00002_b.sql").read_text() == before


def test_a_dropped_column_gets_a_recipe_that_works(repository: Make, scratch: Scratch) -> None:
    made = repository(
        {
            "db/1_a.up.sql": SETUP,
            "db/1_a.down.sql": "SELECT 1;\n",
            "db/2_b.up.sql": "ALTER TABLE orders DROP COLUMN note;\n",
        }
    )
    written = _made(apply.folder(made.root), made.root, scratch)
    (recipe,) = written.recipes
    up = recipe.split("before the drop: ")[1].split("\n")[0]
    down = recipe.split("down: ")[1]
    made.write(
        {
            "db/2_b.up.sql": f"{up}\nALTER TABLE orders DROP COLUMN note;\n",
            "db/2_b.down.sql": f"{down}\n",
        }
    )
    report = proof.prove(apply.folder(made.root), {"db/2_b.up.sql"}, scratch, Settings())
    (found,) = report.proofs
    assert found.comparison.lost == ()
    assert found.verdict != "failing"


def test_a_down_that_is_there_is_left_alone(repository: Make, scratch: Scratch) -> None:
    made = repository(TOOLS["plain"]("CREATE INDEX ON orders (pieces);", "SELECT 2;", SETUP))
    assert made.run("rollback", "--write", "db").err.strip().endswith("no down is missing")
