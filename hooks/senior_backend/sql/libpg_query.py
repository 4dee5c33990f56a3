"""PostgreSQL's own parser (libpg_query, through postgast): bytes in, protobuf messages out.

The only module that touches postgast, so that it can be swapped and is imported only when SQL is
parsed. It calls the shared library with bytes: postgast's own functions take ``str``, and would
encode every text once more.
"""

import ctypes
from typing import Any

from google.protobuf.message import DecodeError
from postgast.native import lib
from postgast.pg_query_pb2 import ParseResult


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
        if result.error:
            error = result.error.contents
            raise GrammarError(error.message.decode("utf-8", "replace"), error.cursorpos - 1)
        tree = result.parse_tree
        data = ctypes.string_at(tree.data, tree.len)
    finally:
        lib.pg_query_free_protobuf_parse_result(result)
    try:
        return ParseResult.FromString(data)
    except DecodeError as error:
        raise TooDeepError from error
