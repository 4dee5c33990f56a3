"""The issuer's keys: found, cached, rotated, and missing."""

import time

import pytest

from .client import Caller, Guarded, all_at_once, assert_problem
from .issuer import DISCOVERY, JWKS, Issuer, SigningKey
from .service import wait_until

# How long a service may keep an operator waiting before it looks at the issuer again.
REFRESH_SECONDS = 45.0
REQUEST_TIMEOUT_MS = 3000


@pytest.fixture
def own_issuer():
    with Issuer() as issuer:
        yield issuer


def asking(api: Caller, issuer: Issuer, guarded: Guarded):
    """Asks the guarded route with a token of `issuer`, made by `key`."""

    def ask(key: SigningKey | None = None):
        return api.as_bearer(issuer.token(key=key, scope=guarded.scope)).get(guarded.path)

    return ask


def test_keys_are_found_by_discovery_and_cached(launch, calling, own_issuer, guarded):
    with launch(issuer=own_issuer) as service, calling(service) as api:
        ask = asking(api, own_issuer, guarded)
        answers = [ask(key) for key in own_issuer.keys * 5]
        assert {a.status_code for a in answers} == {200}
        assert own_issuer.requests[DISCOVERY] >= 1
        assert own_issuer.requests[JWKS] <= 2


def test_a_jwks_url_is_used_without_discovery(launch, calling, own_issuer, guarded):
    address = own_issuer.jwks_url
    with launch(issuer=own_issuer, OIDC_JWKS_URL=address) as service, calling(service) as api:
        assert asking(api, own_issuer, guarded)().status_code == 200
    assert own_issuer.requests[DISCOVERY] == 0
    assert own_issuer.requests[JWKS] >= 1


def test_keys_that_are_not_for_signatures_are_passed_over(launch, calling, own_issuer, guarded):
    encryption = SigningKey.generate("RS256")
    own_issuer.foreign_jwks = [
        {},
        {"kty": "nonsense", "kid": "a"},
        {"kty": "oct", "kid": "b", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "c", "n": "!!", "e": "AQAB"},
        {"kty": "EC", "kid": "d", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {**encryption.jwk(), "use": "enc"},
    ]
    with launch(issuer=own_issuer) as service, calling(service) as api:
        ask = asking(api, own_issuer, guarded)
        assert ask().status_code == 200
        assert ask(encryption).status_code == 401


def test_after_a_rotation_new_tokens_are_accepted_and_the_old_key_is_not(
    launch, calling, own_issuer, guarded
):
    with launch(issuer=own_issuer) as service, calling(service) as api:
        ask = asking(api, own_issuer, guarded)
        old = own_issuer.keys[0]
        assert ask().status_code == 200
        own_issuer.rotate("ES256")
        wait_until(
            lambda: ask().status_code == 200,
            REFRESH_SECONDS,
            lambda: f"the rotated key was not accepted within {REFRESH_SECONDS} s",
            interval=0.25,
        )
        assert ask(old).status_code in {401, 503}


def test_a_storm_of_unknown_keys_does_not_become_a_storm_on_the_issuer(
    launch, calling, own_issuer, guarded
):
    with launch(issuer=own_issuer) as service, calling(service) as api:
        ask = asking(api, own_issuer, guarded)
        assert ask().status_code == 200
        before = own_issuer.requests.total()
        forger = SigningKey.generate("ES256")
        forged = [SigningKey(f"unknown-{n}", "ES256", forger.private) for n in range(100)]
        answers = [ask(key) for key in forged[:50]]
        answers += all_at_once([lambda k=k: ask(k) for k in forged[50:]])
        assert {a.status_code for a in answers} <= {401, 503}
        # A handful of refreshes, each of two documents at most.
        assert own_issuer.requests.total() - before <= 20
        assert ask().status_code == 200


def test_without_the_issuer_known_keys_still_work_and_unknown_ones_are_503(
    launch, calling, own_issuer, guarded
):
    with launch(issuer=own_issuer) as service, calling(service) as api:
        ask = asking(api, own_issuer, guarded)
        assert ask().status_code == 200
        own_issuer.stop()

        stranger = SigningKey.generate("ES256")
        # Within the rate limit on refreshes the service may not know yet that the issuer is away.
        wait_until(
            lambda: ask(stranger).status_code == 503,
            REFRESH_SECONDS,
            lambda: f"an unknown key was not answered 503 within {REFRESH_SECONDS} s",
            interval=0.25,
        )
        started = time.monotonic()
        assert_problem(ask(stranger), "unavailable")
        assert time.monotonic() - started < 2
        assert ask().status_code == 200
        assert api.get("/readyz").status_code == 200

        new = own_issuer.rotate()
        own_issuer.start()
        wait_until(
            lambda: ask(new).status_code == 200,
            REFRESH_SECONDS,
            lambda: f"the issuer was back for {REFRESH_SECONDS} s and its key not accepted",
            interval=0.25,
        )


def test_a_service_that_starts_before_its_issuer_waits_for_it(launch, calling, own_issuer, guarded):
    own_issuer.stop()
    with launch(issuer=own_issuer) as service, calling(service) as api:
        ask = asking(api, own_issuer, guarded)
        assert api.get("/livez").status_code == 200
        assert_problem(ask(), "unavailable")
        own_issuer.start()
        wait_until(
            lambda: ask().status_code == 200,
            REFRESH_SECONDS,
            lambda: f"the issuer was there for {REFRESH_SECONDS} s and its key not accepted",
            interval=0.25,
        )


@pytest.mark.parametrize("trouble", ["slow", "broken"])
def test_an_issuer_that_is(launch, calling, own_issuer, guarded, trouble: str):
    """... slow or broken makes unknown keys 503 (or 504) in time, and nothing else."""
    if trouble == "slow":
        own_issuer.delay_seconds = 30
    else:
        own_issuer.broken = True
    timeout = str(REQUEST_TIMEOUT_MS)
    with launch(issuer=own_issuer, REQUEST_TIMEOUT_MS=timeout) as service, calling(service) as api:
        ask = asking(api, own_issuer, guarded)
        started = time.monotonic()
        answers = all_at_once([ask] * 5)
        assert {a.status_code for a in answers} <= {503, 504}
        assert time.monotonic() - started < REQUEST_TIMEOUT_MS / 1000 + 2
        assert api.get("/livez").status_code == 200
        assert_problem(api.as_bearer(None).get(guarded.path), "unauthorized")
