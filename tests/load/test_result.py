"""The result's document: what is published of it, and what is really written."""

import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from senior_backend.load.result import Result, ThresholdResult, schema
from tests.load.test_summary import result, steady
from tests.load.windows import MS, window

PUBLISHED = Path(__file__).parents[2] / "hooks" / "senior_backend" / "schemas" / "load-result.json"

RUNS = {
    "a quiet run": result(
        steady(),
        thresholds=[
            ThresholdResult(metric="dropped", expression="count==0", value=0, passed=True),
            ThresholdResult(metric="service_time", expression="max<1", value=None, passed=False),
        ],
    ),
    "a run that failed": result(
        [(0, window(0, failures={(0, "connect refused"): [MS] * 5}))], remarks=["no luck"]
    ),
    "a run that was ended before it began": result([], duration_ns=0, interrupted=True),
    "a run that lost a worker": result(steady(3), workers=2, lost={1: "was killed"}),
}


def written(made):
    return json.loads(made.model_dump_json())


def test_the_published_schema_is_that_of_the_model():
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema(), "run `make docs`"


@pytest.mark.parametrize("run", RUNS)
def test_results_are_what_the_schema_says(run):
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(written(RUNS[run]), published)


@pytest.mark.parametrize("run", RUNS)
def test_a_result_that_was_written_can_be_read(run):
    assert Result.model_validate_json(RUNS[run].model_dump_json()) == RUNS[run]


@pytest.mark.parametrize("run", RUNS)
def test_numbers_are_json(run):
    """NaN and Infinity are not."""
    json.dumps(written(RUNS[run]), allow_nan=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"achieved_rate": float("nan")}, "finite number"),
        ({"duration_s": float("inf")}, "finite number"),
        ({"started_at": "yesterday"}, "Invalid isoformat string"),
        ({"blocks": [{"start_s": 0, "length_s": 1, "endpoints": {"a": [[8192, 1]]}}]}, "8191"),
        ({"blocks": [{"start_s": 0, "length_s": 1, "endpoints": {"a": [[5, -1]]}}]}, "or equal"),
    ],
)
def test_what_no_run_can_have_written_is_no_result(change, message):
    with pytest.raises(ValidationError, match=message):
        Result.model_validate({**written(RUNS["a quiet run"]), **change})


def test_keys_of_newer_versions_are_no_error():
    newer = {**written(RUNS["a quiet run"]), "carbon_g": 3}
    newer["total"]["carbon_g"] = 2
    jsonschema.validate(newer, schema())
    assert Result.model_validate(newer) == RUNS["a quiet run"]


def test_the_schema_says_what_fields_mean():
    fields = schema()["properties"]
    assert "a second, on average" in fields["requested_rate"]["description"]
    assert "remedy" in fields["invalid_reasons"]["description"]
