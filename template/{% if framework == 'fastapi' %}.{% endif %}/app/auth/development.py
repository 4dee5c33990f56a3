"""An issuer for one developer: a key in `.dev/`, and tokens signed with it.

Production refuses both: the key by its id and the file it stands in.
"""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from app.auth.keys import DEVELOPMENT_KID_PREFIX
from app.auth.tokens import TokenRules

LIFETIME_S = 12 * 3600


def mint_token(
    directory: Path, rules: TokenRules, *, tenant: str, subject: str, scopes: Sequence[str]
) -> str:
    """A token for `tenant`, signed with the key in `directory`, which is made when absent."""
    private = _private_key(directory)
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": rules.issuer,
        "aud": rules.audience,
        "sub": subject,
        "iat": now,
        "exp": now + LIFETIME_S,
        rules.tenant_claim: tenant,
        rules.scope_claim: " ".join(scopes),
    }
    key = jwt.PyJWK(private)
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": private["kid"]})


def _private_key(directory: Path) -> dict[str, Any]:
    path = directory / "private-key.json"
    if not path.exists():
        directory.mkdir(exist_ok=True)
        private = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())))
        private |= {"kid": f"{DEVELOPMENT_KID_PREFIX}-{os.urandom(4).hex()}", "use": "sig"}
        _write(path, private, mode=0o600)
    private = json.loads(path.read_bytes())
    jwks = directory / "jwks.json"
    if not jwks.exists():
        secret = {"d", "key_ops"}
        public = {name: value for name, value in private.items() if name not in secret}
        _write(jwks, {"keys": [public]}, mode=0o644)
    return dict(private)


def _write(path: Path, document: dict[str, Any], *, mode: int) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
    partial.replace(path)
