"""Named parameters become the driver's numbered ones, and nothing else does."""

import pytest

from app.repositories.statement import Statement


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("select :a, :b", "select $1, $2"),
        ("select :b, :a, :b", "select $1, $2, $1"),
        ("select :a::text", "select $1::text"),
        ("select now()::date", "select now()::date"),
        ("select '12:30'::time", "select '12:30'::time"),
        ("where t=:tenant_id and (x<:x1)", "where t=$1 and (x<$2)"),
        ("select 1", "select 1"),
    ],
)
def test_parameters_are_numbered_by_their_first_occurrence(written: str, sent: str) -> None:
    assert Statement(written).sql == sent
