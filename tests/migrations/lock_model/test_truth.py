"""The lock model says what PostgreSQL 14 to 18 were seen to do, or that it does not know.

``observed.json`` holds what was seen (``recorded.py`` says how). Every difference stands here with
its reason, and a line here that no longer happens fails as well.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from senior_backend.migrations.trace.agreement import Comparison
from tests.migrations.lock_model import recorded
from tests.migrations.lock_model.recorded import MAJORS, Case

RECORD = recorded.read()

ROWS = "which rows there are decides which partitions and foreign keys are looked at"
SEQUENCE = "the model does not follow uses of sequences"
QUERY = "the model does not look into the queries of policies, rules and functions"
NOTHING = "nothing is to be done: it is so already"

WRONG: dict[str, tuple[str, tuple[str, ...], tuple[int, ...]]] = {
    "alter index orders_note depends on extension citext": (
        "not modelled: it locks the index, so the planner of every query waits",
        ("orders: blocks said nothing, seen reads and writes",),
        MAJORS,
    ),
    "drop rule if exists missing on bare": (
        "the replay keeps no rules", ("bare: lock said ACCESS EXCLUSIVE, seen none",), MAJORS
    ),
    "alter table bare owner to current_user": (
        NOTHING, ("owned_numbers: lock said ACCESS EXCLUSIVE, seen none",), MAJORS
    ),
}  # fmt: skip
"""Where the model is wrong: why, in which comparisons, on which majors."""

HARMLESS = {
    "insert into child2(id,pid,n,e) select id+1000000,pid,n,1 from child": ROWS,
    "alter table bare add column c int default nextval('numbers')": SEQUENCE,
    "alter table bare alter column n set default nextval('numbers')": SEQUENCE,
    "select nextval('numbers')": SEQUENCE,
    "select setval('numbers', 10)": SEQUENCE,
    "drop statistics stats": "the replay keeps no statistics",
    "insert into events values (1, '2020-02-02', 'x', 1)": ROWS,
    "insert into states values (1, 'a')": ROWS,
    "delete from events where day < '2020-06-01'": ROWS,
    "delete from customers": ROWS,
    "insert into hash_users values (null)": ROWS,
    "analyze only events": "ONLY is not kept",
    "alter index orders_note set tablespace pg_default": NOTHING,
    "create policy c on orders using (number in (select n from bare))": QUERY,
    "alter policy orders_policy on orders using (number in (select n from bare))": QUERY,
    "create rule c as on insert to bare do also insert into quick values (1, 'x')": QUERY,
    "create function c() returns int language sql as 'select n from bare limit 1'": QUERY,
    "create function c() returns bigint language sql begin atomic select count(*) from bare; end": (
        QUERY
    ),
    "create procedure c() language sql as 'delete from bare'": QUERY,
    "explain select * from bare": QUERY,
    "alter trigger orders_trigger on orders depends on extension citext": "not modelled",
    "create publication c for table only parent": "ONLY is not kept",
    "alter publication changes set table orders": "the replay keeps no publications",
}
"""Where it says another lock than was seen, and neither keeps anybody waiting."""

UNKNOWN = {
    "the plan of the query": 13,
    "the plan of its query": 11,
    "outside a transaction: released before it could be seen": 7,
    "how much of it was vacuumed before": 6,
    "no migration shows what creates it": 5,
    "the access method that it has now": 3,
    "the tablespace in which it is now": 2,
    "what the triggers of orders do": 2,
    "whether a CHECK excludes the other bounds": 1,
    "whether its CHECK constraints prove the bound": 1,
    "whether its foreign key has an index": 1,
}
"""What the answer "not known" depends on, and for how many cases."""


def compared(case: Case, major: int, verdict: str) -> Iterator[Comparison]:
    """The comparisons that ended so; none where the server refused the case."""
    seen = RECORD.of(case, major)
    if seen is None or seen.error is not None:
        return
    for agreed in recorded.agreed(case, major, seen):
        yield from (one for one in agreed.comparisons if one.verdict == verdict)


@pytest.mark.parametrize("case", recorded.cases(), ids=str)
def test_the_model_says_what_was_seen(case: Case):
    _, lines, majors = WRONG.get(case.sql, ("", (), ()))
    for major in MAJORS:
        wrong = sorted(map(str, compared(case, major, "wrong")))
        assert wrong == (sorted(lines) if major in majors else []), f"on {major}"


def test_other_locks_than_were_said_keep_nobody_waiting_and_are_known():
    found = {
        case.sql
        for case in recorded.cases()
        if any(any(compared(case, major, "harmless")) for major in MAJORS)
    }
    assert found == set(HARMLESS)


def test_what_is_not_known_says_on_what_it_depends():
    found = Counter(
        why
        for case in recorded.cases()
        for why in {one.why for major in MAJORS for one in compared(case, major, "unknown")}
    )
    assert found == UNKNOWN


def test_hardly_anything_is_unknown():
    verdicts = Counter(
        verdict
        for case in recorded.cases()
        for major in MAJORS
        for verdict in ("equal", "unknown", "wrong")
        for _ in compared(case, major, verdict)
    )
    assert verdicts["unknown"] < 0.02 * verdicts["equal"]


def test_every_case_is_recorded_on_every_major():
    missing = [
        f"{case.sql} on {major}"
        for case in recorded.cases()
        for major in MAJORS
        if RECORD.of(case, major) is None
    ]
    assert missing == [], "RECORD=1 with test_majors.py records them"
    assert sorted(RECORD.versions) == list(MAJORS)
