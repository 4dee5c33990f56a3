"""Proofs on a server of our own: fixes that do not hold, roles, later migrations, ways back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from senior_backend.migrations.prove.flow import Fixers, proofs
from senior_backend.migrations.prove.proof import Proof
from senior_backend.migrations.repair import Repair
from senior_backend.migrations.run import Request, run
from senior_backend.migrations.settings import Settings
from senior_backend.migrations.trace.flow import session_settings
from senior_backend.migrations.trace.scratch.production import Production
from senior_backend.migrations.trace.scratch.server import Scratch, Where, open_scratch
from tests.migrations.conftest import Files

PATH = "db/00002_b.sql"
SETUP = """\
-- +goose Up
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);
-- +goose Down
DROP TABLE orders;
"""
INDEX = """\
-- +goose Up
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
-- +goose Down
DROP INDEX orders_customer_id_idx;
"""


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with open_scratch(Where()) as opened:
        yield opened


def prove(root: Path, scratch: Scratch, files: Files, fixers: Fixers | None = None) -> Proof:
    """The proof of ``PATH`` in a folder with these files."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(str(content))
    request = Request(root, (root / PATH,), Settings())
    result = run(request)
    (proof,) = proofs(result, request, scratch, session_settings(Production(), 30), fixers=fixers)
    return proof


def writes(text: str) -> Fixers:
    """Fixes that write this, whatever was found, and no plan."""

    def automatic(_result, root, _now):
        before = (root / PATH).read_bytes()
        after = text.encode()
        return Repair() if before == after else Repair({PATH: (before, after)})

    return Fixers(automatic, lambda _result, _root, _now: Repair())


BROKEN = {
    "the server refuses it": (
        INDEX.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY"),
        f"{PATH}:2: CREATE INDEX CONCURRENTLY cannot run inside a transaction block",
    ),
    "it leads elsewhere": (
        INDEX.replace("(customer_id)", "(note)"),
        "it ends in another schema: index orders_customer_id_idx",
    ),
    "it leaves something out": (
        "-- +goose Up\n-- +goose Down\n",
        "it ends in another schema: index orders_customer_id_idx: missing",
    ),
}


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        pytest.param(
            *case, marks=[] if name == "it leads elsewhere" else pytest.mark.verify, id=name
        )
        for name, case in BROKEN.items()
    ],
)
def test_a_fix_that_does_not_hold_is_not_offered(text, failure, scratch, tmp_path):
    files = {"db/00001_a.sql": SETUP, PATH: INDEX}
    proof = prove(tmp_path, scratch, files, writes(text))
    assert proof.fixed is not None
    assert failure in (proof.fixed.failure or "")
    assert not proof.holds
    assert (tmp_path / PATH).read_text() == INDEX


def test_the_way_back_of_both_is_run(scratch, tmp_path):
    proof = prove(tmp_path, scratch, {"db/00001_a.sql": SETUP, PATH: INDEX})
    assert proof.fixed is not None
    assert proof.holds
    assert proof.written.way_back.outcome == "leads back"
    assert proof.fixed.side.way_back.outcome == "leads back"


@pytest.mark.verify
def test_a_way_back_that_leads_elsewhere_is_told(scratch, tmp_path):
    astray = INDEX.replace("DROP INDEX orders_customer_id_idx", "COMMENT ON TABLE orders IS 'x'")
    proof = prove(tmp_path, scratch, {"db/00001_a.sql": SETUP, PATH: astray})
    assert proof.written.way_back.outcome == "differs"
    assert "index orders_customer_id_idx: extra" in proof.written.way_back.details


@pytest.mark.verify
def test_a_role_is_made_on_both_sides(scratch, tmp_path):
    sql = INDEX.replace("CREATE INDEX", "CREATE ROLE prove_reader;\nCREATE INDEX")
    sql = sql.replace("-- +goose Down\n", "-- +goose Down\nDROP ROLE prove_reader;\n")
    proof = prove(tmp_path, scratch, {"db/00001_a.sql": SETUP, PATH: sql})
    assert proof.fixed is not None
    assert (proof.written.failed, proof.fixed.side.failed) == (None, None)


def test_what_a_fix_adds_runs_after_the_later_migrations(scratch, tmp_path):
    not_null = """\
-- +goose Up
ALTER TABLE orders ALTER COLUMN note SET NOT NULL;
-- +goose Down
ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;
"""
    later = "-- +goose Up\nCREATE TABLE refunds (id int);\n-- +goose Down\nDROP TABLE refunds;\n"
    files = {"db/00001_a.sql": SETUP, PATH: not_null, "db/00003_c.sql": later}
    proof = prove(tmp_path, scratch, files)
    assert proof.fixed is not None
    assert proof.fixed.failure is None
    assert proof.fixed.end is not None
    assert proof.fixed.end.differences == ()
    # The later one is run on both sides, and shown on none.
    assert [one.path for one in proof.written.migrations] == [PATH]
    traced = [one.path for one in proof.fixed.side.migrations]
    assert traced[0] == PATH
    assert "db/00003_c.sql" not in traced
    assert len(traced) > 1


@pytest.mark.verify
def test_what_later_migrations_leave_is_not_held_against_the_file(scratch, tmp_path):
    not_null = """\
-- +goose Up
ALTER TABLE orders ALTER COLUMN note SET NOT NULL;
-- +goose Down
ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;
"""
    later = "-- +goose Up\nALTER TABLE orders ADD COLUMN b int;\n-- +goose Down\nSELECT 1;\n"
    files = {"db/00001_a.sql": SETUP, PATH: not_null, "db/00003_c.sql": later}
    proof = prove(tmp_path, scratch, files)
    assert proof.fixed is not None
    assert proof.written.way_back.outcome == "others differ"
    assert proof.fixed.side.way_back == proof.written.way_back
    assert proof.written.way_back.details == ("column orders.b: extra",)


def test_a_fix_that_breaks_a_later_migration_is_not_offered(scratch, tmp_path):
    def automatic(result, root, now):
        """The index moves behind a migration that drops it."""
        before = (root / PATH).read_bytes()
        if b"CREATE INDEX" not in before:
            return Repair()
        new = "db/00004_index.sql"
        return Repair({PATH: (before, b"-- +goose Up\n"), new: (b"", INDEX.encode())})

    later = "-- +goose Up\nDROP INDEX orders_customer_id_idx;\n"
    files = {"db/00001_a.sql": SETUP, PATH: INDEX, "db/00003_c.sql": later}
    fixers = Fixers(automatic, lambda _result, _root, _now: Repair())
    proof = prove(tmp_path, scratch, files, fixers)
    assert proof.fixed is not None
    assert "a later migration does not run any more: db/00003_c.sql:2" in (
        proof.fixed.failure or ""
    )


@pytest.mark.verify
def test_what_does_not_run_before_it_is_told(scratch, tmp_path):
    broken = SETUP.replace("CREATE TABLE", "ALTER TABLE nowhere ADD a int;\nCREATE TABLE")
    broken = f"-- +goose NO TRANSACTION\n{broken}"
    proof = prove(tmp_path, scratch, {"db/00001_a.sql": broken, PATH: INDEX})
    assert [str(one) for one in proof.problems] == [
        'db/00001_a.sql:3: relation "nowhere" does not exist'
    ]


@pytest.mark.verify
def test_where_a_plan_does_not_hold_what_is_automatic_is_proved_alone(scratch, tmp_path):
    def planned(_result, root, _now):
        before = (root / PATH).read_bytes()
        return Repair({PATH: (before, before.replace(b"ADD CHECK", b"ADD CHEK"))})

    sql = INDEX.replace("CREATE INDEX", "ALTER TABLE orders ADD CHECK (id > 0);\nCREATE INDEX")
    mended = sql.replace("ALTER TABLE", "SET LOCAL lock_timeout = '5s';\nALTER TABLE")
    fixers = Fixers(writes(mended).automatic, planned)
    proof = prove(tmp_path, scratch, {"db/00001_a.sql": SETUP, PATH: sql}, fixers)
    assert proof.fixed is not None
    assert proof.fixed.failure is None
    assert not proof.fixed.in_steps
    assert any("a plan for the rest failed" in remark for remark in proof.fixed.remarks)


@pytest.mark.verify
def test_what_the_estimates_lack_is_told(scratch, tmp_path):
    """Only two rows of this table can be made."""
    files = {
        "db/00001_a.sql": "-- +goose Up\nCREATE TABLE flags (f boolean PRIMARY KEY, n int);\n",
        PATH: "-- +goose Up\nCREATE INDEX flags_n_idx ON flags (n);\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    settings = Settings(rows={"flags": 50_000_000})
    request = Request(tmp_path, (tmp_path / PATH,), settings, row_bytes={"flags": 90.0})
    ran = session_settings(Production(), 30)
    (proof,) = proofs(run(request), request, scratch, ran)
    assert any(note.startswith("flags: 2 rows could be made") for note in proof.notes)
    ((estimate,),) = (one.estimates for one in proof.written.statements)
    assert "rows of 90 bytes there" in estimate.basis
