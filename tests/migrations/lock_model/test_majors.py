"""PostgreSQL 14 to 18 still do what is recorded of them: cases are traced anew.

On the newest major all that is recorded to differ between majors and a quarter of the rest, on the
others less; ``SEED=...`` takes other ones. With ``RECORD=1`` all are traced,
with the second session's tries, and ``observed.json`` is written anew.
"""

import os
import random

import pytest

from senior_backend.migrations.trace.scratch.server import Where, open_scratch
from tests.migrations.lock_model import recorded
from tests.migrations.lock_model.recorded import MAJORS, Bench, Case, Seen
from tests.migrations.lock_model.test_truth import WRONG

RECORDING = bool(os.environ.get("RECORD"))
SEED = os.environ.get("SEED") or "1"
SHARES = {18: 0.25}
OTHERS = 0.06

pytestmark = [pytest.mark.verify, pytest.mark.xdist_group("majors")]


def chosen(major: int, record: recorded.Record) -> list[Case]:
    """What to trace on a major."""
    every = recorded.cases()
    if RECORDING:
        return list(every)
    draw = random.Random(f"{SEED} {major}")
    share = SHARES.get(major, OTHERS)
    return [case for case in every if draw.random() < (1.0 if differs(case, record) else share)]


def differs(case: Case, record: recorded.Record) -> bool:
    """Whether majors that run it are recorded to do different things for it."""
    forms = {
        str(seen.as_json())
        for major in MAJORS
        if (seen := record.of(case, major)) is not None and seen.error is None
    }
    return len(forms) > 1


def news(case: Case, major: int, known: Seen | None, seen: Seen) -> list[str]:
    """What was seen and is not recorded.

    Outside a transaction locks come and go between two looks: there the model is asked.
    """
    if known is not None and seen.alone and seen.error is None:
        return [
            f"{case} on {major}: {one}"
            for agreed in recorded.agreed(case, major, seen, probed=False)
            for one in agreed.of("wrong")
            if case.sql not in WRONG
        ]
    if known is None or not recorded.same(known, seen):
        return [f"{case}: {seen.as_json()}, recorded {known and known.as_json()}"]
    return []


@pytest.mark.parametrize("major", MAJORS)
def test_the_server_does_what_is_recorded(major: int):
    record = recorded.Record() if RECORDING and not recorded.FILE.exists() else recorded.read()
    wrong = []
    with open_scratch(Where(majors=(major,))) as scratch:
        bench = Bench(scratch, probe=RECORDING)
        record.versions[major] = scratch.version
        try:
            for case in chosen(major, record):
                known, seen = record.of(case, major), bench.run(case)
                wrong += news(case, major, known, seen)
                record.seen.setdefault((case.suite, case.sql), {})[major] = seen
        finally:
            bench.close()
    if RECORDING:
        recorded.write(record)
    else:
        assert wrong == [], f"SEED={SEED}"
