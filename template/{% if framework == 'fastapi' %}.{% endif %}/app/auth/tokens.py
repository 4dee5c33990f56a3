"""Bearer tokens: verified against the issuer's keys, remembered until they expire."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeGuard

import jwt

from app.auth.keys import ALGORITHMS, KeySet
from app.auth.principal import InvalidToken, Principal

LEEWAY_S = 60
MAX_TOKEN_LENGTH = 16_384
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say; claim names come from TENANT_CLAIM and SCOPE_CLAIM."""

    issuer: str
    audience: str
    tenant_claim: str
    scope_claim: str


class TokenVerifier:
    """Turns a token into a principal.

    A verified token is remembered by its SHA-256 until it expires, since checking a signature costs
    more than all the rest of a request; the tokens themselves are not kept.
    """

    def __init__(
        self, keys: KeySet, rules: TokenRules, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._rules = rules
        self._clock = clock
        self._remembered: OrderedDict[bytes, Principal] = OrderedDict()
        self._generation = keys.generation

    async def verify(self, token: str) -> Principal:
        """The principal that the token speaks for.

        Raises:
            InvalidToken: it is malformed, expired, not for us, or not signed by the issuer.
            Unavailable: its key is unknown and the issuer cannot be asked.
        """
        self._keys.refresh_when_old()
        self._forget_withdrawn()
        digest = sha256(token.encode("latin-1")).digest()
        principal = self._remembered.get(digest)
        if principal is not None and self._clock() < principal.expires_at:
            return principal
        principal = read_principal(await self._verified_claims(token), self._rules)
        self._forget_withdrawn()  # the keys may have been refreshed just now
        self._remembered[digest] = principal
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return principal

    def _forget_withdrawn(self) -> None:
        """Believe nothing that a key has signed which the issuer may have taken back."""
        if self._generation != self._keys.generation:
            self._generation = self._keys.generation
            self._remembered.clear()

    async def _verified_claims(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidToken("too long")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise InvalidToken("not a JSON Web Token") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise InvalidToken("signed with an algorithm that is not accepted")
        key = await self._keys.find(kid, algorithm)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public_key,
                algorithms=[algorithm],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("expired") from None
        except jwt.ImmatureSignatureError:
            raise InvalidToken("not valid yet") from None
        except jwt.InvalidAudienceError:
            raise InvalidToken("meant for another audience") from None
        except jwt.InvalidIssuerError:
            raise InvalidToken("from another issuer") from None
        except jwt.MissingRequiredClaimError as error:
            raise InvalidToken(f"without the claim {error.claim}") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise InvalidToken("not signed by the issuer") from None
        return claims


def read_principal(claims: dict[str, Any], rules: TokenRules) -> Principal:
    """The principal that verified claims describe.

    Raises:
        InvalidToken: the tenant, subject or scope has a form that this service cannot use.
    """
    tenant, subject = claims.get(rules.tenant_claim), claims["sub"]
    if not _is_identifier(tenant, 64):
        raise InvalidToken(f"without a usable claim {rules.tenant_claim}")
    if not _is_identifier(subject, 255):
        raise InvalidToken("without a usable claim sub")
    granted = claims.get(rules.scope_claim, "")
    scopes = granted.split() if isinstance(granted, str) else granted
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise InvalidToken(f"without a usable claim {rules.scope_claim}")
    return Principal(tenant, subject, frozenset(scopes), float(claims["exp"]))


def _is_identifier(value: object, longest: int) -> TypeGuard[str]:
    """Opaque text that PostgreSQL and a log line can hold."""
    return isinstance(value, str) and 1 <= len(value) <= longest and value.isprintable()
