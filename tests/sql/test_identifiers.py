"""Names as SQL text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senior_backend.sql.identifiers import is_reserved, quote_identifier
from tests.sql.test_read import script


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("users", "users"),
        ("a$1", "a$1"),
        ("Users", '"Users"'),
        ("user", '"user"'),
        ("order", '"order"'),
        ("name", "name"),
        ("1a", '"1a"'),
        ("a b", '"a b"'),
        ('a"b', '"a""b"'),
        ("é", '"é"'),
        ("", '""'),
    ],
)
def test_names_are_quoted_only_where_needed(name: str, quoted: str) -> None:
    assert quote_identifier(name) == quoted


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=15))
def test_a_quoted_name_means_the_name(name: str) -> None:
    [statement] = script(f"DROP TABLE {quote_identifier(name)}").statements
    assert statement.node.objects[0].list.items[0].string.sval == name


def test_reserved_words_are_those_of_the_grammar() -> None:
    from postgast import pg_query_pb2, scan

    words = {token.lower().removesuffix("_p") for token in pg_query_pb2.Token.keys()}  # noqa: SIM118 - not a mapping
    for word in sorted(word for word in words if word.isidentifier()):
        [token, *rest] = scan(word).tokens
        if not rest and token.keyword_kind:
            not_reserved = token.keyword_kind == pg_query_pb2.UNRESERVED_KEYWORD
            assert is_reserved(word) is not not_reserved, word
