"""On every major the same is seen as on the newest."""

import pytest

from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.postgres import start
from tests.migrations.trace import test_tracer, test_tracer_outside, test_tracer_transactions
from tests.migrations.trace.traced import migration, prepare

STATEMENTS = [
    (test_tracer.SCHEMA, sql, "file", expected) for sql, expected in test_tracer.CASES
] + [
    (test_tracer_outside.SCHEMA, sql, "statement", expected)
    for sql, expected in test_tracer_outside.CASES
]


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
@pytest.mark.parametrize("major", range(14, 19))
def test_every_case_holds(major: int):
    with start(pg=major) as server, Tracer(server.create_database(), Settings()) as tracer:
        for schema, sql, transaction, expected in STATEMENTS:
            prepare(tracer, schema)
            seen = tracer.trace(migration(sql, transaction=transaction)).statements
            assert test_tracer.told(seen) == expected, sql
        assert test_tracer.reads(tracer) == test_tracer.READS
        for parts, outcomes in test_tracer_transactions.MODELS:
            prepare(tracer, test_tracer_transactions.SCHEMA)
            seen = tracer.trace(migration(*parts)).statements
            assert [(one.transaction, one.error) for one in seen] == outcomes, parts
