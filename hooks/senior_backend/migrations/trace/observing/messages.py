"""What PostgreSQL says of its own work at client_min_messages = debug1 (lc_messages = C).

Its messages name relations without their schema.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_BUILDING: Final = re.compile(r'building index "(.*)" on table "(.*)"(?: |\Z)', re.DOTALL)
_VERIFYING: Final = re.compile(r'verifying table "(.*)"\Z', re.DOTALL)
_REWRITING: Final = re.compile(r'rewriting table "(.*)"\Z', re.DOTALL)
_VALIDATING: Final = re.compile(r'validating foreign key constraint "(.*)"\Z', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Told:
    """Names of tables that were worked through; ``built`` are pairs of index and table."""

    built: tuple[tuple[str, str], ...] = ()
    verified: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()
    foreign_keys: tuple[str, ...] = ()


def read(messages: Iterable[str]) -> Told:
    """What the messages of one statement say."""
    lines = list(messages)
    return Told(
        tuple((m[1], m[2]) for m in map(_BUILDING.match, lines) if m),
        tuple(m[1] for m in map(_VERIFYING.match, lines) if m),
        tuple(m[1] for m in map(_REWRITING.match, lines) if m),
        tuple(m[1] for m in map(_VALIDATING.match, lines) if m),
    )
