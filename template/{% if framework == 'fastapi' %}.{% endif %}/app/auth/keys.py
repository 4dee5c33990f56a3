"""The issuer's public keys (JWKS): fetched, cached, and refreshed when a new key id turns up."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from app.auth.principal import InvalidToken
from app.domain.errors import Unavailable
from app.observability.logs import log
from app.rate_limit import TokenBuckets

FETCH_TIMEOUT_S = 3.0
MAX_AGE_S = 600
MAX_DOCUMENT_BYTES = 1_000_000
DEVELOPMENT_KID_PREFIX = "development"

# Tokens may use these and no other; a key is good only for the algorithms of its type, so a token
# cannot talk us into reading a public key as something else.
ALGORITHMS_BY_KEY_TYPE: dict[tuple[str, str | None], frozenset[str]] = {
    ("RSA", None): frozenset({"RS256", "PS256"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
}
ALGORITHMS = frozenset().union(*ALGORITHMS_BY_KEY_TYPE.values())


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the algorithms that it may verify."""

    kid: str | None
    algorithms: frozenset[str]
    public_key: Any


class KeySource(Protocol):
    """Where the JWKS document comes from; raises on any failure."""

    async def fetch(self) -> Mapping[str, Any]:
        """The parsed document."""


class HttpKeySource:
    """The JWKS over HTTP, found by OpenID Connect discovery unless its address is given."""

    def __init__(self, client: httpx.AsyncClient, *, issuer: str, jwks_url: str | None) -> None:
        self._client = client
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._discovered: str | None = None

    async def fetch(self) -> Mapping[str, Any]:
        """The parsed document."""
        if self._jwks_url is not None:
            return await self._get(self._jwks_url)
        if self._discovered is None:
            self._discovered = await self._discover()
        try:
            return await self._get(self._discovered)
        except Exception:
            self._discovered = None  # the keys may have moved
            raise

    async def _discover(self) -> str:
        base = self._issuer.removesuffix("/")
        discovered = await self._get(f"{base}/.well-known/openid-configuration")
        if discovered.get("issuer") != self._issuer:
            raise ValueError("the discovery document names another issuer")
        return str(discovered["jwks_uri"])

    async def _get(self, url: str) -> Mapping[str, Any]:
        async with self._client.stream("GET", url, headers={"accept": "application/json"}) as reply:
            reply.raise_for_status()
            body = bytearray()
            async for chunk in reply.aiter_bytes():
                body += chunk
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise ValueError("the document is too large")
        document = json.loads(body)
        if not isinstance(document, dict):
            raise TypeError("the document is not a JSON object")
        return document


class FileKeySource:
    """A JWKS in a file (`file:PATH`), for development."""

    def __init__(self, url: str) -> None:
        self._path = Path(unquote(urlsplit(url).path))

    async def fetch(self) -> Mapping[str, Any]:
        """The parsed document."""
        document: Mapping[str, Any] = json.loads(self._path.read_bytes())
        return document


class KeySet:
    """The keys that are known now.

    A token with an unknown key id causes a refresh, so that a rotation is noticed at once; since
    anybody can invent key ids, refreshes are limited. Keys that are `MAX_AGE_S` old are asked for
    anew before one of them is believed again: the issuer may have withdrawn it. While it is away,
    those known last stay good. `clock` gives seconds that only grow.
    """

    def __init__(
        self,
        source: KeySource,
        *,
        refuse_development_keys: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._refuse_development_keys = refuse_development_keys
        self._clock = clock
        self._keys: tuple[VerificationKey, ...] = ()
        self._refresh_budget = TokenBuckets(capacity=3, per_second=0.2)
        self._refreshing: asyncio.Task[None] | None = None
        self._reachable = False
        self._refresh_after = 0.0
        # When the keys of the last success are as old as they may be.
        self._fresh_until = 0.0
        self.generation = 0

    async def find(self, kid: str | None, algorithm: str) -> VerificationKey:
        """The key that a token names in its header.

        Raises:
            InvalidToken: the issuer has no such key.
            Unavailable: the key is unknown and the issuer cannot be asked.
        """
        self.refresh_when_old()
        stale = self._reachable and self._clock() >= self._fresh_until
        if not stale and (key := self._known(kid, algorithm)) is not None:
            return key
        if stale or self._is_refreshing() or self._refresh_budget.try_take() == 0.0:
            await asyncio.shield(self._refresh())
            if (key := self._known(kid, algorithm)) is not None:
                return key
        if not self._reachable:
            raise Unavailable("The issuer's keys cannot be fetched at present.", retry_after=5)
        raise InvalidToken("signed with an unknown key")

    def refresh_soon(self) -> None:
        """Refresh in the background, for instance when the process starts."""
        self._refresh_after = self._clock() + MAX_AGE_S
        self._refresh()

    def refresh_when_old(self) -> None:
        """Refresh in the background once the keys are `MAX_AGE_S` old.

        What was verified with withdrawn ones is then forgotten although nobody asks for a key.
        """
        if self._keys and self._clock() >= self._refresh_after:
            self.refresh_soon()

    def _refresh(self) -> asyncio.Task[None]:
        """The refresh that is under way, or a new one."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._fetch())
        return self._refreshing

    def _is_refreshing(self) -> bool:
        return self._refreshing is not None and not self._refreshing.done()

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                keys = parse_jwks(
                    await self._source.fetch(),
                    refuse_development_keys=self._refuse_development_keys,
                )
        except Exception as error:  # noqa: BLE001 - a hostile or broken issuer may cause anything
            log.warning("jwks refresh failed", reason=f"{type(error).__name__}: {error}")
            self._refresh_after = self._clock() + 10
            self._reachable = False
            return
        if _fingerprint(keys) != _fingerprint(self._keys):
            self.generation += 1  # verified tokens of withdrawn keys are to be forgotten
        self._keys = keys
        self._reachable = True
        self._fresh_until = self._refresh_after = self._clock() + MAX_AGE_S

    def _known(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """By key id; a token without one is fine as long as only one key can be meant."""
        found = [
            key
            for key in self._keys
            if (kid is None or key.kid == kid) and algorithm in key.algorithms
        ]
        return found[0] if len(found) == 1 or (found and kid is not None) else None


def parse_jwks(
    document: Mapping[str, Any], *, refuse_development_keys: bool
) -> tuple[VerificationKey, ...]:
    """The usable signing keys of a JWKS; others are passed over, as RFC 7517 section 5 asks.

    Raises:
        ValueError: it is no JWKS.
    """
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise ValueError("the document has no list `keys`")
    keys = []
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kid = entry.get("kid")
        if refuse_development_keys and str(kid).startswith(DEVELOPMENT_KID_PREFIX):
            log.error("development key refused in production", kid=kid)
            continue
        if (key := _verification_key(entry)) is not None:
            keys.append(key)
    return tuple(keys)


def _verification_key(entry: Mapping[str, Any]) -> VerificationKey | None:
    algorithms = ALGORITHMS_BY_KEY_TYPE.get((str(entry.get("kty")), entry.get("crv")), frozenset())
    if "alg" in entry:
        algorithms = algorithms & {entry["alg"]}
    if not algorithms:
        return None
    public = {name: value for name, value in entry.items() if name not in {"d", "alg"}}
    try:
        key = jwt.PyJWK(public, algorithm=min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        return None
    kid = entry.get("kid")
    return VerificationKey(kid if isinstance(kid, str) else None, algorithms, key)


def _fingerprint(keys: tuple[VerificationKey, ...]) -> set[tuple[Any, ...]]:
    return {(key.kid, key.algorithms, _numbers(key.public_key)) for key in keys}


def _numbers(public_key: Any) -> object:
    numbers = getattr(public_key, "public_numbers", None)
    return numbers() if numbers is not None else public_key.public_bytes_raw()
