"""The parser without ``import postgast``: the same trees, at a fraction of the time."""

import subprocess
import sys

import pytest

SQL = "CREATE TABLE a (id bigint PRIMARY KEY, b text DEFAULT 'x' || now()); SELECT 1 FROM a WHERE b"
TREE = f"""
from senior_backend.sql import libpg_query
tree = libpg_query.parse({SQL!r}.encode())
"""


def output(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_postgast_and_the_slow_parts_of_protobuf_are_not_imported():
    slow = ["postgast", "google.protobuf.descriptor_pb2"]
    code = f"import sys{TREE}print([name for name in {slow} if name in sys.modules])"
    assert output(code) == "[]"


def test_the_trees_are_those_of_postgast():
    theirs = f"import postgast; tree = postgast.parse({SQL!r})"
    show = "; print(tree.SerializeToString().hex()); print(tree)"
    assert output(TREE.strip() + show) == output(theirs + show)


def test_with_protobuf_in_pure_python_the_classes_are_those_of_postgast(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
    code = f"import sys{TREE}print('postgast' in sys.modules, len(tree.stmts))"
    assert output(code) == "True 2"
