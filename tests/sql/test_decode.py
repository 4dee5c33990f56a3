"""Files as bytes: what is SQL text and what is refused with its line."""

import pytest

from senior_backend.errors import InputError
from senior_backend.sql import decode, read


def test_a_byte_order_mark_is_no_part_of_the_sql() -> None:
    text = decode("m.sql", b"\xef\xbb\xbfSELECT 1")
    [statement] = read(text).statements
    assert (statement.start, statement.sql) == (0, "SELECT 1")
    assert text.file_offset(statement.start) == 3


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", "-- é\n".encode()])
def test_empty_files_and_utf8_are_read(data: bytes) -> None:
    assert not read(decode("m.sql", data)).unparsed


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("SELECT 1".encode("utf-16"), "m.sql:1: the file is UTF-16, not UTF-8: convert it"),
        (b"\xfe\xff\0S", "m.sql:1: the file is UTF-16, not UTF-8: convert it"),
        ("SELECT 1".encode("utf-32"), "m.sql:1: the file is UTF-32, not UTF-8: convert it"),
        (b"a\nb\0c", "m.sql:2: a zero byte: this is a binary file, not SQL"),
        (b"a\n\nb \xe9 c", "m.sql:3: byte 0xe9 is not UTF-8: convert the file"),
    ],
)
def test_other_files_are_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        decode("m.sql", data)
    assert str(caught.value) == message
