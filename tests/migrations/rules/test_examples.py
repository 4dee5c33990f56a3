"""Every rule says the truth about its own examples: linted, and run on PostgreSQL."""

import re

import pytest

from senior_backend.migrations.rules import registry
from senior_backend.migrations.rules.rule import Example, Rule
from tests.migrations.observe import Observer
from tests.migrations.rules.linting import findings, runs

RULES = [pytest.param(module.RULE, id=name) for name, module in registry.modules().items()]
NEAR_MISSES = [
    pytest.param(module.RULE, number, id=f"{name}-{number}")
    for name, module in registry.modules().items()
    for number in range(len(module.RULE.silent))
]


@pytest.mark.parametrize("rule", RULES)
def test_the_bad_example_is_found_once_and_by_no_other_gate(rule: Rule) -> None:
    found = findings(rule.bad, setup=rule.bad.setup)
    own = [f for f in found if f.rule == rule.id]
    assert [f.class_ for f in own] == [rule.class_], [f.message for f in found]
    gates = {f.rule for f in found if f.class_ == "gate"}
    assert gates - {rule.id} == set(rule.bad.also)


@pytest.mark.parametrize("rule", RULES)
def test_messages_are_short_sentences(rule: Rule) -> None:
    """They begin with a capital, or with a name of the migration as it is written there."""
    for message in {f.message for f in findings(rule.bad, setup=rule.bad.setup)}:
        first = re.split(r"[ .,:]", message)[0]
        assert message[0].isupper() or first in rule.bad.sql + rule.bad.setup, message
        assert message.endswith((".", "?")), message
        assert len(re.findall(r"[.?] (?=[A-Z])", message)) <= 2, message


@pytest.mark.parametrize("rule", RULES)
def test_the_good_form_passes(rule: Rule) -> None:
    for setup, examples in runs(rule):
        found = findings(*examples, setup=setup)
        gates = {f.rule: f.message for f in found if f.class_ == "gate"}
        assert gates.keys() == {other for example in examples for other in example.also}, gates
        assert [f.message for f in found if f.rule == rule.id] == []


@pytest.mark.parametrize(("rule", "number"), NEAR_MISSES)
def test_near_misses_are_passed_over(rule: Rule, number: int) -> None:
    example = rule.silent[number]
    found = findings(example, setup=example.setup)
    assert [f.message for f in found if f.rule == rule.id] == []


@pytest.mark.parametrize("rule", RULES)
def test_it_can_be_read(rule: Rule) -> None:
    assert rule.title == rule.title.strip()
    assert not rule.title.endswith(".")
    assert 2 <= len(rule.why.strip().splitlines()) <= 20
    assert rule.source
    module = registry.modules()[rule.id]
    assert rule.operations or not hasattr(module, "check")
    assert module.__name__.endswith(rule.id.replace("-", "_"))


@pytest.mark.parametrize("rule", RULES)
def test_postgres_shows_what_the_bad_example_claims(rule: Rule, observer: Observer) -> None:
    _skip_older(rule.bad, observer)
    seen = observer.observe(rule.bad.setup, rule.bad.sql, rule.bad.transaction)
    assert [claim for claim in rule.bad.proof if not seen.shows(claim)] == [], str(seen)
    if not any(claim.startswith("error:") for claim in rule.bad.proof):
        assert seen.error is None


@pytest.mark.parametrize("rule", RULES)
def test_the_good_form_runs(rule: Rule, observer: Observer) -> None:
    for setup, examples in runs(rule):
        observer.observe(setup, "")
        for example in examples:
            _skip_older(example, observer)
            assert observer.watch(example.sql, example.transaction).error is None


@pytest.mark.parametrize(("rule", "number"), NEAR_MISSES)
def test_near_misses_run(rule: Rule, number: int, observer: Observer) -> None:
    example = rule.silent[number]
    _skip_older(example, observer)
    assert observer.observe(example.setup, example.sql, example.transaction).error is None


def _skip_older(example: Example, observer: Observer) -> None:
    if observer.major < example.since:
        pytest.skip(f"needs PostgreSQL {example.since}, this is {observer.major}")
