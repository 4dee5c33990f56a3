"""PostgreSQL servers: our own throw-away and persistent ones, and those that are given to us."""

from senior_backend.postgres.databases import Databases, ExistingServer, connect_to
from senior_backend.postgres.installation import Installation
from senior_backend.postgres.server import Server, start
from senior_backend.postgres.session import Session

__all__ = [
    "Databases",
    "ExistingServer",
    "Installation",
    "Server",
    "Session",
    "connect_to",
    "start",
]
