"""Why a request failed: one short stable word for each cause; ``http 503``, ``check NAME`` and
``capture NAME missing`` vary.

A failure is never a fast success: it is counted by its cause, with a histogram of its own.
"""

from typing import Final

CONNECT_REFUSED: Final = "connect refused"
CONNECT_TIMEOUT: Final = "connect timeout"
CONNECT_FAILED: Final = "connect failed"
"""The network said no in another way: unreachable, reset while connecting."""
NO_LOCAL_PORT: Final = "no free port"
"""This machine has no port or descriptor left for one more connection: the generator's limit."""
PROXY_REFUSED: Final = "proxy refused"
TLS_FAILED: Final = "tls failed"
"""The handshake failed, or the certificate does not verify."""
TIMEOUT: Final = "timeout"
"""No complete response within the request's timeout, counted from the actual send."""
RESET: Final = "connection reset"
"""The connection broke before a response began."""
CLOSED_EARLY: Final = "closed early"
"""The target closed before the response was complete."""
INVALID_HTTP: Final = "invalid http"
TOO_LARGE: Final = "response too large"
"""Headers or body above the scenario's limit."""
GRAPHQL_ERRORS: Final = "graphql errors"
"""A response with a non-empty ``errors``, whatever its status."""
UNRESOLVED: Final = "unfinished"
"""Still without a response when the run ended."""


def http_status(status: int) -> str:
    """The cause of a response whose status was not expected: ``http 503``."""
    return f"http {status}"


def capture_missing(name: str) -> str:
    """The cause of a response without what a later step needs: ``capture order_id missing``."""
    return f"capture {name} missing"


def check_failed(name: str) -> str:
    """The cause of a response that did not pass a check: ``check has an id``."""
    return f"check {name}"
