"""The published schema: what editors are told is what the program takes."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from senior_backend.load.scenario import model, source
from senior_backend.load.scenario.model import Part
from tests.load.scenario.test_file import WHOLE

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT / "hooks/senior_backend/schemas/load-scenario.json"

LOAD = "load: {rate: 5, duration: 3s}\n"
GOOD = f"{LOAD}endpoints: [{{path: /}}]\n"


def problems(text: str) -> list[str]:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    return [error.message for error in validator.iter_errors(source.read(text, "s.yml").value)]


def test_the_published_schema_is_that_of_the_model() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == model.schema(), "run `make docs`"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(model.schema())


def parts(kind: type[Part] = Part) -> list[type[Part]]:
    return [each for below in kind.__subclasses__() for each in (below, *parts(below))]


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.__name__)
def test_every_field_has_a_description_for_editors(part: type[Part]) -> None:
    assert part.__doc__
    for name, field in part.model_fields.items():
        assert field.description, name


def test_times_and_sizes_have_defaults_as_people_write_them() -> None:
    defaults = model.schema()["$defs"]["Timeouts"]["properties"]
    assert {key: value["default"] for key, value in defaults.items()} == {
        "connect": "5s",
        "tls": "5s",
        "response": "30s",
    }


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        WHOLE,
        f"{GOOD}x-anchors: {{a: 1}}\n",
        f"{GOOD}headers: {{X-Version: 2, Accept: null}}\n",
        f"{GOOD}thresholds: {{http_req_failed: rate<0.01}}\n",
        f"{GOOD}connections: {{warm: 5}}\n",
        f"{LOAD}endpoints: [{{path: /, json: null, expect: {{status: 2xx}}}}]\n",
        "load: {rate: 30/m, duration: 1h30m, warm_up: 0}\nendpoints: [{path: /}]\n",
    ],
)
def test_good_scenarios_are_valid(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        LOAD,
        "endpoints: [{path: /}]\n",
        f"{GOOD}vus: 5\n",
        f"{GOOD}endpoint: []\n",
        f"{GOOD}name: [a]\n",
        f"{GOOD}connections: {{max: 0}}\n",
        f"{GOOD}connections: {{warm: all}}\n",
        f"{GOOD}timeouts: {{connect: 5}}\n",
        f"{GOOD}limits: {{body: big}}\n",
        f"{GOOD}auth: {{}}\n",
        f"{GOOD}auth: {{bearer: {{env: A, command: b}}}}\n",
        f"{GOOD}data: {{a: {{csv: a.csv, jsonl: b.jsonl}}}}\n",
        f"{GOOD}headers: {{A: true}}\n",
        f"{GOOD}thresholds: {{a: [{{window: 10s}}]}}\n",
        "load: {rate: 5}\nendpoints: [{path: /}]\n",
        "load: {rate: 5, duration: 60}\nendpoints: [{path: /}]\n",
        "load: {rate: -5, duration: 60s}\nendpoints: [{path: /}]\n",
        "load: {stages: [{duration: 60s}]}\nendpoints: [{path: /}]\n",
        "load: {stages: [{ramp_to: 5, every: 60s}]}\nendpoints: [{path: /}]\n",
        "load: {rate: 5, duration: 3s, arrivals: uniform}\nendpoints: [{path: /}]\n",
        f"{LOAD}endpoints: [{{name: a}}]\n",
        f"{LOAD}endpoints: [{{path: /, body: a, json: b}}]\n",
        f"{LOAD}endpoints: [{{path: /, weight: 0}}]\n",
        f"{LOAD}endpoints: [{{path: /, expect: {{status: 99}}}}]\n",
        f"{LOAD}endpoints: [{{path: /, capture: {{a: {{json: b}}}}}}]\n",
        f"{LOAD}flows: [{{name: a, steps: []}}]\n",
        f"{LOAD}flows: [{{name: a, steps: [{{path: /, capture: {{a: {{}}}}}}]}}]\n",
    ],
)
def test_bad_scenarios_are_not(text: str) -> None:
    assert problems(text) != []


def fragments() -> list[str]:
    """The examples of the guide, some of which are only a part of a scenario."""
    guide = (ROOT / "docs/load.md").read_text(encoding="utf-8")
    return re.findall(r"(?<!<!-- ci -->\n)```yaml\n(.*?)```", guide, re.DOTALL)


@pytest.mark.parametrize("text", fragments())
def test_the_examples_of_the_guide_are_valid(text: str) -> None:
    keys = source.read(text, "docs/load.md").value
    missing = [
        line
        for key, line in (("load", LOAD), ("endpoints", "endpoints: [{path: /}]\n"))
        if key not in keys
    ]
    assert problems("".join([*missing, text])) == []


def described(value: Any) -> list[str]:
    """Every description in the schema."""
    if isinstance(value, dict):
        own = [value["description"]] if isinstance(value.get("description"), str) else []
        return own + [text for each in value.values() for text in described(each)]
    return [text for each in value for text in described(each)] if isinstance(value, list) else []


def test_descriptions_are_short_enough_for_a_tooltip() -> None:
    assert max(len(text) for text in described(model.schema())) <= 140
