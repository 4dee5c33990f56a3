"""What `copier copy` asks: defaults that work, refusals that say what to type instead."""

import json
import tomllib
from pathlib import Path

import pytest
import yaml
from copier import run_copy
from jinja2.sandbox import SandboxedEnvironment

from tests.fixtures.template import ROOT, copier
from tests.template.trees import OPTIONS, TREES

QUESTIONS = {
    name: question
    for name, question in yaml.safe_load((ROOT / "copier.yml").read_text()).items()
    if not name.startswith("_")
}


@pytest.fixture
def refusal(copie, template_folder: Path):
    """``refusal(question="answer")``: the message of a copy that must fail."""

    def refuse(**answers: str) -> str:
        result = copie.copy(extra_answers=answers, template_dir=template_folder)
        assert result.exit_code != 0
        return str(result.exception)

    return refuse


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Payments", "Use lower-case letters"),
        ("payments_api", "Use lower-case letters"),
        ("-payments", "Use lower-case letters"),
        ("payments-", "Use lower-case letters"),
        ("payments--api", "Use lower-case letters"),
        ("7payments", "Use lower-case letters"),
        ("payments api", "Use lower-case letters"),
        ("../payments", "Use lower-case letters"),
        ("payménts", "Use lower-case letters"),
        ("payments\n", "Use lower-case letters"),
        ("", "Use lower-case letters"),
        ("a" * 41, "at most 40 characters (41 given)"),
    ],
)
def test_a_name_that_is_no_slug(refusal, name: str, message: str):
    assert message in refusal(project_name=name)


@pytest.mark.parametrize(
    ("answer", "value", "message"),
    [
        ("description", " ", "Say in a few words what the service does"),
        ("description", "two\nlines", "Keep the description on one line"),
        ("description", "x" * 201, "at most 200 characters (201 given)"),
        ("author", "", "Name a person or an organisation"),
        ("author", "Ada\tLovelace", "Keep the author on one line"),
        ("author", "x" * 101, "at most 100 characters (101 given)"),
    ],
)
def test_text_that_would_break_a_file(refusal, answer: str, value: str, message: str):
    assert message in refusal(**{answer: value})


def refused_module(module: str) -> str:
    """What the question says of an answer, without a copy for each."""
    environment = SandboxedEnvironment(
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    )
    validator = environment.from_string(QUESTIONS["go_module"]["validator"])
    return validator.render(go_module=module).strip()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("", "Begin with a host name"),
        ("payments", "Begin with a host name"),
        ("net/http", "Begin with a host name"),
        ("Example.com/payments", "Begin with a host name"),
        ("-example.com/payments", "Begin with a host name"),
        ("example.com/", "Begin with a host name"),
        ("example.com//payments", "Begin with a host name"),
        ("example.com/pay ments", "Begin with a host name"),
        ("example.com/payments.", "Begin with a host name"),
        ("example.com/../payments", "Begin with a host name"),
        ("https://example.com/payments", "Begin with a host name"),
        ("example.com/payments\n", "Begin with a host name"),
        ('example.com/pay"ments', "Begin with a host name"),
        ("example.com/payments/v1", "from /v2 on only"),
        ("example.com/payments/v02", "from /v2 on only"),
        ("example.com/" + "x" * 200, "at most 200 characters (212 given)"),
    ],
)
def test_a_module_that_go_would_refuse(module: str, message: str):
    assert message in refused_module(module)


@pytest.mark.parametrize(
    "module", ["example.com", "github.com/Acme/payments_api", "git.example.com/a/b.c/v2", "g.co/~x"]
)
def test_a_module_that_go_takes(module: str):
    assert refused_module(module) == ""


def test_the_module_is_where_the_service_imports_from(refusal, copie, template_folder: Path):
    assert "Begin with a host name" in refusal(framework="go", go_module="payments")
    module = "github.com/acme/payments"
    answers = {"framework": "go", "go_module": module}
    service = copie.copy(extra_answers=answers, template_dir=template_folder).project_dir
    assert (service / "go.mod").read_text().startswith(f"module {module}\n")
    (program,) = (service / "cmd").glob("*/main.go")
    assert f'"{module}/internal/' in program.read_text()


@pytest.mark.parametrize("question", ["framework", *OPTIONS])
def test_a_choice_that_does_not_exist(refusal, question: str):
    assert f"Invalid choice for '{question}'" in refusal(**{question: "rails"})


def test_a_refused_copy_writes_nothing(tmp_path: Path, template_repository: Path):
    directory = tmp_path / "svc"
    result = copier("copy", "--defaults", "--data", "ci=jenkins", template_repository, directory)
    assert result.returncode != 0
    assert "'jenkins' is not in ['github', 'gitlab', 'none']" in result.stderr
    assert not directory.exists()


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("payments-api", "payments-api"),
        ("svc2", "svc2"),
        ("My Service", "my-service"),
        ("payments_api", "my-service"),
    ],
)
def test_the_folder_gives_the_name_where_it_can(
    tmp_path: Path, template_folder: Path, folder: str, name: str
):
    service = tmp_path / folder
    run_copy(str(template_folder), service, defaults=True, quiet=True)
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert answers["project_name"] == name
    assert answers["author"] == f"The {name} authors"


def test_a_copy_into_the_current_folder_takes_its_name(tmp_path: Path, template_repository: Path):
    folder = tmp_path / "orders-api"
    folder.mkdir()
    result = copier("copy", "--defaults", template_repository, ".", cwd=folder)
    assert result.returncode == 0, result.stderr
    answers = yaml.safe_load((folder / ".copier-answers.yml").read_text())
    assert answers["project_name"] == "orders-api"


@pytest.mark.parametrize(
    "text",
    [
        '"It\'s" a "quoted" thing, naïve café, 日本語, 🦜 \\n \\u0041 \\',
        "{{ not_jinja }} {% raw %} {# none #} </script><b>",
        "# hash: colon, [brackets], {braces} & *stars* | > @ `ticks` %",
        "$HOME $(HOME) ${HOME} `id`",
        "- yes",
    ],
)
@pytest.mark.parametrize("framework", TREES)
def test_any_single_line_of_text_gives_files_that_parse(
    copie, template_folder: Path, framework: str, text: str
):
    answers = {"framework": framework, "description": text, "author": text, "license": "MIT"}
    service = copie.copy(extra_answers=answers, template_dir=template_folder).project_dir
    for path in service.rglob("*"):
        if path.suffix in {".yml", ".yaml"}:
            yaml.safe_load(path.read_text())
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".toml":
            tomllib.loads(path.read_text())
        elif path.suffix == ".py":
            compile(path.read_text(), path, "exec")
    assert text in (service / "LICENSE").read_text()
    assert text in (service / "README.md").read_text()
    assert described_as(service) == text


def described_as(service: Path) -> str:
    """What the files of its language say that the service does."""
    if (service / "package.json").exists():
        about = (service / "src" / "about.ts").read_text()
        constant = about.partition("DESCRIPTION = ")[2].partition(";\n")[0]
        described = json.loads((service / "package.json").read_text())["description"]
        assert json.loads(constant) == described
        return described
    if (service / "go.mod").exists():
        about = (service / "internal" / "about" / "about.go").read_text()
        constant = about.partition("Description = ")[2].partition("\n")[0]
        return json.loads(constant)
    pyproject = tomllib.loads((service / "pyproject.toml").read_text())
    return pyproject["project"]["description"]


def test_every_question_has_a_default_and_a_help_that_teaches():
    for name, question in QUESTIONS.items():
        assert "default" in question, f"{name}: `copier update --defaults` would stop"
        if question.get("when") is not False:
            assert len(question["help"]) > 40, f"{name}: the help does not teach"
            for line in question["help"].splitlines():
                assert len(line) <= 75, f"{name}: a terminal of 80 columns cuts {line!r}"


def test_the_choices_are_those_that_the_tests_cover():
    offered = {
        name: set(question["choices"].values())
        for name, question in QUESTIONS.items()
        if "choices" in question
    }
    assert offered == {"framework": set(TREES)} | {
        option: set(choices) for option, choices in OPTIONS.items()
    }


def test_the_next_steps_are_printed(tmp_path: Path, template_repository: Path):
    result = copier("copy", "--defaults", template_repository, tmp_path / "payments-api")
    assert "payments-api is ready" in result.stderr
    assert "make setup" in result.stderr


def test_nothing_in_the_template_needs_trust():
    settings = yaml.safe_load((ROOT / "copier.yml").read_text())
    assert not {"_tasks", "_jinja_extensions", "_migrations"} & settings.keys()
