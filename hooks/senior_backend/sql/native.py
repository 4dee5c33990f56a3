"""What postgast's wheel is for, without importing postgast: its library, and the classes of trees.

``import postgast`` makes a class for every message twice over and takes longer than everything
else that a hook does for one file. Two files of the wheel are enough: libpg_query itself, and the
descriptor of its messages.
"""

import ctypes
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from ctypes import POINTER, Structure, c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import Any, Final

_LIBRARIES: Final = {"darwin": "libpg_query.dylib", "win32": "pg_query.dll"}
_DESCRIPTORS: Final = "pg_query.desc"
_ROOT: Final = "ParseResult"


class Error(Structure):
    """``PgQueryError``; ``cursorpos`` counts bytes from 1."""

    _fields_ = (
        ("message", c_char_p),
        ("funcname", c_char_p),
        ("filename", c_char_p),
        ("lineno", c_int),
        ("cursorpos", c_int),
        ("context", c_char_p),
    )


class Protobuf(Structure):
    """``PgQueryProtobuf``: bytes that may hold NUL."""

    _fields_ = (("len", c_size_t), ("data", c_void_p))


class Tree(Structure):
    """``PgQueryProtobufParseResult``."""

    _fields_ = (("parse_tree", Protobuf), ("stderr_buffer", c_char_p), ("error", POINTER(Error)))


class JsonTree(Structure):
    """``PgQueryParseResult``."""

    _fields_ = (("parse_tree", c_char_p), ("stderr_buffer", c_char_p), ("error", POINTER(Error)))


class Split(Structure):
    """``PgQuerySplitResult``."""

    _fields_ = (
        ("stmts", c_void_p),
        ("n_stmts", c_int),
        ("stderr_buffer", c_char_p),
        ("error", POINTER(Error)),
    )


class Deparsed(Structure):
    """``PgQueryDeparseResult``."""

    _fields_ = (("query", c_char_p), ("error", POINTER(Error)))


def _directory() -> Path:
    """Where postgast is installed.

    Raises:
        ModuleNotFoundError: nowhere.
    """
    spec = importlib.util.find_spec("postgast")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'postgast'", name="postgast")
    return Path(spec.submodule_search_locations[0])


def _library(directory: Path) -> Any:  # noqa: ANN401 - functions are attributes
    path = directory / _LIBRARIES.get(sys.platform, "libpg_query.so")
    if not path.is_file():  # the system's own: postgast knows where to look
        path = Path(importlib.import_module("postgast.native").lib._name)
    library = ctypes.CDLL(str(path))
    for name, argument, result in (
        ("pg_query_parse_protobuf", c_char_p, Tree),
        ("pg_query_parse", c_char_p, JsonTree),
        ("pg_query_split_with_parser", c_char_p, Split),
        ("pg_query_deparse_protobuf", Protobuf, Deparsed),
        ("pg_query_free_protobuf_parse_result", Tree, None),
        ("pg_query_free_parse_result", JsonTree, None),
        ("pg_query_free_split_result", Split, None),
        ("pg_query_free_deparse_result", Deparsed, None),
    ):
        function = getattr(library, name)
        function.argtypes, function.restype = [argument], result
    return library


def _parse_result(directory: Path) -> Any:  # noqa: ANN401 - a generated message class
    """The class ``ParseResult``; those of the nodes in it are made when one is met.

    protobuf's own way to it (``descriptor_pool``, ``message_factory``) imports its implementation
    in pure Python as well, even where that is not in use.
    """
    try:
        runtime = importlib.import_module("google._upb._message")
        message = importlib.import_module("google.protobuf.message")
        chosen = importlib.import_module("google.protobuf.internal.api_implementation").Type()
        if chosen == "upb":
            pool = runtime.DescriptorPool()
            for file in _files((directory / _DESCRIPTORS).read_bytes()):
                pool.AddSerializedFile(file)
            descriptor = pool.FindMessageTypeByName(f"pg_query.{_ROOT}")
            members = {"DESCRIPTOR": descriptor, "__module__": __name__}
            return runtime.MessageMeta(_ROOT, (message.Message,), members)
    except (ImportError, AttributeError, TypeError):
        pass  # a protobuf without that extension, or one in which it is another
    return importlib.import_module("postgast.pg_query_pb2").ParseResult


def _files(descriptors: bytes) -> Iterator[bytes]:
    """The files of a ``FileDescriptorSet``: its only field, each as tag, length and bytes."""
    at = 0
    while at < len(descriptors):
        at += 1
        size = shift = 0
        while True:
            byte = descriptors[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield descriptors[at : at + size]
        at += size


_INSTALLED: Final = _directory()

lib: Final = _library(_INSTALLED)
ParseResult: Final = _parse_result(_INSTALLED)
