"""Reading a ``.env.example``: its entries, also those commented out, and the lines in error."""

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*=\s*(.*)$")
_COMMENTED = re.compile(r"\s*#+\s*(?:export\s+)?([A-Za-z_]\w*)=")
_NAME = re.compile(r"\s*(?:export\s+)?([^=]*?)\s*=")


@dataclass(frozen=True, slots=True)
class Entry:
    """A variable that the file documents. ``active`` is false when it is commented out."""

    name: str
    line: int
    active: bool


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that no reader of such files understands, and why."""

    line: int
    reason: str


def parse(text: str) -> tuple[list[Entry], list[Malformed]]:
    """The entries of an environment file and its malformed lines, in their order.

    Values may be quoted and then span lines, as the dotenv libraries allow.
    """
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    lines = text.removeprefix("\ufeff").split("\n")
    number = 0
    while number < len(lines):
        line, number = lines[number].rstrip("\r"), number + 1
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            if commented := _COMMENTED.match(line):
                entries.append(Entry(commented[1], number, active=False))
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            malformed.append(Malformed(number, _reason(line)))
            continue
        entries.append(Entry(entry[1], number, active=True))
        quote = entry[2][:1]
        if quote in ("'", '"') and not _closes(entry[2][1:], quote):
            end = next((n for n in range(number, len(lines)) if _closes(lines[n], quote)), None)
            if end is None:
                malformed.append(Malformed(number, f"the quote {quote} is never closed"))
            else:
                number = end + 1
    return entries, malformed


def _closes(text: str, quote: str) -> bool:
    return quote in re.sub(r"\\.", "", text)


def _reason(line: str) -> str:
    named = _NAME.match(line)
    if named is None:
        return "no '=' after the name"
    if not named[1]:
        return "no name before the '='"
    return f"'{named[1]}' is not a variable name (letters, digits and underscores)"
