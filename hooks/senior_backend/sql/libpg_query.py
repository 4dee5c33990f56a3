"""PostgreSQL's own parser (libpg_query, from postgast): bytes in, protobuf messages out.

With ``native`` the only module that touches postgast, so that it can be swapped and is imported
only when SQL is parsed. It calls the shared library with bytes: postgast's own functions take
``str``, and would encode every text once more.
"""

import ctypes
import json
import sys
from typing import Any

from google.protobuf.message import DecodeError

from senior_backend.sql.native import ParseResult, Protobuf, lib

_RECURSION = 200_000
_LONGEST_LITERAL = 1 << 20


class GrammarError(Exception):
    """PostgreSQL's grammar refuses the text. ``offset``: byte of the text, -1 when unknown."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class TooDeepError(Exception):
    """The parse tree is nested deeper than can be read back."""


def parse(sql: bytes) -> Any:  # noqa: ANN401 - a generated message class
    """The ``ParseResult`` of a text without NUL bytes that is known to be shallow enough.

    Raises GrammarError, or TooDeepError when the tree cannot be read back.
    """
    result = lib.pg_query_parse_protobuf(sql)
    try:
        _check(result)
        tree = result.parse_tree
        data = ctypes.string_at(tree.data, tree.len)
    finally:
        lib.pg_query_free_protobuf_parse_result(result)
    try:
        return ParseResult.FromString(data)
    except DecodeError as error:
        raise TooDeepError from error


def parse_deep(sql: bytes) -> Any:  # noqa: ANN401 - a generated message class
    """The same tree as ``parse``, by way of JSON: protobuf reads 100 levels at most, this does not.

    Some hundred times slower.
    """
    from google.protobuf import json_format

    result = lib.pg_query_parse(sql)
    try:
        _check(result)
        content = result.parse_tree
    finally:
        lib.pg_query_free_parse_result(result)
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, _RECURSION))
    try:
        return json_format.ParseDict(
            json.loads(content), ParseResult(), max_recursion_depth=_RECURSION
        )
    except (RecursionError, ValueError, json_format.ParseError) as error:
        raise TooDeepError from error
    finally:
        sys.setrecursionlimit(usual)


def check(sql: bytes) -> None:
    """Raise GrammarError for what ``parse`` would refuse: without a tree, some ten times faster."""
    result = lib.pg_query_split_with_parser(sql)
    try:
        _check(result)
    finally:
        lib.pg_query_free_split_result(result)


def constant_string(expression: bytes) -> bytes | None:
    """The value of an expression that is one string literal; None for any other."""
    if len(expression) > _LONGEST_LITERAL or expression[:1] not in b"'$eEuU":
        return None
    try:
        tree = parse(b"SELECT " + expression)
    except (GrammarError, TooDeepError):
        return None
    select = tree.stmts[0].stmt.select_stmt
    if len(tree.stmts) != 1 or len(select.target_list) != 1:
        return None
    value = select.target_list[0].res_target.val
    if value.WhichOneof("node") != "a_const" or value.a_const.WhichOneof("val") != "sval":
        return None
    content: str = value.a_const.sval.sval
    return content.encode()


def deparse_expression(node: Any) -> str:  # noqa: ANN401
    """The SQL of an expression's ``Node``, as PostgreSQL's grammar reads it back.

    Raises GrammarError for a tree that cannot be written as SQL.
    """
    tree = ParseResult(version=180_000)
    select = tree.stmts.add().stmt.select_stmt
    select.target_list.add().res_target.val.CopyFrom(node)
    select.limit_option = 1
    select.op = 1
    data = tree.SerializeToString()
    buffer = ctypes.create_string_buffer(data, len(data))
    pointer = ctypes.cast(buffer, ctypes.c_void_p).value
    result = lib.pg_query_deparse_protobuf(Protobuf(len=len(data), data=pointer))
    try:
        if result.error:
            raise GrammarError(result.error.contents.message.decode("utf-8", "replace"), -1)
        sql: str = result.query.decode("utf-8", "replace")
    finally:
        lib.pg_query_free_deparse_result(result)
    return sql.removeprefix("SELECT ")


def _check(result: Any) -> None:  # noqa: ANN401 - a ctypes structure
    if result.error:
        error = result.error.contents
        raise GrammarError(error.message.decode("utf-8", "replace"), error.cursorpos - 1)
