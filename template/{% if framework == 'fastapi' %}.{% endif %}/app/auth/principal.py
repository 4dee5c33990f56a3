"""The caller, once believed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a verified token speaks for; `expires_at` in seconds since the epoch."""

    tenant: str
    subject: str
    scopes: frozenset[str]
    expires_at: float


class InvalidToken(Exception):
    """The token cannot be believed; `str(error)` may be shown to the caller."""
