"""An OpenID Connect issuer of the suite's own: discovery and keys over real HTTP, and a mint.

It can rotate its keys, go away, come back on the same port, answer slowly, and it counts what it is
asked. `Issuer.token` mints what a good authorization server would; `forge_*` make what an attacker
would.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.api_jws import PyJWS

AUDIENCE = "https://contract.example.com"
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys.json"
LIFETIME_SECONDS = 600

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A private key, the algorithm it signs with, and the name it is published under."""

    kid: str
    algorithm: str
    private: PrivateKey

    @classmethod
    def generate(cls, algorithm: str, kid: str | None = None) -> "SigningKey":
        """A fresh key fit for `algorithm` (RS*, PS*, ES256, ES384 or EdDSA)."""
        private: PrivateKey
        if algorithm == "EdDSA":
            private = ed25519.Ed25519PrivateKey.generate()
        elif algorithm.startswith("ES"):
            private = ec.generate_private_key(
                ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1()
            )
        else:
            private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(kid or uuid.uuid4().hex, algorithm, private)

    def signed_with(self, algorithm: str) -> "SigningKey":
        """The same key and name, signing with another algorithm."""
        return SigningKey(self.kid, algorithm, self.private)

    def jwk(self) -> dict[str, Any]:
        """The public half as a JWK; without `alg`, so that the service's own list decides."""
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            published = RSAAlgorithm.to_jwk(public, as_dict=True)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            published = ECAlgorithm.to_jwk(public, as_dict=True)
        else:
            published = OKPAlgorithm.to_jwk(public, as_dict=True)
        published.pop("key_ops", None)
        return {**published, "kid": self.kid, "use": "sig"}

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        """A compact JWS of `claims`; `headers` add to or replace `kid` and `typ`."""
        return self.sign_bytes(json.dumps(dict(claims)).encode(), headers)

    def sign_bytes(self, payload: bytes, headers: Mapping[str, Any] | None = None) -> str:
        """A compact JWS of anything at all: no claim is looked at."""
        named = {"kid": self.kid, **(headers or {})}
        return PyJWS().encode(payload, self.private, algorithm=self.algorithm, headers=named)


@dataclass
class Issuer:
    """The authorization server. `requests` counts what was asked of it, by path."""

    keys: list[SigningKey] = field(
        default_factory=lambda: [SigningKey.generate(a) for a in ("RS256", "ES256", "EdDSA")]
    )
    foreign_jwks: list[dict[str, Any]] = field(default_factory=list)
    delay_seconds: float = 0.0
    broken: bool = False
    requests: Counter[str] = field(default_factory=Counter)
    _port: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """The issuer identifier, known once it has started."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def jwks_url(self) -> str:
        """Where its keys are."""
        return self.url + JWKS

    def start(self) -> "Issuer":
        """Listen; on the port of before if it had one."""
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> "Issuer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def rotate(self, algorithm: str = "RS256") -> SigningKey:
        """Publish one new key instead of all the old ones, and sign with it from now on."""
        self.keys = [SigningKey.generate(algorithm)]
        return self.keys[0]

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token; a change to None removes the claim."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "subject-of-contract",
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": uuid.uuid4().hex,
            "tenant": "tenant-of-contract",
            "scope": "",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, key: SigningKey | None = None, **changes: Any) -> str:
        """A token signed by `key`, else by the first published one."""
        return (key or self.keys[0]).sign(self.claims(**changes))

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests[request.path] += 1
        time.sleep(self.delay_seconds)
        documents: dict[str, dict[str, Any]] = {
            DISCOVERY: {
                "issuer": self.url,
                "jwks_uri": self.jwks_url,
                "authorization_endpoint": self.url + "/authorize",
                "token_endpoint": self.url + "/token",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
            },
            JWKS: {"keys": [*self.foreign_jwks, *(key.jwk() for key in self.keys)]},
        }
        document = documents.get(request.path)
        body = b"<html>not what you asked for" if self.broken else json.dumps(document).encode()
        try:
            request.send_response(200 if document is not None else 404)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            pass  # the service gave up waiting: that is its right


def encode_segment(value: object) -> str:
    """Base64url without padding, of bytes or of the JSON of anything else."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge_unsigned(claims: Mapping[str, Any], algorithm: str, kid: str) -> str:
    """A token that claims to need no signature (`none`, `None`, ...)."""
    header = {"alg": algorithm, "typ": "JWT", "kid": kid}
    return f"{encode_segment(header)}.{encode_segment(dict(claims))}."


def forge_hmac_with_public_key(claims: Mapping[str, Any], key: SigningKey) -> str:
    """The algorithm confusion attack: HS256 keyed with what everybody can read."""
    public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": key.kid}
    signing_input = f"{encode_segment(header)}.{encode_segment(dict(claims))}"
    mac = hmac.new(public, signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{encode_segment(mac)}"


def forge_embedded_key(claims: Mapping[str, Any], kid: str) -> str:
    """A token that brings its own public key along in the `jwk` header."""
    attacker = SigningKey.generate("RS256", kid)
    return attacker.sign(claims, {"jwk": attacker.jwk()})


def forge_claims(token: str, **changes: Any) -> str:
    """A good token whose payload was edited after it was signed."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{header}.{encode_segment({**claims, **changes})}.{signature}"
