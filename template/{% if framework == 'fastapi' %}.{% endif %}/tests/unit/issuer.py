"""An issuer for tests: keys of every kind, and a source that serves them and can go away."""

import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
P384_KEY = ec.generate_private_key(ec.SECP384R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, kid: str, **more: str) -> dict[str, Any]:
    algorithm: Any
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm = jwt.algorithms.RSAAlgorithm
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        algorithm = jwt.algorithms.ECAlgorithm
    else:
        algorithm = jwt.algorithms.OKPAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, **more}


class Source:
    def __init__(self, *keys: Mapping[str, Any]) -> None:
        self.keys = list(keys)
        self.fetches = 0
        self.away = False

    async def fetch(self) -> Mapping[str, Any]:
        self.fetches += 1
        if self.away:
            raise ConnectionError("away")
        return {"keys": self.keys}


def issuer_keys() -> Source:
    return Source(
        jwk(RSA_KEY, "rsa"),
        jwk(RSA_KEY, "rsa-only-ps", alg="PS256"),
        jwk(RSA_KEY, "for-encryption", use="enc"),
        jwk(WEAK_KEY, "weak"),
        jwk(EC_KEY, "ec"),
        jwk(P384_KEY, "p384"),
        jwk(ED_KEY, "ed"),
    )
