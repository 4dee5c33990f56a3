"""Adopting the linter in a repository that exists: settings, what changed, ignores, a baseline."""

import importlib
from collections.abc import Callable

import pytest

from senior_backend.migrations import squawk
from senior_backend.migrations.rules import registry
from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);\n"
INDEX = "CREATE INDEX orders_customer_id_idx ON orders (customer_id);\n"
DROP = "ALTER TABLE orders DROP COLUMN note;\n"
OLD: Files = {"db/001_orders.sql": TABLE, "db/002_index.sql": INDEX}

HIT = ("index-not-concurrent", "db/002_index.sql", 1)


def test_without_paths_the_working_directory_is_linted(repository: Make) -> None:
    assert repository(OLD).lint().gate == [HIT]


def test_paths_of_the_settings_count_when_the_command_line_names_none(repository: Make) -> None:
    made = repository(
        {**OLD, "other/1.sql": DROP, "senior-backend.toml": '[migrations]\npaths = ["db"]\n'}
    )
    assert made.lint().gate == [HIT]
    assert {path for _, path, _ in made.lint(".").gate} == {"db/002_index.sql", "other/1.sql"}


@pytest.mark.parametrize(
    "settings",
    [
        '[migrations]\ndisable = ["index-not-concurrent"]\n',
        '[migrations]\nexclude = ["db/002*"]\n',
        '[migrations]\nexclude = ["db"]\n',
        "[migrations.rows]\norders = 200\n",
        '[[migrations.overrides]]\npath = "db"\ndisable = ["index-not-concurrent"]\n',
    ],
)
def test_what_the_settings_take_out(repository: Make, settings: str) -> None:
    made = repository({**OLD, "senior-backend.toml": settings})
    run = made.lint("db")
    assert (run.gate, run.code) == ([], 0)


def test_pyproject_may_hold_the_settings(repository: Make) -> None:
    settings = '[tool.senior-backend.migrations]\ndisable = ["index-not-concurrent"]\n'
    assert repository({**OLD, "pyproject.toml": settings}).lint("db").code == 0


BAD_SETTINGS = [
    ('disable = ["index-not-concurent"]', "did you mean 'index-not-concurrent'?"),
    ("postgres = 9", "postgres = 9; known are 14 to 18"),
    ('[[migrations.overrides]]\npath = "db"\ntransaction = "maybe"', "transaction 'maybe' of db"),
    ('[[migrations.overrides]]\npath = "db"\nsource = "rails"', "source 'rails' of db; known: "),
]


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS)
def test_settings_that_mean_nothing_are_refused(
    repository: Make, settings: str, message: str
) -> None:
    run = repository({**OLD, "senior-backend.toml": f"[migrations]\n{settings}\n"}).lint("db")
    assert (run.code, run.out) == (2, "")
    assert message in run.err
    assert run.err.count("\n") == 1


def test_unknown_rules_on_the_command_line_are_refused(repository: Make) -> None:
    run = repository(OLD).lint("--disable", "drop-colum")
    assert run.code == 2
    assert "no rule 'drop-colum'; did you mean 'drop-column'?" in run.err


def test_a_single_file_is_linted_with_the_earlier_ones_replayed(repository: Make) -> None:
    made = repository({**OLD, "db/003_more.sql": "ALTER TABLE orders ADD CHECK (id > 0);\n"})
    assert made.lint("db/003_more.sql").gate == [("check-without-not-valid", "db/003_more.sql", 1)]
    assert made.lint("db/001_orders.sql").gate == []


class TestChanged:
    def test_only_what_is_not_committed_is_reported(self, repository: Make) -> None:
        made = repository(OLD)
        made.commit()
        assert made.lint("--changed").gate == []
        made.write({"db/003_drop.sql": DROP})
        assert made.lint("--changed").gate == [("drop-column", "db/003_drop.sql", 1)]

    def test_only_what_the_branch_changed_is_reported(self, repository: Make) -> None:
        made = repository(OLD)
        made.commit()
        made.git("checkout", "-qb", "feature")
        made.write({"db/003_drop.sql": DROP})
        made.commit()
        assert made.lint("--since", "main").gate == [("drop-column", "db/003_drop.sql", 1)]

    def test_tables_that_the_same_deploy_creates_are_new(self, repository: Make) -> None:
        made = repository({"README": "x"})
        made.commit()
        made.git("checkout", "-qb", "feature")
        made.write(OLD)
        assert made.lint().gate == [HIT]
        assert made.lint("--since", "main").gate == []

    def test_a_revision_that_does_not_exist_is_bad_usage(self, repository: Make) -> None:
        made = repository(OLD)
        made.commit()
        run = made.lint("--since", "nowhere")
        assert run.code == 2
        assert "nowhere: no revision" in run.err

    def test_a_repository_without_a_commit_has_everything_changed(self, repository: Make) -> None:
        assert repository(OLD).lint("--changed").code in (0, 1)


IGNORED = [
    "-- senior-backend-ignore index-not-concurrent: empty table\n" + INDEX,
    "/* senior-backend-ignore index-not-concurrent: empty table */\n" + INDEX,
    INDEX.rstrip() + " -- senior-backend-ignore index-not-concurrent: empty table\n",
    "CREATE INDEX i -- senior-backend-ignore index-not-concurrent: empty\n  ON orders (id);\n",
    "-- why\n-- senior-backend-ignore index-not-concurrent: small\n-- more\n\n" + INDEX,
    "-- senior-backend-ignore-file index-not-concurrent: empty table\nSELECT 1;\n" + INDEX,
    "-- senior-backend-ignore index-not-concurrent: x (until 2099-01-31)\n" + INDEX,
    "-- senior-backend-ignore index-not-concurrent: x (Until 2099-01-31)\n" + INDEX,
    "-- senior-backend-ignore index-not-concurrent: small until rows come\n" + INDEX,
    "-- squawk-ignore require-concurrent-index-creation\n" + INDEX,
    "-- squawk-ignore require-concurrent-index-creation, prefer-big-int -- known\n" + INDEX,
    "-- squawk-ignore-file\n" + INDEX,
    "-- squawk-ignore-file require-concurrent-index-creation -- reason\nSELECT 1;\n" + INDEX,
]


@pytest.mark.parametrize("sql", IGNORED)
def test_ignore_comments_take_their_statement_out(repository: Make, sql: str) -> None:
    made = repository({"db/001_orders.sql": TABLE, "db/002_index.sql": sql})
    assert made.lint("db").gate == []


NOT_IGNORED = [
    INDEX + "-- senior-backend-ignore index-not-concurrent: too late\n",
    "-- senior-backend-ignore index-not-concurrent: another\nSELECT 1;\n" + INDEX,
    "-- senior-backend-ignore drop-column: another rule\n" + INDEX,
    "-- senior-backend-ignore index-not-concurrent: x (until 2020-01-31)\n" + INDEX,
    "-- squawk-ignore prefer-big-int\n" + INDEX,
    "-- squawk-ignore-file nonsense\n" + INDEX,
    "-- squawk-ignore-file prefer-big-int -- require-concurrent-index-creation\n" + INDEX,
]


@pytest.mark.parametrize("sql", NOT_IGNORED)
def test_and_nothing_else(repository: Make, sql: str) -> None:
    made = repository({"db/001_orders.sql": TABLE, "db/002_index.sql": sql})
    assert [rule for rule, _, _ in made.lint("db").gate] == ["index-not-concurrent"]


COMPLAINTS = [
    ("-- senior-backend-ignore index-not-concurrent\n" + INDEX, "needs a reason", "hygiene"),
    ("-- senior-backend-ignore drop-colum: x\n" + INDEX, "did you mean 'drop-column'?", "gate"),
    ("-- senior-backend-ignore drop-column: x\n" + INDEX, "nothing to ignore here", "hygiene"),
    ("-- senior-backend-ignore: x\n" + INDEX, "name the rules to ignore", "hygiene"),
    ("-- senior-backend-ignore index-not-concurrent: x (until 2020-01-31)\n" + INDEX,
     "ended on 2020-01-31", "hygiene"),
    ("-- senior-backend-ignore index-not-concurrent: x (until 2020-13-31)\n" + INDEX,
     "no such date: 2020-13-31", "hygiene"),
    ("-- senior-backend-ignore index-not-concurrent: x (until 31.01.2030)\n" + INDEX,
     "write the date as (until 2030-01-31)", "hygiene"),
    ("-- senior-backend-ignore index-not-concurrent: x, until 2030/01/31\n" + INDEX,
     "write the date as (until 2030-01-31)", "hygiene"),
    ("-- senior-backend-ignore index-not-concurrent: x (until summer)\n" + INDEX,
     "write the date as (until 2030-01-31)", "hygiene"),
    ("-- squawk-ignore require-concurent-reindex\n" + INDEX,
     "did you mean 'require-concurrent-reindex'?", "hygiene"),
    ("-- squawk-ignore-file nonsense, ban-drop-column\n" + INDEX,
     "squawk has no rule 'nonsense'", "hygiene"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message", "class_"), COMPLAINTS)
def test_ignore_comments_that_are_wrong_are_reported(
    repository: Make, sql: str, message: str, class_: str
) -> None:
    made = repository({"db/001_orders.sql": TABLE, "db/002_index.sql": sql})
    findings = made.lint("db").document["findings"]
    (complaint,) = [f for f in findings if f["rule"] == "ignore-comment"]
    assert message in complaint["message"]
    assert (complaint["class"], complaint["line"]) == (class_, 1)


def test_a_suppressed_finding_keeps_its_reason(repository: Make) -> None:
    sql = "-- senior-backend-ignore index-not-concurrent: small (until 2099-01-31)\n" + INDEX
    run = repository({"db/001_orders.sql": TABLE, "db/002_index.sql": sql}).lint("db")
    (finding,) = [f for f in run.document["findings"] if f["suppressed"]]
    assert finding["suppressed"] == {"reason": "small (until 2099-01-31)", "expires": "2099-01-31"}


PLACED = {
    'disable = [\n  "drop-table",\n  "drop-tabel",\n]': (4, "no rule 'drop-tabel'"),
    "exclude = []\npostgres = 9": (3, "postgres = 9; known are 14 to 18"),
    'paths = ["db", "nope"]': (2, "'paths' names nope: no such file"),
    '[[migrations.overrides]]\npath = "a"\n[[migrations.overrides]]\npath = "db"\n'
    'source = "flyweg"': (6, "source 'flyweg' of db; did you mean 'flyway'?"),
    '[[migrations.overrides]]\npath = "db"\ntransaction = "maybe"': (
        4,
        "transaction 'maybe' of db",
    ),
    '[[migrations.overrides]]\npath = "db"\ndisable = ["x-y"]': (4, "no rule 'x-y'"),
}


@pytest.mark.parametrize(("text", "place"), PLACED.items())
@pytest.mark.parametrize("file", ["senior-backend.toml", "pyproject.toml"])
def test_settings_that_are_wrong_are_named_with_their_line(
    repository: Make, file: str, text: str, place: tuple[int, str]
) -> None:
    line, message = place
    above = "tool.senior-backend." if file == "pyproject.toml" else ""
    text = f"[migrations]\n{text}\n".replace("migrations", f"{above}migrations")
    run = repository({**OLD, file: text}).lint()
    assert (run.code, run.err.count("\n")) == (2, 1)
    assert run.err.startswith(f"senior-backend: {file}:{line}: ")
    assert message in run.err


class TestSquawk:
    SETTINGS = """\
excluded_rules = ["require-concurrent-index-creation", "prefer-big-int"]
excluded_paths = ["db/9*"]
pg_version = "16.1"
assume_in_transaction = true
"""

    def test_its_settings_count(self, repository: Make) -> None:
        files = {**OLD, "db/900.sql": DROP, ".squawk.toml": self.SETTINGS}
        assert repository(files).lint("db").gate == []

    def test_a_transaction_is_assumed_as_it_says(self, repository: Make) -> None:
        sql = INDEX.replace("INDEX", "INDEX CONCURRENTLY")
        files = {"db/001_orders.sql": TABLE, "db/002_index.sql": sql}
        made = repository(files)
        assert made.lint("db").gate == []
        made.write({".squawk.toml": "assume_in_transaction = true\n"})
        assert made.lint("db").gate == [("concurrently-in-transaction", "db/002_index.sql", 1)]

    def test_a_rule_that_squawk_does_not_have_is_refused(self, repository: Make) -> None:
        files = {**OLD, ".squawk.toml": 'excluded_rules = ["ban-drop-colum"]\n'}
        run = repository(files).lint("db")
        assert run.code == 2
        assert run.err == (
            "senior-backend: .squawk.toml: 'excluded_rules': squawk has no rule 'ban-drop-colum'; "
            "did you mean 'ban-drop-column'?\n"
        )

    def test_its_rules_lead_to_rules_that_exist(self) -> None:
        assert {our for ours in squawk.RULES.values() for our in ours} <= registry.ids()

    def test_a_broken_file_is_named(self, repository: Make) -> None:
        run = repository({**OLD, ".squawk.toml": "excluded_rules = 1\n"}).lint("db")
        assert (run.code, run.err) == (
            2,
            "senior-backend: .squawk.toml: 'excluded_rules' must be a list of strings\n",
        )


class TestBaseline:
    def test_known_findings_no_longer_count_and_new_ones_do(self, repository: Make) -> None:
        made = repository(OLD)
        written = made.run("lint", "db", "--write-baseline", "known.json")
        assert (written.code, written.err.split(":")[0]) == (0, "known.json")
        known = ("--baseline", "known.json")
        assert made.lint("db", *known).code == 0
        made.write({"db/003_drop.sql": DROP})
        assert made.lint("db", *known).gate == [("drop-column", "db/003_drop.sql", 1)]

    def test_it_survives_moved_lines_but_not_changed_statements(self, repository: Make) -> None:
        made = repository({**OLD, "senior-backend.toml": '[migrations]\nbaseline = "known.json"\n'})
        made.run("lint", "db", "--write-baseline", "known.json")
        made.write({"db/002_index.sql": f"-- moved\n\n{INDEX}"})
        assert made.lint("db").gate == []
        made.write({"db/002_index.sql": INDEX.replace("customer_id)", "note)")})
        assert made.lint("db").gate == [HIT]

    def test_a_file_that_is_no_baseline_is_named(self, repository: Make) -> None:
        made = repository({**OLD, "known.json": "{}"})
        run = made.lint("db", "--baseline", "known.json")
        assert run.code == 2
        assert "known.json:1: no baseline" in run.err
        assert "no such file" in made.lint("db", "--baseline", "gone.json").err


def test_standard_input_is_linted_under_a_name(repository: Make) -> None:
    made = repository({})
    sql = b"CREATE INDEX ON orders (id);"
    run = made.run("lint", "--format", "json", "--stdin", "--stdin-filename", "x.sql", stdin=sql)
    assert (run.code, run.gate) == (1, [("index-not-concurrent", "x.sql", 1)])


def test_a_schema_says_what_was_there_before(repository: Make) -> None:
    made = repository({"schema.sql": TABLE.replace("bigint,", "varchar(20),")})
    made.write({"db/1.sql": "ALTER TABLE orders ALTER COLUMN customer_id TYPE varchar(40);\n"})
    assert made.lint("db", "--schema", "schema.sql").gate == []
    assert [f["class"] for f in made.lint("db").document["findings"]].count("gate") == 1


class TestNotAnalyzed:
    REFUSED = "CREATE TABEL orders (id int);\n"

    def test_a_statement_that_cannot_be_read_is_never_clean(self, repository: Make) -> None:
        run = repository({"db/1.sql": f"{TABLE}{self.REFUSED}"}).lint("db")
        (missing,) = run.document["not_analyzed"]
        assert (run.code, missing["line"]) == (3, 2)

    def test_unless_a_comment_says_that_nobody_needs_to_look(self, repository: Make) -> None:
        comment = "-- senior-backend-ignore not-analyzed: syntax of PostgreSQL 19\n"
        run = repository({"db/1.sql": f"{TABLE}{comment}{self.REFUSED}"}).lint("db")
        assert (run.code, run.document["not_analyzed"], run.document["findings"]) == (0, [], [])

    def test_what_psql_reads_from_elsewhere_is_told_and_may_pass(self, repository: Make) -> None:
        run = repository({"db/1.sql": f"{TABLE}\\i other.sql\n"}).lint("db")
        assert (run.code, len(run.document["not_analyzed"])) == (0, 1)

    @pytest.mark.parametrize(
        "broken",
        [
            "senior_backend.operations.reader.read",
            "senior_backend.migrations.walk.effects",
            "senior_backend.catalog.replay.apply",
            "senior_backend.migrations.rules.index_not_concurrent.check",
        ],
    )
    def test_a_bug_in_one_part_names_the_statement_and_the_rest_is_linted(
        self, repository: Make, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        def fail(*_: object) -> None:
            raise RecursionError("too deep")

        module, _ = broken.rsplit(".", 1)
        importlib.import_module(module)
        monkeypatch.setattr(broken, fail)
        run = repository(OLD).lint("db")
        assert run.code == (1 if run.gate else 3)
        reasons = {n["reason"] for n in run.document["not_analyzed"]}
        assert all("failed on it (RecursionError: too deep)" in reason for reason in reasons)
        assert reasons
