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
    (INTERRUPTED, (HOLDS,), "INTERRUPTED", "interrupted after 1 s of 2 s; the threshold holds"),
    (INTERRUPTED, (), "INTERRUPTED", "interrupted after 1 s of 2 s"),
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


def test_an_invalid_run_is_invalid_whatever_its_thresholds_say():
    made = results.invalid()
    found = verdict(made.model_copy(update={"thresholds": [HOLDS, FAILS], "interrupted": True}))
    assert found.word == "INVALID"
    assert found.reasons == tuple(made.invalid_reasons)
