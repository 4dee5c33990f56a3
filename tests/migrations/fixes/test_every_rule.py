"""Every rule has a fix for its bad example, with every tool, or a reason why it has none."""

from pathlib import Path

import pytest

from senior_backend.migrations.fixes import registry as fixes
from senior_backend.migrations.rules import registry as rules
from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.test_applied import TOOLS


def _psql(up: str, down: str, setup: str, gone: str) -> Files:
    return {"db/001_a.sql": setup, "db/002_b.sql": f"{up}\n"}


BY_PEOPLE = {
    "alter-identity": "the start value depends on the rows",
    "deferrable-unique-as-target": "whether the key or the reference is meant is not known",
    "delete-without-where": "whether all rows are meant is what the finding asks",
    "dependent-view": "the view has to be written anew",
    "disable-trigger": "what the trigger would have done to the rows is not known",
    "drop-cascade": "which of the dependants are meant is what the finding asks",
    "drop-constraint": "whether the code can bear what was kept out is not known",
    "drop-index-backing-constraint": "whether the constraint may go is not known",
    "drop-object": "whether clients still use it is not known",
    "drop-schema-or-database": "nothing brings it back",
    "duplicate-column-assignment": "which of the two values is meant is not known",
    "enable-row-security-without-policy": "who may see which rows is not known",
    "exclusion-constraint": "PostgreSQL has no online form",
    "primary-key-lacks-partition-key": "the key has to be designed anew",
    "rename-column": "no code can be asked which of the names it says",
    "rename-enum-value": "an enum cannot have two names for a value",
    "rename-object": "it cannot have two names for long",
    "rename-table": "a view under the old name would break what else names the table",
    "replica-identity": "what subscribers need is not known",
    "restart-sequence": "the right value depends on the rows",
    "set-access-method-rewrite": "PostgreSQL has no online form",
    "set-expression-rewrite": "PostgreSQL has no online form",
    "set-persistence-rewrite": "PostgreSQL has no online form",
    "set-schema": "it cannot be in two schemas for long",
    "set-tablespace": "PostgreSQL has no online form",
    "transaction-nesting": "where the transaction is meant to end is not known",
    "truncate": "whether all rows are meant is what the finding asks",
    "vacuum-full-or-cluster": "PostgreSQL has no online form",
}
"""Gate rules without a fix, and why only people can decide."""


@pytest.mark.parametrize("rule", sorted(fixes.written()))
def test_its_fix_finds_its_place_with_every_tool(rule: str, tmp_path: Path) -> None:
    bad = rules.rule(rule).bad
    with_fix = set()
    for tool, files in {**TOOLS, "psql": _psql}.items():
        made = Repository(tmp_path / tool)
        made.write(files(bad.sql, bad.down or "", bad.setup, ""))
        for finding in made.lint().document["findings"]:
            if finding["rule"] == rule and finding["fix"]["kind"] != "none":
                with_fix.add(tool)
                if finding["fix"]["kind"] == "plan":
                    assert finding["fix"]["reason"]
        assert made.run("plan").code in (0, 1)
    assert with_fix, f"{rule}: its own bad example has no fix"


def test_every_gate_without_a_fix_is_accounted_for() -> None:
    gates = {name for name in rules.ids() if rules.rule(name).class_ == "gate"}
    assert gates - fixes.written() == BY_PEOPLE.keys()


RENAMES = {
    "ALTER TABLE orders RENAME COLUMN note TO remark;": "add remark, write both, fill",
    "ALTER TABLE orders RENAME TO bills;": "leave the table its name orders",
}


@pytest.mark.parametrize(("sql", "reason"), RENAMES.items())
@pytest.mark.parametrize("tool", TOOLS)
def test_a_rename_is_told_in_steps_and_nothing_is_written(
    sql: str, reason: str, tool: str, tmp_path: Path
) -> None:
    made = Repository(tmp_path)
    made.write(TOOLS[tool](sql, "", "CREATE TABLE orders (id int PRIMARY KEY, note text);\n", ""))
    found = [f for f in made.lint().document["findings"] if f["rule"].startswith("rename-")]
    assert [set(f["fix"]) for f in found] == [{"kind", "reason"}]
    assert reason in found[0]["fix"]["reason"]


@pytest.mark.parametrize(
    "actions",
    [
        'DROP COLUMN "views",\nADD COLUMN     "views" BIGINT',
        'ADD COLUMN     "views" BIGINT,\nDROP COLUMN "views"',
    ],
)
def test_a_column_put_back_by_the_same_statement_is_not_dropped_later(
    actions: str, tmp_path: Path
) -> None:
    made = Repository(tmp_path)
    setup = 'CREATE TABLE "Post" ("id" int PRIMARY KEY, "views" integer NOT NULL);\n'
    made.write(TOOLS["prisma"](f'ALTER TABLE "Post" {actions};', "", setup, ""))
    (found,) = (f for f in made.lint().document["findings"] if f["rule"] == "drop-column")
    assert "what every row held is lost" in found["message"]
    assert set(found["fix"]) == {"kind", "reason"}
    assert "all values of Post.views are lost" in found["fix"]["reason"]


def test_fixes_are_for_rules_that_exist() -> None:
    assert fixes.by_rule().keys() <= rules.ids()
