"""Cases are read from Rust sources as their test runner would see them."""

from pathlib import Path

import pytest

from benchmarks.lint.linters import Setting
from benchmarks.lint.rust_cases import Case, read

SQUAWK = r"""
fn check(ctx: &mut Linter) { ctx.report(Violation::for_node(Rule::SomeThing, "drop me")); }

#[cfg(test)]
mod test {
    fn fix(sql: &str) -> String { fix_sql(sql, Rule::NoGood) }

    #[test]
    fn in_a_variable() {
        let sql = r#"
-- "quoted" // no comment
select 1;
        "#;
        assert_snapshot!(lint_errors(sql, Rule::NoGood), @"warning: lint_ok(x)");
    }

    #[test]
    fn passes() {
        // lint_errors("in a comment", Rule::NoGood);
        lint_ok("select '\u{e9}', \"b\"", Rule::NoGood);
    }

    #[test]
    fn with_settings() {
        let settings = LinterSettings { assume_in_transaction: true, ..Default::default() };
        lint_ok_with("select 2", settings, Rule::NoGood);
        assert_snapshot!(lint_errors_with(
            "select 3",
            LinterSettings { pg_version: "12.3".parse().expect("no"), ..Default::default() },
            Rule::OtherRule
        ));
    }

    #[test]
    fn mends() {
        assert_snapshot!(fix("select \
            4"), @"select 5");
    }
}
"""
PGSAFE = """
fn fires(sql: &str, rule_id: &str) -> bool { lint_sql(sql).iter().any(|f| f.rule_id == rule_id) }

#[test]
fn both_ways() {
    assert!(fires("select 1", "a-rule"));
    assert!(!fires(
        "select 2",
        "a-rule"
    ));
    assert!(fires("select 1", "a-rule"));
}
"""


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    (tmp_path / "rule.rs").write_text(SQUAWK)
    (tmp_path / "table.rs").write_text(PGSAFE)
    return read("they", sorted(tmp_path.glob("*.rs")))


def test_each_case_has_its_sql_its_rule_and_what_is_expected(cases: list[Case]):
    assert [(one.id, one.rule, one.sql.strip(), one.must_fire) for one in cases] == [
        ("they/rule/in_a_variable/1", "no-good", '-- "quoted" // no comment\nselect 1;', True),
        ("they/rule/passes/1", "no-good", "select 'é', \"b\"", False),
        ("they/rule/with_settings/1", "no-good", "select 2", False),
        ("they/rule/with_settings/2", "other-rule", "select 3", True),
        ("they/rule/mends/1", "no-good", "select 4", True),
        ("they/table/both_ways/1", "a-rule", "select 1", True),
        ("they/table/both_ways/2", "a-rule", "select 2", False),
    ]


def test_settings_are_those_of_the_call(cases: list[Case]):
    settings = {one.id: one.setting for one in cases if one.setting != Setting()}
    assert settings == {
        "they/rule/with_settings/1": Setting(in_transaction=True),
        "they/rule/with_settings/2": Setting(major=12),
    }
