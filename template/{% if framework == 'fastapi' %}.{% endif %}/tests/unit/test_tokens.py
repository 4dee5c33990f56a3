"""Which tokens are believed: a table of honest and hostile ones."""

import base64
import json
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.warnings import InsecureKeyLengthWarning

from app.auth.keys import KeySet
from app.auth.principal import InvalidToken
from app.auth.tokens import TokenRules, TokenVerifier
from tests.unit.issuer import EC_KEY, ED_KEY, P384_KEY, RSA_KEY, WEAK_KEY, Source, issuer_keys, jwk

RULES = TokenRules("https://issuer", "shop", "tenant", "scope")


def verifier(source: Source | None = None, clock: Callable[[], float] = time.time) -> TokenVerifier:
    keys = KeySet(source or issuer_keys(), refuse_development_keys=False)
    return TokenVerifier(keys, RULES, clock=clock)


def claims(**changes: Any) -> dict[str, Any]:
    sound = {
        "iss": "https://issuer",
        "aud": "shop",
        "sub": "ada",
        "exp": int(time.time()) + 300,
        "tenant": "acme",
        "scope": "things:read things:write",
    }
    return {name: value for name, value in (sound | changes).items() if value is not None}


def signed(key: Any = RSA_KEY, algorithm: str = "RS256", kid: Any = "rsa", **changes: Any) -> str:
    headers = {} if kid is None else {"kid": kid}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def forged(header: Mapping[str, Any], payload: Mapping[str, Any], signature: bytes = b"x") -> str:
    parts = json.dumps(header).encode(), json.dumps(payload).encode(), signature
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


# Tokens are made when a test runs: some depend on the time.
BELIEVED: dict[str, Callable[[], str]] = {
    "RS256": lambda: signed(),
    "PS256": lambda: signed(algorithm="PS256"),
    "PS256 by a key for nothing else": lambda: signed(algorithm="PS256", kid="rsa-only-ps"),
    "ES256": lambda: signed(EC_KEY, "ES256", "ec"),
    "EdDSA": lambda: signed(ED_KEY, "EdDSA", "ed"),
    "no key id where one key can be meant": lambda: signed(EC_KEY, "ES256", None),
    "an audience among others": lambda: signed(aud=["other", "shop"]),
    "expired within the leeway": lambda: signed(exp=int(time.time()) - 30),
    "valid in a moment, within the leeway": lambda: signed(nbf=int(time.time()) + 30),
}


@pytest.mark.parametrize("mint", BELIEVED.values(), ids=BELIEVED)
async def test_believes(mint: Callable[[], str]) -> None:
    principal = await verifier().verify(mint())
    assert (principal.tenant, principal.subject) == ("acme", "ada")
    assert principal.scopes == {"things:read", "things:write"}


REFUSED: dict[str, Callable[[], str]] = {
    "no token at all": lambda: "x",
    "two dots": lambda: "..",
    "an unsigned one": lambda: forged({"alg": "none"}, claims(), b""),
    "an algorithm in capitals": lambda: forged({"alg": "NONE"}, claims(), b""),
    "an algorithm that is a list": lambda: forged({"alg": ["RS256"], "kid": "rsa"}, claims()),
    "an HMAC with the public key as secret": lambda: forged(
        {"alg": "HS256", "kid": "rsa"}, claims()
    ),
    "ES384, which is sound but not accepted": lambda: signed(P384_KEY, "ES384", "p384"),
    "ES256 with the wrong key": lambda: signed(
        ec.generate_private_key(ec.SECP256R1()), "ES256", "ec"
    ),
    "RS256 by a key that is for PS256": lambda: signed(kid="rsa-only-ps"),
    "a key that is for encryption": lambda: signed(kid="for-encryption"),
    "a key that is too short": lambda: signed(WEAK_KEY, "RS256", "weak"),
    "an unknown key": lambda: signed(kid="unknown"),
    "a key id that is no string": lambda: forged({"alg": "RS256", "kid": ["rsa"]}, claims()),
    "no key id where several can be meant": lambda: signed(algorithm="PS256", kid=None),
    "another issuer": lambda: signed(iss="https://issuer/"),
    "another audience": lambda: signed(aud="other"),
    "no audience": lambda: signed(aud=None),
    "no expiry": lambda: signed(exp=None),
    "expired": lambda: signed(exp=int(time.time()) - 61),
    "not valid yet": lambda: signed(nbf=int(time.time()) + 120),
    "an expiry that is no number": lambda: forged(
        {"alg": "RS256", "kid": "rsa"}, claims(exp="soon")
    ),
    "no subject": lambda: signed(sub=None),
    "no tenant": lambda: signed(tenant=None),
    "an empty tenant": lambda: signed(tenant=""),
    "a tenant of 65 characters": lambda: signed(tenant="t" * 65),
    "a tenant that is a number": lambda: signed(tenant=7),
    "a tenant with U+0000": lambda: signed(tenant="a\x00b"),
    "scopes that are a number": lambda: signed(scope=7),
    "a token of a megabyte": lambda: "a" * 1_000_000,
}


@pytest.mark.parametrize("mint", REFUSED.values(), ids=REFUSED)
async def test_refuses(mint: Callable[[], str]) -> None:
    with pytest.raises(InvalidToken):
        await verifier().verify(mint())


async def test_a_changed_payload_is_refused() -> None:
    header, _, signature = signed().split(".")
    other = signed(tenant="other").split(".")[1]
    with pytest.raises(InvalidToken):
        await verifier().verify(f"{header}.{other}.{signature}")


@pytest.mark.parametrize("scope", ["a b", ["a", "b"]])
async def test_scopes_come_as_a_string_or_as_an_array(scope: object) -> None:
    assert (await verifier().verify(signed(scope=scope))).scopes == {"a", "b"}


async def test_a_verified_token_is_remembered_until_it_expires() -> None:
    now = time.time()
    source = issuer_keys()
    tokens = verifier(source, clock=lambda: now)
    token = signed(exp=int(now) + 100)
    first = await tokens.verify(token)
    assert await tokens.verify(token) is first
    now += 101
    assert await tokens.verify(token) is not first


async def test_tokens_of_a_withdrawn_key_are_forgotten() -> None:
    source = issuer_keys()
    keys = KeySet(source, refuse_development_keys=False)
    tokens = TokenVerifier(keys, RULES)
    token = signed()
    await tokens.verify(token)
    source.keys = [jwk(EC_KEY, "ec")]
    with pytest.raises(InvalidToken):
        await tokens.verify(signed(kid="causes-a-refresh"))
    with pytest.raises(InvalidToken):
        await tokens.verify(token)
