"""The bytes of a file as SQL text, or one line that says why they are none."""

import codecs

from senior_backend.errors import InputError
from senior_backend.sql.text import SqlText, Verbatim

_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(path: str, data: bytes) -> SqlText:
    """The SQL of a file in UTF-8, without its byte order mark.

    Raises InputError (``path:line: ...``) for other encodings and binary files.
    """
    for mark, encoding in _OTHER_ENCODINGS:
        if data.startswith(mark):
            raise InputError(f"{path}:1: the file is {encoding}, not UTF-8: convert it")
    skipped = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    if skipped:
        data = data[skipped:]
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise InputError(f"{path}:{line}: a zero byte: this is a binary file, not SQL")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8: convert the file"
        ) from error
    return SqlText(path, data, Verbatim(skipped)) if skipped else SqlText(path, data)
