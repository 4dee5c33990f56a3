"""Who may come in: address limit, token, principal limit, scope - in this order."""

import math

from app.auth.principal import InvalidToken, Principal
from app.auth.tokens import TokenVerifier
from app.http.problems import FORBIDDEN, RATE_LIMITED, UNAUTHORIZED, Problem
from app.observability.context import RequestContext
from app.observability.logs import log
from app.observability.metrics import Metrics
from app.rate_limit import RateLimiter


class Admission:
    """Admits callers to routes that require a scope.

    An address pays for the requests that fail authentication, a principal for all of its own: so
    guessing tokens is bounded, and colleagues behind one address do not use up each other's share.
    """

    def __init__(
        self, verifier: TokenVerifier, limiter: RateLimiter | None, metrics: Metrics
    ) -> None:
        self._verifier = verifier
        self._limiter = limiter
        self._metrics = metrics
        self._limiter_fails = False

    async def admit(
        self, request: RequestContext, authorization: bytes | None, scopes: frozenset[str]
    ) -> Principal:
        """The caller of a request.

        Raises:
            Problem: 401, 403 or 429.
            InvalidToken: see `TokenVerifier.verify`.
            Unavailable: likewise.
        """
        address = f"address {request.address}"
        await self._limit("address", address, count=False)
        try:
            principal = await self._verifier.verify(bearer_token(authorization))
        except (InvalidToken, Problem):
            await self._limit("address", address)
            raise
        request.tenant, request.subject = principal.tenant, principal.subject
        # A separator that neither can hold: with a space two tenants might share a bucket.
        await self._limit("principal", f"principal {principal.tenant}\0{principal.subject}")
        if not scopes <= principal.scopes:
            needed = " ".join(sorted(scopes))
            raise Problem(
                FORBIDDEN,
                f"The token lacks the scope {needed}.",
                headers={
                    "WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'
                },
            )
        return principal

    async def _limit(self, by: str, key: str, *, count: bool = True) -> None:
        if self._limiter is None:
            return
        try:
            wait = await (self._limiter.take(key) if count else self._limiter.wait(key))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, callers do not pay
            self._metrics.limiter_failures.inc()
            if not self._limiter_fails:  # an outage is one line, not one for each request
                self._limiter_fails = True
                log.warning("rate limiter fails, requests are let through", error=repr(error))
            return
        self._limiter_fails = False
        if wait > 0:
            self._metrics.rate_limited.labels(by).inc()
            raise Problem(
                RATE_LIMITED,
                f"The limit of requests for this {by} is used up.",
                headers={"Retry-After": str(math.ceil(wait))},
            )


def bearer_token(authorization: bytes | None) -> str:
    """The token of an Authorization header (RFC 6750)."""
    scheme, _, token = (authorization or b"").decode("latin-1").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Problem(
            UNAUTHORIZED,
            "Send an Authorization header with a bearer token.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return token
