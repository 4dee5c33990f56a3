"""The benchmark's tables say what the linters said."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import migration_lint
from benchmarks.lint import agreement, labelled, manifest, noise, page, robustness, speed
from benchmarks.lint.agreement import Compared, Verdict
from benchmarks.lint.histories import History
from benchmarks.lint.linters import OURS, SAFEMIGRATE, SQUAWK, Found, Linted, Setting
from benchmarks.lint.manifest import Repository, Vocabulary
from benchmarks.lint.observation import observe
from benchmarks.lint.rust_cases import Case
from benchmarks.lint.speed import Timed
from senior_backend.migrations.rules import registry
from senior_backend.postgres import Databases

ROOT = Path(__file__).resolve().parents[2]


class Says:
    """A linter that finds what it was told to, by file."""

    name = "says"

    def __init__(self, names: dict[str, tuple[str, ...]], *found: Found) -> None:
        self.vocabulary = Vocabulary(names=names)
        self.found = found

    def version(self) -> str:
        return "1"

    def command(self, paths: Sequence[str], setting: Setting) -> list[str]:
        return ["true"]

    def lint(self, paths: Sequence[str], directory: Path, setting: Setting | None = None) -> Linted:
        return Linted(self.found, ("a.sql:1: not SQL",), {"checked": 3})


def found(path: str, line: int, rule: str, *, counted: bool = True) -> Found:
    return Found(path, line, line, rule, counted, "because")


LABEL = """/* ---
id: x
verdict: {verdict}
hazards: [{hazards}]
description: One thing: and another.
--- */

begin;
alter table t add column c int;
update t set c = 1;
commit;
"""
READING = manifest.read()


@pytest.mark.parametrize(
    ("line", "rule", "said"),
    [
        (10, "backfill", "| found: backfill |"),
        (8, "backfill", "| **missed**: backfill |"),
        (10, "other", "| **missed**: other |"),
    ],
)
def test_a_hazard_is_found_when_it_is_named_where_it_is(
    line: int, rule: str, said: str, tmp_path: Path
):
    (tmp_path / "u1.sql").write_text(
        LABEL.format(verdict="dangerous", hazards="unbatched-backfill")
    )
    linter = Says({"unbatched-backfill": ("back*",)}, found("u1.sql", line, rule))
    judged = [labelled.judge(linter, file, READING) for file in labelled.read(tmp_path)]
    text = labelled.report(judged, [linter])
    assert said in text
    strict = "1 of 1 (100%)" if "found" in said else "0 of 1 (0%)"
    assert f"| says 1 | {strict} | 1 of 1 (100%) | none | none | cannot be told |" in text


def test_habits_are_no_false_alarms(tmp_path: Path):
    (tmp_path / "s1.sql").write_text(LABEL.format(verdict="safe", hazards=""))
    for counted, share in ((False, "0 of 1 (0%)"), (True, "1 of 1 (100%)")):
        linter = Says({}, found("s1.sql", 9, "r", counted=counted))
        judged = [labelled.judge(linter, file, READING) for file in labelled.read(tmp_path)]
        assert f"| says 1 | none | none | {share} | none |" in labelled.report(judged, [linter])


def test_every_disagreement_is_open_until_it_is_settled():
    case = Case("they/a/b/1", "their-rule", "select 1", must_fire=True, setting=Setting())
    apart = [Compared("they", case, (), named=False)]
    open_ = agreement.report(apart, {}, lambda _: "no lock")
    assert "| they | must fire | 0 of 1 (0%) | 0 | 0 | 0 | 1 | 0 of 1 (0%) |" in open_
    settled = agreement.report(
        apart, {case.id: Verdict("ours", "nothing is locked")}, lambda _: "no lock"
    )
    assert "| they | must fire | 0 of 1 (0%) | 1 | 0 | 0 | 0 | 1 of 1 (100%) |" in settled
    assert "| no lock | ours | nothing is locked |" in settled


def test_a_must_pass_case_may_have_findings_of_other_hazards():
    source = READING.cases["squawk"]
    case = Case("squawk/a/b/1", "ban-drop-column", "select 1", must_fire=False, setting=Setting())
    for rule, agrees in (("another", True), ("drop", False)):
        linter = Says({"drop-column": ("drop",)}, found("case-0/case.sql", 1, rule))
        (one,) = agreement.compare("squawk", source, [case], linter)
        assert one.agrees is agrees


MAJORS = {None: None, 12: 14, 16: 16, 19: 18}


@pytest.mark.parametrize("asked", MAJORS)
def test_a_case_is_asked_for_a_postgresql_that_we_know(asked: int | None):
    source = READING.cases["squawk"]
    case = Case("a", "ban-drop-column", "select 1", must_fire=True, setting=Setting(major=asked))
    comparable = agreement.comparable(case, source)
    assert comparable is not None
    assert comparable.setting.major == MAJORS[asked]


@pytest.mark.parametrize(("rule", "major"), [("ban-char-field", None), ("ban-drop-column", 11)])
def test_taste_and_the_past_are_left_out(rule: str, major: int | None):
    case = Case("a", rule, "select 1", must_fire=True, setting=Setting(major=major))
    assert agreement.comparable(case, READING.cases["squawk"]) is None


def test_every_rule_of_ours_that_the_manifest_names_exists():
    ours = READING.tools[OURS].names
    assert {rule for rules in ours.values() for rule in rules} <= registry.ids()


def test_every_hazard_of_a_case_or_label_is_named_by_a_rule_of_ours():
    ours = READING.tools[OURS].names
    hazards = {
        hazard
        for source in READING.cases.values()
        for names in source.hazard.values()
        for hazard in names
    }
    assert {*hazards, *READING.statement} <= ours.keys()


def test_the_context_is_told_in_the_form_that_the_linter_takes(tmp_path: Path):
    (tmp_path / "c01-index-on-small-lookup-table.sql").write_text(
        LABEL.format(verdict="context-dependent", hazards="non-concurrent-index")
    )
    asked = []

    class Asked(Says):
        def lint(
            self, paths: Sequence[str], directory: Path, setting: Setting | None = None
        ) -> Linted:
            asked.append(setting)
            return super().lint(paths, directory, setting)

    (file,) = labelled.read(tmp_path)
    linter = Asked({}, found("a", 1, "kept"), found("a", 1, "habit", counted=False))
    assert labelled.told(file, linter, READING) == ("kept",)
    assert asked == [Setting(rows=(("country_codes", 249),))]
    judged = [labelled.judge(linter, file, READING)]
    text = labelled.report(judged, [linter], {file.path: ("kept",)})
    assert "| kept; with the context told: kept |" in text
    assert text.splitlines()[2].endswith("| 1 of 1 (100%) | 1 of 1 (100%) |")


def test_the_verdicts_are_known_words():
    for verdict in agreement.verdicts().values():
        assert verdict.right in ("ours", "theirs", "neither")
        assert verdict.because


def test_noise_is_counted_a_thousand_statements(tmp_path: Path):
    (tmp_path / "db").mkdir()
    (tmp_path / "db/1.sql").write_text("select 1;\n" * 500)
    history = History(Repository("a/b", "0", ("db",), "history", tool="none"), tmp_path)
    ours = Says({}, found("db/1.sql", 3, "gate"), found("db/1.sql", 4, "habit", counted=False))
    theirs = Says({}, *[found("db/1.sql", 1, "r", counted=number > 3) for number in range(10)])
    heard = [noise.listen(history, ours, theirs)]
    assert "| a/b | none | 500 | 1 | 2 | 12 | 20 |" in noise.report(heard)
    drawn = noise.sample(heard, 20, seed=1)
    assert "### 1. gate" in drawn
    assert "    3  select 1;" in drawn
    assert "### 2." not in drawn


def test_what_is_neither_analyzed_nor_reported_shows_as_a_difference(tmp_path: Path):
    (tmp_path / "db").mkdir()
    for name in ("1", "2", "3", "mysql/4", "5"):
        file = tmp_path / "db" / f"{name}.sql"
        file.parent.mkdir(exist_ok=True)
        file.write_text("select 1;\n" * 5)
    whole = [{"path": "db/2.sql", "line": 1, "reason": "is odd", "left_out": False}]
    account = {
        "migrations": [
            {"files": ["db/1.sql"], "analyzed": 3, "reported": 1, "not_read": []},
            {"files": ["db/2.sql"], "analyzed": 0, "reported": 0, "not_read": whole},
            {"files": ["db/3.sql"], "analyzed": 5, "reported": 0, "not_read": []},
        ],
        "apart": [{"path": "db/mysql", "line": 1, "reason": "is for MySQL", "left_out": True}],
    }
    text = robustness.report([robustness.settle("a", tmp_path, "db", account)])
    assert "| a | 5 | 1 | 1 | 10 | 8 | 1 | -1 | 1 | no |" in text
    assert "Left out, files by reason: 1 is for MySQL." in text
    assert "Not readable, files by reason: 1 is odd." in text
    assert "- db/1.sql: 5 counted, 3 analyzed, 1 reported" in text
    assert "- db/5.sql" in text


def test_the_linter_accounts_for_every_file_of_a_folder(tmp_path: Path):
    (tmp_path / "db/mysql").mkdir(parents=True)
    (tmp_path / "db/1.sql").write_text("select 1; selec 2; do $$ begin selec 3; end $$;")
    (tmp_path / "db/2.sql").write_bytes(b"select '\xff';")
    (tmp_path / "db/mysql/1.sql").write_text("select 1;")
    survived = robustness.survive("a", tmp_path, "db")
    assert (survived.crash, survived.silent, survived.differences) == (None, (), ())
    assert (survived.files, survived.analyzed, survived.reported) == (3, 2, 1)
    assert (survived.left_out.total(), survived.not_read.total()) == (1, 1)


def test_a_crash_of_the_linter_is_told(tmp_path: Path):
    assert "there: no such file" in str(robustness.survive("a", tmp_path, "there").crash)


def test_times_are_medians_beside_squawk():
    runs = [
        Timed(1, subject, seconds, seconds / 2, 10)
        for subject, times in (
            (speed.COLD, (3.0, 1.0, 2.0)),
            (speed.CACHED, (1.0, 1.0, 1.0)),
            ("squawk", (0.5, 0.5, 9.0)),
        )
        for seconds in times
    ]
    text = speed.report(runs, {1: 0.2})
    assert "| 2.000 | 1.000 to 3.000 | 1.000 | 4.0 | 10 | at most 0.2 s |" in text
    assert "load average" in text


OBSERVED = {
    "alter table a alter column b set not null": ("AccessExclusive on a", "verifying a"),
    "alter table a alter column b type bigint": ("AccessExclusive on a", "rewriting a"),
    "create index i on a (b)": ("Share on a", "building index i"),
    "create index concurrently i on a (b)": ("outside a transaction block", "building index i"),
    "begin; create index concurrently i on a (b); commit": ("fails: CREATE INDEX CONCURRENTLY",),
    "create table a (b int); create index i on a (b)": ("no lock of a relation",),
}


@pytest.mark.parametrize("sql", OBSERVED)
def test_postgresql_is_asked_with_a_schema_made_for_the_statement(
    sql: str, postgres_server: Databases
):
    seen = " // ".join(str(one) for one in observe(postgres_server, sql))
    for part in OBSERVED[sql]:
        assert part in seen


def test_an_unknown_part_is_exit_code_2():
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/migration_lint.py"), "spead"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no part 'spead': choose from labelled" in done.stderr


def test_the_page_says_what_was_measured_on_what():
    text = page.page({"noise": "| a table |"}, READING, {"senior-backend": "1.2.3"})
    assert "| senior-backend | 1.2.3 |" in text
    assert "## Findings on real histories" in text
    assert "| a table |" in text
    for repository in READING.repositories.values():
        assert f"| {repository.name} | `{repository.commit[:12]}` |" in text


def test_the_page_tells_the_judged_findings():
    text = page.judged()
    assert "`--sample 20 --seed 4`" in text
    verdicts = {line.split(" | ")[3] for line in text.splitlines() if line.startswith("| ")}
    assert verdicts - {"verdict", "---"} <= {"right", "depends", "wrong"}
    rules = {line.split(" | ")[0][2:] for line in text.splitlines() if line.startswith("| ")}
    assert rules - {"rule", "---"} <= registry.ids()


def test_every_part_has_its_paragraph():
    assert list(page.ABOUT) == list(migration_lint.PARTS)


def test_the_page_that_is_published_is_of_this_manifest_and_sample():
    text = (ROOT / "docs/benchmarks/migration_lint.md").read_text()
    assert page.judged() in text
    for repository in READING.repositories.values():
        assert f"| {repository.name} | `{repository.commit[:12]}` |" in text
    for name in (OURS, SQUAWK, SAFEMIGRATE):
        assert f"| {name} |" in text
