"""Documents that ask for too much: refused by name, before anything is asked of the database."""

import json
import time

import pytest

from .client import GRAPHQL, JSON, PATH, Answer, Caller, assert_not_executed
from .statements import Statements

pytestmark = pytest.mark.orders

TOKENS, DEPTH, WIDTH, ALIASES, COST = 1_000, 10, 20, 30, 10_000


def nested(levels: int) -> str:
    """A query `levels` fields deep, through the relations and back."""
    hops = [
        "orders(first: 1) {{ {} }}", "edges {{ {} }}", "node {{ {} }}",
        "customer {{ {} }}",
    ]  # fmt: skip
    inner = "__typename"
    for level in reversed(range(levels - 1)):
        inner = hops[level % 4].format(inner)
    return f"{{ {inner} }}"


def wide(fields: int, field: str = "customers(first: 1) { edges { cursor } }") -> str:
    """A query of so many root fields, each under a name of its own."""
    return "{ " + " ".join(f"f{n}: {field}" for n in range(fields)) + " }"


def doubling(levels: int, leaf: str) -> str:
    """Fragments of which each spreads the next twice: 2^levels fields from a few lines."""
    fragments = [f"fragment F{n} on Customer {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    last = f"fragment F{levels} on Customer {{ {leaf} }}"
    root = "{ customers(first: 1) { edges { node { ...F0 } } } }"
    return " ".join([root, *fragments, last])


LIST = "{ edges { cursor } }"
BOMBS: dict[str, tuple[str, str]] = {
    "tokens": ("document-too-large", "{ " + "customers { edges { cursor } } " * 150 + "}"),
    "a long list of arguments": (
        "document-too-large",
        "{ orders(filter: {" + "status: pending " * 600 + "}) " + LIST + " }",
    ),
    "tokens in a list": (
        "document-too-large",
        "mutation { createOrder(input: {items: [" + "{}" * 500 + "]}) { __typename } }",
    ),
    "deep fields": ("document-too-deep", nested(DEPTH + 1)),
    "very deep fields": ("document-too-deep", nested(60)),
    "deep fields in fragments": (
        "document-too-deep",
        (
            "{ orders(first: 1) { edges { node { ...A } } } }"
            " fragment A on Order { customer { orders(first: 1) { edges { node { ...B } } } } }"
            " fragment B on Order { customer { orders(first: 1) { edges { node { id } } } } }"
        ),
    ),
    "deep fields in inline fragments": (
        "document-too-deep",
        nested(DEPTH + 1).replace("__typename", "... { ... { __typename } }"),
    ),
    "wide": ("document-too-wide", wide(WIDTH + 1)),
    "wide through a fragment": (
        "document-too-wide",
        "{ ...F } fragment F on Query " + wide(WIDTH + 1),
    ),
    "aliases of a field": (
        "too-many-aliases",
        "{ customers { edges { node { "
        + " ".join(f"a{n}: name" for n in range(ALIASES + 1))
        + " } } } }",
    ),
    "aliases of fragments": (
        "too-many-aliases",
        "{ customers { edges { node { ...F } } } ...G }"
        " fragment G on Query { customers { edges { node { ...F } } } }"
        " fragment F on Customer { " + " ".join(f"a{n}: name" for n in range(16)) + " }",
    ),
    "aliases doubled by fragments": ("too-many-aliases", doubling(8, "x: name")),
    "aliases doubled thirty times": ("too-many-aliases", doubling(30, "x: name")),
    "fields doubled thirty times": ("document-too-costly", doubling(30, "name")),
    "nested lists": (
        "document-too-costly",
        "{ customers(first: 100) { edges { node { orders(first: 100) { edges { cursor } } } } } }",
    ),
    "nested lists at their defaults": (
        "document-too-costly",
        (
            "{ customers { edges { node { orders { edges { node { customer { orders { edges"
            " { cursor } } } } } } } } } }"
        ),
    ),
    "nested lists in a fragment": (
        "document-too-costly",
        (
            "{ customers(first: 100) { edges { node { ...C } } } }"
            " fragment C on Customer { orders(first: 100) { edges { cursor } } }"
        ),
    ),
    "many lists": (
        "document-too-costly",
        wide(20, "orders(first: 100) { edges { node { id status currency version } } }"),
    ),
    "a list within a list that has no first": (
        "document-too-costly",
        "{ orders(first: 100) { edges { node { items { sku quantity } } } } }",
    ),
}


def measured(statements: Statements, call) -> tuple[Answer, int, float]:
    """An answer, how many statements it cost, and how many seconds."""
    answers: list[Answer] = []
    started = time.monotonic()
    sent = statements.during(lambda: answers.append(call()))
    return answers[0], len(sent), time.monotonic() - started


def test_a_small_document_does_cost_statements(observed_api: Caller, statements: Statements):
    """Else nothing below would prove anything."""
    answer, sent, _ = measured(
        statements, lambda: observed_api.run("{ customers { edges { cursor } } }")
    )
    assert answer.data
    assert sent >= 1


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once_and_without_the_database(
    observed_api: Caller, statements: Statements, name: str, accept: str
):
    code, document = BOMBS[name]
    answer, sent, seconds = measured(statements, lambda: observed_api.run(document, accept=accept))
    assert_not_executed(answer, code)
    assert answer.status == (400 if accept == GRAPHQL else 200)
    assert sent == 0
    assert seconds < 1


NOTHING_ASKED = {
    "a batch": [{"query": "{ customers { edges { cursor } } }"}] * 20,
    "no JSON request": {"query": 7},
    "an invalid document": {"query": "{ customers { edges { cursor nonsense } } }"},
    "variables that do not fit": {
        "query": "query ($n: Int) { customers(first: $n) { edges { cursor } } }",
        "variables": {"n": "x"},
    },
    "an unknown operation": {
        "query": "query A { customers { edges { cursor } } }",
        "operationName": "B",
    },
    "an unknown document id": {"documentId": "sha256:" + "0" * 64},
    "an unknown hash": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
    "too large a body": {"query": "#" + "x" * 70_000},
    "a creation without its input": {"query": "mutation { createCustomer { __typename } }"},
}


@pytest.mark.parametrize("name", NOTHING_ASKED)
def test_what_is_not_executed_costs_no_statement(
    observed_api: Caller, statements: Statements, name: str
):
    answer, sent, _ = measured(statements, lambda: observed_api.send(NOTHING_ASKED[name]))
    assert answer.status >= 400
    assert sent == 0


def test_a_bomb_by_get_is_no_better(observed_api: Caller, statements: Statements):
    def get(document: str) -> Answer:
        return Answer(
            observed_api.request(
                "GET", PATH, params={"query": document}, headers={"Accept": GRAPHQL}
            )
        )

    answer, sent, _ = measured(statements, lambda: get(nested(DEPTH + 1)))
    assert_not_executed(answer, "document-too-deep")
    assert sent == 0


# At the limit and one beyond it.


@pytest.mark.parametrize(("levels", "code"), [(DEPTH, None), (DEPTH + 1, "document-too-deep")])
def test_the_depth_is_counted_in_fields(api: Caller, levels: int, code: str | None):
    answer = api.run(nested(levels))
    assert answer.data if code is None else assert_not_executed(answer, code)


@pytest.mark.parametrize(("fields", "code"), [(WIDTH, None), (WIDTH + 1, "document-too-wide")])
def test_the_width_is_counted_in_root_fields(api: Caller, fields: int, code: str | None):
    answer = api.run(wide(fields))
    assert answer.data if code is None else assert_not_executed(answer, code)


@pytest.mark.parametrize(("number", "code"), [(ALIASES, None), (ALIASES + 1, "too-many-aliases")])
def test_aliases_are_counted_wherever_they_stand(api: Caller, number: int, code: str | None):
    half = " ".join(f"a{n}: name" for n in range(number // 2))
    rest = " ".join(f"b{n}: email" for n in range(number - number // 2))
    document = f"{{ customers {{ edges {{ node {{ {half} }} }} }} ...F }}"
    document += f" fragment F on Query {{ customers {{ edges {{ node {{ {rest} }} }} }} }}"
    answer = api.run(document)
    assert answer.data if code is None else assert_not_executed(answer, code)


@pytest.mark.parametrize(("tokens", "code"), [(TOKENS, None), (TOKENS + 1, "document-too-large")])
def test_the_size_is_counted_in_tokens(api: Caller, tokens: int, code: str | None):
    operations = [f"query A{n} {{ __typename }}" for n in range(TOKENS // 5)]
    document = " ".join(operations) + " fragment" * (tokens - TOKENS)
    answer = api.send({"query": document, "operationName": "A0"})
    assert answer.data if code is None else assert_not_executed(answer, code)


def test_comments_and_commas_are_no_tokens(api: Caller):
    answer = api.run("# " + "x" * 10_000 + "\n{ __typename" + "," * 10_000 + " }")
    assert answer.data == {"__typename": "Query"}


def test_only_the_operation_that_is_named_is_measured_in_depth_and_cost(api: Caller):
    """What is not executed costs nothing, but may not hide what is."""
    deep = nested(DEPTH + 1)
    document = f"query Small {{ __typename }} query Deep {deep}"
    answer = api.send({"query": document, "operationName": "Deep"})
    assert_not_executed(answer, "document-too-deep")


# Cost.


def cost_of(answer: Answer) -> tuple[int, int]:
    extensions = assert_not_executed(answer, "document-too-costly")["extensions"]
    return extensions["cost"], extensions["limit"]


def test_the_cost_and_its_limit_are_told(api: Caller):
    cost, limit = cost_of(api.run(BOMBS["nested lists"][1]))
    assert limit == COST
    assert cost > 100 * 100


@pytest.mark.parametrize("first", [100, 60])
def test_variables_are_counted_as_they_are(api: Caller, first: int):
    literal = api.run(
        f"{{ customers(first: {first}) {{ edges {{ node {{ orders(first: 100)"
        " { edges { cursor } } } } } }"
    )
    document = (
        "query ($a: Int, $b: Int = 100) { customers(first: $a)"
        " { edges { node { orders(first: $b) { edges { cursor } } } } } }"
    )
    assert cost_of(api.run(document, {"a": first})) == cost_of(literal)
    assert cost_of(api.run(document, {"a": first, "b": 100})) == cost_of(literal)
    assert api.run(document, {"a": 2, "b": 2}).data


def test_the_default_of_first_is_counted(api: Caller):
    document = (
        "{ customers%s { edges { node { orders%s { edges { node"
        " { customer { orders%s { edges { cursor } } } } } } } } } }"
    )
    plain = cost_of(api.run(document % ("", "", "")))
    assert plain == cost_of(api.run(document % (("(first: 20)",) * 3)))
    assert api.run(document % (("(first: 1)",) * 3)).data


def test_a_first_that_is_out_of_range_makes_nothing_cheaper(api: Caller):
    deep = "{ customers(first: 100) { edges { node { orders(first: %s) { edges { cursor } } } } } }"
    for first in ("101", "1000000", "2147483647"):
        cost_of(api.run(deep % first))
    many = "{ a: customers(first: -100) { edges { cursor } } b: orders(first: 100)"
    many += " { edges { node { customer { orders(first: 100) { edges { cursor } } } } } } }"
    cost_of(api.run(many))


def test_a_skipped_field_makes_nothing_cheaper_than_it_is(api: Caller):
    document = (
        "query ($no: Boolean!) { customers(first: 100) { edges { node"
        " { orders(first: 100) @skip(if: $no) { edges { cursor } } } } } }"
    )
    cost_of(api.run(document, {"no": False}))


# Introspection has an allowance of its own.

INTROSPECTION = """
    { __schema { queryType { name } types { name fields(includeDeprecated: true) { name args
      { name type { kind name ofType { kind name ofType { kind name ofType { kind name ofType
      { kind name ofType { kind name ofType { kind name } } } } } } } } } } } }
"""


def test_the_query_of_every_tool_passes(api: Caller):
    assert api.run(INTROSPECTION).data["__schema"]["queryType"] == {"name": "Query"}


def test_introspection_is_measured_as_well(observed_api: Caller, statements: Statements):
    inner = "name"
    for _ in range(20):
        inner = f"fields {{ type {{ {inner} }} }}"
    answer, sent, seconds = measured(
        statements, lambda: observed_api.run(f"{{ __schema {{ types {{ {inner} }} }} }}")
    )
    assert_not_executed(answer, "document-too-deep")
    assert sent == 0
    assert seconds < 1


def test_measuring_does_not_take_long(api: Caller):
    """The worst that fits into a body: what is spread often is measured once."""
    started = time.monotonic()
    body = {"query": doubling(60, "x: name")}
    assert len(json.dumps(body)) < 65_536
    assert api.send(body).status == 400
    assert time.monotonic() - started < 1
