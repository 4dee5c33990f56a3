"""What the engine must know beside the plan and the schedule. Plain data that can be pickled."""

from dataclasses import dataclass
from typing import Any, Final

Address = tuple[int, Any]
"""Address family and socket address, as ``socket.getaddrinfo`` gives them."""

SECOND: Final = 1_000_000_000
"""In nanoseconds, the unit of every duration here."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. Plain targets are asked for in absolute form (RFC 9112, 3.2.2), which is in
    the bytes of the requests already; for TLS the engine opens a tunnel (RFC 9110, 9.3.6).
    """

    addresses: tuple[Address, ...]
    authority: str
    """``host:port`` of the target, as the tunnel is to be opened to; IPv6 in brackets."""
    authorization: str | None = None
    """The value of ``Proxy-Authorization`` for the tunnel."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How to secure connections. Files are read once, before the start."""

    server_name: str
    """For SNI and for the comparison with the certificate; may be an IP address."""
    verify: bool = True
    ca: str | None = None
    """A file with the certificates to trust instead of the system's."""
    cert: str | None = None
    key: str | None = None
    """None: the key is in the file ``cert``."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """For one worker: limits are this worker's share, not that of the whole run."""

    addresses: tuple[Address, ...]
    """The target's, resolved once; connections go round them in turn. Ignored with a proxy."""
    tls: Tls | None = None
    proxy: Proxy | None = None
    max_connections: int = 500
    warm_connections: int = 1
    """Opened before the start, at most ``max_connections``."""
    connect_timeout_ns: int = 5 * SECOND
    tls_timeout_ns: int = 5 * SECOND
    max_wait_ns: int = 60 * SECOND
    """An arrival that found no connection for that long is dropped, and counted."""
    drain_ns: int = 30 * SECOND
    """How long to wait for responses after the last arrival was due."""
    header_limit: int = 64 * 1024
    body_limit: int = 16 * 1024 * 1024
    precise: bool = False
    """Spin before each send: steadier, at the price of a busy core."""
