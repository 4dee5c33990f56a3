"""The environment: as in REST, and what only GraphQL has."""

import pytest

from tests.contract.test_configuration import *  # noqa: F403

from .client import assert_not_executed

INVALID_LIMITS = {
    "GRAPHQL_DOCUMENTS": "some",
    "GRAPHQL_MAX_TOKENS": "0",
    "GRAPHQL_MAX_DEPTH": "deep",
    "GRAPHQL_MAX_WIDTH": "-1",
    "GRAPHQL_MAX_ALIASES": "1.5",
    "GRAPHQL_MAX_COST": "many",
}


def test_every_invalid_limit_is_named_at_once(refusal):
    output = refusal(**INVALID_LIMITS)
    assert [name for name in INVALID_LIMITS if name not in output] == []


@pytest.mark.parametrize(
    ("limits", "document", "code"),
    [
        ({"GRAPHQL_MAX_TOKENS": "5"}, "{ __typename a: __typename }", "document-too-large"),
        ({"GRAPHQL_MAX_WIDTH": "1"}, "{ __typename __schema { __typename } }", "document-too-wide"),
        ({"GRAPHQL_MAX_ALIASES": "1"}, "{ a: __typename b: __typename }", "too-many-aliases"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_limit_is_heeded(launch, calling, limits: dict[str, str], document: str, code: str):
    with launch(**limits) as service, calling(service) as api:
        assert api.run("{ __typename }").data == {"__typename": "Query"}
        assert_not_executed(api.run(document), code)


@pytest.mark.orders
def test_a_depth_and_a_cost_are_heeded(launch, calling):
    with launch(GRAPHQL_MAX_DEPTH="4", GRAPHQL_MAX_COST="30") as service, calling(service) as api:
        assert api.page("customers", first=2)
        document = "{ customers(first: 1) { edges { node { orders { __typename } } } } }"
        assert_not_executed(api.run(document), "document-too-deep")
        error = assert_not_executed(
            api.run("{ orders(first: 31) { edges { cursor } } }"), "document-too-costly"
        )
        assert error["extensions"]["limit"] == 30
        assert error["extensions"]["cost"] > 30
