"""What a copier.yml asks."""

import pytest
import yaml

from senior_backend.errors import InputError
from senior_backend.scaffold.command import asked
from senior_backend.scaffold.flags import Answer
from senior_backend.scaffold.questions import Question, parse, parse_answers, refuse_unknown


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("q: yes please", Question("q", default="yes please")),
        ("q: {type: str, help: 'two\n\n  lines', default: a}",
         Question("q", help="two lines", default="a")),
        ("q: {choices: [a, 2]}", Question("q", choices=("a", "2"))),
        ("q: {choices: [[Label, a], b]}", Question("q", choices=("a", "b"))),
        ("q: {choices: {Label: a, Other: {value: b, validator: x}}}",
         Question("q", choices=("a", "b"))),
        ("q: {choices: '{{ computed }}'}", Question("q")),
        ("q: {when: '{{ other }}'}", Question("q")),
        ("q: {secret: true}", Question("q", secret=True)),
        ("8: x", Question("8", default="x")),
        ("q: {choices: [a], multiselect: true}", Question("q", choices=("a",), multiple=True)),
    ],
)  # fmt: skip
def test_forms_of_a_question(text: str, question: Question) -> None:
    assert parse(text, "copier.yml") == {question.name: question}


def test_settings_and_computed_values_are_no_questions() -> None:
    assert parse("_subdirectory: t\nlanguage: {when: false, default: x}\n", "copier.yml") == {}


@pytest.mark.parametrize("text", ["", "- a", "a: [", "a: !include b.yml", "a: 2020-13-45"])
def test_what_is_no_template_is_refused_by_its_name(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Copier, which other tests load into this process and no command does, teaches PyYAML it.
    monkeypatch.delitem(yaml.SafeLoader.yaml_constructors, "!include", raising=False)
    with pytest.raises(InputError, match=r"^/t/copier\.yml: "):
        parse(text, "/t/copier.yml")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("licence", "did you mean 'license'?"),
        ("lisence", "did you mean 'license'?"),
        ("project-name", "did you mean 'project_name'?"),
        ("zzz", "it asks: license, project_name"),
    ],
)
def test_an_unknown_question_is_refused_with_the_nearest_one(name: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        refuse_unknown(name, ["project_name", "license"])
    assert str(refused.value) == f"the template has no question '{name}'; {hint}"


def test_answers_may_hold_anything_after_the_first_equals_sign() -> None:
    assert parse_answers(["a=1=2", "b="]) == {"a": "1=2", "b": ""}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["a"], "'a' is no answer; write it as KEY=VALUE"),
        (["=1"], "'=1' is no answer; write it as KEY=VALUE"),
        (["a=1", "a=2"], "'a' is answered twice; keep one"),
    ],
)
def test_malformed_answers(pairs: list[str], message: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_answers(pairs)
    assert str(refused.value) == message


def test_every_question_of_the_template_teaches_and_has_a_default() -> None:
    assert {"project_name", "framework", "license", "ci"} <= asked().keys()
    for question in asked().values():
        assert question.help
        assert question.default


@pytest.mark.parametrize(
    ("question", "value", "answer"),
    [
        (Question("q"), "any, thing", "any, thing"),
        (Question("q", choices=("a", "b")), "b", "b"),
        (Question("q", choices=("a", "b"), multiple=True), "b,a", "[b, a]"),
    ],
)
def test_a_flag_hands_its_value_to_copier(question: Question, value: str, answer: str) -> None:
    assert Answer(question).convert(value, None, None) == answer


@pytest.mark.parametrize("multiple", [False, True])
def test_a_flag_refuses_what_is_no_choice(multiple: bool) -> None:
    question = Question("deploy_to", choices=("k8s", "terraform"), multiple=multiple)
    with pytest.raises(InputError) as refused:
        Answer(question).convert("k8", None, None)
    assert str(refused.value) == (
        "--deploy-to k8: there is no such choice; did you mean 'k8s'? choose from: k8s, terraform"
    )
