"""Conditional requests: RFC 9110, section 13."""

import pytest
from fastapi import Request

from app.http.preconditions import check_match, is_not_modified
from app.http.problems import Problem


def request(name: str, *values: str) -> Request:
    headers = [(name.encode(), value.encode("latin-1")) for value in values]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (['"3"'], None),
        (["*"], None),
        ([" * "], None),
        (['"1", "3"'], None),
        (['"1","2" ,"3",'], None),
        (['"1"', '"3"'], None),
        (['"2"'], 412),
        (['W/"3"'], 412),
        (["3"], 412),
        (['"3'], 412),
        (['"3", x'], 412),
        ([""], 412),
        ([], 428),
    ],
)
def test_if_match_compares_strongly(values: list[str], status: int | None) -> None:
    if status is None:
        check_match(request("if-match", *values), '"3"', required=True)
    else:
        with pytest.raises(Problem) as refusal:
            check_match(request("if-match", *values), '"3"', required=True)
        assert refusal.value.kind.status == status


@pytest.mark.parametrize(
    ("values", "fresh"),
    [
        (['"3"'], True),
        (['W/"3"'], True),
        (["*"], True),
        (['"1", W/"3"'], True),
        (['"1"', '"3"'], True),
        (['"a,b", "3"'], True),
        (['"1"'], False),
        (["3"], False),
        ([], False),
    ],
)
def test_if_none_match_compares_weakly(values: list[str], fresh: bool) -> None:
    assert is_not_modified(request("if-none-match", *values), '"3"') is fresh


def test_a_long_malformed_list_costs_no_time() -> None:
    with pytest.raises(Problem):
        check_match(request("if-match", '"1" ' * 5000 + "x"), '"3"')
