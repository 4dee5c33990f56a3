"""Texts that match a regular expression: for the simple formats that CHECK constraints ask for."""

from dataclasses import dataclass
from typing import Final

_DIGITS: Final = "0123456789"
_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_UPPER: Final = _LOWER.upper()
_CLASSES: Final = {"d": _DIGITS, "w": _LOWER + _DIGITS, "s": " "}
_POSIX: Final = {
    "alpha": _LOWER + _UPPER, "digit": _DIGITS, "alnum": _LOWER + _DIGITS, "lower": _LOWER,
    "upper": _UPPER, "space": " ", "xdigit": _DIGITS + "abcdef", "punct": "-",
}  # fmt: skip
_ALL: Final = _LOWER + _DIGITS
_MANY: Final = 8
"""Repetitions of what may be repeated without end: enough for many distinct texts."""


class TooComplexError(ValueError):
    """The expression uses what is not understood here."""


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        taken = self.peek()
        self.at += 1
        return taken


def positions(expression: str) -> list[str]:
    """For each character of a matching text, those that it may be.

    Takes the first of alternatives. Raises ``TooComplexError`` for look-around, back references and
    the like.
    """
    reader = _Reader(expression)
    found = _alternatives(reader)
    if reader.at < len(expression):
        raise TooComplexError(expression)
    return found


def _alternatives(reader: _Reader) -> list[str]:
    first = _sequence(reader)
    while reader.peek() == "|":
        reader.take()
        _sequence(reader)
    return first


def _sequence(reader: _Reader) -> list[str]:
    found: list[str] = []
    while reader.peek() not in ("", "|", ")"):
        atom = _atom(reader)
        found += atom * _times(reader)
    return found


def _atom(reader: _Reader) -> list[str]:
    character = reader.take()
    if character in "^$":
        return []
    if character == "(":
        if reader.peek() == "?":
            reader.take()
            if reader.take() != ":":
                raise TooComplexError(reader.text)
        inner = _alternatives(reader)
        if reader.take() != ")":
            raise TooComplexError(reader.text)
        return inner
    if character == "[":
        return [_bracket(reader)]
    if character == ".":
        return [_ALL]
    if character == "\\":
        return [_escaped(reader)]
    if character in "*+?{":
        raise TooComplexError(reader.text)
    return [character]


def _escaped(reader: _Reader) -> str:
    character = reader.take()
    if character in _CLASSES:
        return _CLASSES[character]
    if not character or character.isalnum():
        raise TooComplexError(reader.text)
    return character


def _bracket(reader: _Reader) -> str:
    negated = reader.peek() == "^"
    if negated:
        reader.take()
    members = ""
    while reader.peek() != "]" or not members:
        character = reader.take()
        if not character:
            raise TooComplexError(reader.text)
        if character == "[" and reader.peek() == ":":
            end = reader.text.find(":]", reader.at)
            name = reader.text[reader.at + 1 : end]
            if end < 0 or name not in _POSIX:
                raise TooComplexError(reader.text)
            members += _POSIX[name]
            reader.at = end + 2
        elif character == "\\":
            members += _escaped(reader)
        elif reader.peek() == "-" and reader.text[reader.at + 1 : reader.at + 2] not in ("", "]"):
            reader.take()
            last = reader.take()
            members += "".join(map(chr, range(ord(character), min(ord(last), 0x7E) + 1)))
        else:
            members += character
    reader.take()
    if negated:
        members = "".join(c for c in _ALL + _UPPER + "-_ " if c not in members)
    if not members:
        raise TooComplexError(reader.text)
    return "".join(dict.fromkeys(members))


def _times(reader: _Reader) -> int:
    """How often to repeat: as often as must be, some more where there is no end."""
    sign = reader.peek()
    if sign in ("*", "+"):
        reader.take()
        times = _MANY
    elif sign == "?":
        reader.take()
        times = 0
    elif sign == "{":
        end = reader.text.find("}", reader.at)
        low, comma, high = reader.text[reader.at + 1 : end].partition(",")
        if end < 0 or not low.isdigit():
            raise TooComplexError(reader.text)
        reader.at = end + 1
        times = int(low) if not comma else max(int(low), min(_MANY, int(high or _MANY)))
    else:
        return 1
    if reader.peek() == "?":
        reader.take()
    return times
