"""What a run comes to, in one word and one sentence."""

from dataclasses import replace

import pytest

from senior_backend.load.formats.verdict import verdict
from senior_backend.load.result import ThresholdResult
from tests.load.formats import results

HOLDS = ThresholdResult(metric="dropped", expression="count==0", value=0, passed=True)
FAILS = ThresholdResult(metric="http_req_duration", expression="p(95)<200", value=250, passed=False)
ENDS = FAILS.model_copy(update={"aborted": True})
SHORT = replace(results.PASSED, seconds=2)
INTERRUPTED = replace(SHORT, interrupted=True)

CASES = [
    (SHORT, (HOLDS,), "PASSED", "the threshold holds"),
    (SHORT, (HOLDS, HOLDS), "PASSED", "all 2 thresholds hold"),
    (SHORT, (HOLDS, FAILS), "FAILED", "1 of 2 thresholds does not hold"),
    (SHORT, (FAILS, FAILS), "FAILED", "2 of 2 thresholds do not hold"),
    (SHORT, (), "MEASURED", "no threshold was set"),
    (INTERRUPTED, (HOLDS,), "INTERRUPTED", "after 1 s of 2 s; the threshold holds"),
    (INTERRUPTED, (), "INTERRUPTED", "after 1 s of 2 s"),
    (
        INTERRUPTED,
        (FAILS,),
        "FAILED",
        "interrupted after 1 s of 2 s; 1 of 1 threshold does not hold",
    ),
    (
        INTERRUPTED,
        (ENDS,),
        "FAILED",
        "stopped after 1 s of 2 s by http_req_duration: p(95)<200; 1 of 1 threshold does not hold",
    ),
]


@pytest.mark.parametrize(("traffic", "thresholds", "word", "sentence"), CASES)
def test_a_valid_run_is_what_its_thresholds_say(traffic, thresholds, word, sentence):
    found = verdict(results.result(traffic, thresholds))
    assert (found.word, found.sentence, found.reasons) == (word, sentence, ())


def test_an_interrupt_before_anything_was_measured_is_one():
    found = verdict(results.empty())
    assert (found.word, found.sentence) == (
        "INTERRUPTED",
        "in the warm-up: nothing was measured",
    )


def failed(made, count, **errors):
    """The run, with so many requests of which these failed."""
    named = {cause.replace("_", " "): number for cause, number in errors.items()}
    changes = {"count": count, "failed": sum(named.values()), "errors": named}
    return made.model_copy(update={"total": made.total.model_copy(update=changes)})


def test_a_run_without_a_success_failed_and_says_of_what():
    made = failed(results.result(SHORT, (HOLDS,)), 1_980, timeout=80, connect_refused=1_900)
    found = verdict(made)
    assert found.word == "FAILED"
    assert found.sentence == (
        "every request failed: connect refused 1,900, timeout 80; the threshold holds"
    )


def test_failures_are_told_first_where_most_of_an_invalid_run_failed():
    most = verdict(failed(results.invalid(), 1_000, a=1, b=300, c=200, d=100, e=2))
    assert most.word == "INVALID"
    assert most.sentence.startswith(
        "603 of 1,000 requests failed: b 300, c 200, d 100 and 2 more causes; these numbers must"
    )
    some = verdict(failed(results.invalid(), 1_000, a=500))
    assert some.sentence.startswith("these numbers")


def test_an_invalid_run_is_invalid_whatever_its_thresholds_say():
    made = results.invalid()
    found = verdict(made.model_copy(update={"thresholds": [HOLDS, FAILS], "interrupted": True}))
    assert found.word == "INVALID"
    assert found.reasons == tuple(made.invalid_reasons)
