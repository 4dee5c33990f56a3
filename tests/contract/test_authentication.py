"""Bearer tokens: which are believed, which are not, and what scopes they carry."""

import time
from collections.abc import Callable

import pytest

from .client import Caller, Guarded, all_at_once, assert_problem
from .issuer import (
    AUDIENCE,
    Issuer,
    SigningKey,
    encode_segment,
    forge_claims,
    forge_embedded_key,
    forge_hmac_with_public_key,
    forge_unsigned,
)
from .raw import exchange, request_bytes

LEEWAY_SECONDS = 60

Tokens = Callable[..., str]


@pytest.fixture
def good(issuer: Issuer, tenant: str, guarded: Guarded) -> Tokens:
    """Mints a good token for the guarded route; claims can be changed, None removes one."""

    def make(**changes: object) -> str:
        return issuer.token(**{"tenant": tenant, "scope": guarded.scope, **changes})

    return make


# Without control of the issuer.


def test_a_good_token_is_accepted(api: Caller, guarded: Guarded):
    assert api.get(guarded.path).status_code == 200
    assert api.head(guarded.path).status_code == 200


def test_no_token_is_401(nobody: Caller, guarded: Guarded):
    for method in ("GET", "HEAD"):
        assert_problem(nobody.request(method, guarded.path), "unauthorized")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic YWRhOmFkYQ==", "Token abc", "bearer", "null",
     "Bearer abc", "Bearer a.b", "Bearer a.b.c", "Bearer a.b.c.d", "Bearer ..", "Bearer ...",
     "Bearer null", "Bearer eyJhbGciOiJSUzI1NiJ9.e30.", "Bearer " + "a" * 4000,
     "Bearer W10.W10.W10", "Bearer e30.e30.e30", "Bearer bnVsbA.bnVsbA.AA", "Bearer MQ.MQ.MQ"],
)  # fmt: skip
def test_what_is_no_token_is_401(nobody: Caller, guarded: Guarded, header: str):
    response = nobody.get(guarded.path, headers={"Authorization": header})
    assert_problem(response, "unauthorized")


def test_the_scheme_is_case_insensitive(nobody: Caller, api: Caller, guarded: Guarded):
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {api.token}"}
        assert nobody.get(guarded.path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "bytes_",
    [b"Bearer \xff\xfe", b"Bearer caf\xc3\xa9", b"Bearer a\tb", b"Bearer ", b"Bearer  "],
    ids=ascii,
)
def test_bytes_that_no_token_holds_are_401(service, guarded: Guarded, bytes_: bytes):
    headers = {"Authorization": bytes_.decode("latin-1"), "Connection": "close"}
    answer = exchange(service, request_bytes("GET", guarded.path, headers))
    assert answer.status in {400, 401}


def test_a_token_in_the_query_is_not_looked_at(nobody: Caller, api: Caller, guarded: Guarded):
    response = nobody.get(guarded.path, params={"access_token": api.token})
    assert_problem(response, "unauthorized")


def test_a_token_whose_signature_is_cut_or_changed_is_401(api: Caller, guarded: Guarded):
    token = api.token
    assert token
    signature = token.rpartition(".")[2]
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    for damaged in (token[:-8], token.rpartition(".")[0] + ".", token.replace(signature, changed)):
        assert_problem(api.as_bearer(damaged).get(guarded.path), "unauthorized")


def test_the_payload_of_a_verified_token_can_not_be_edited(api: Caller, guarded: Guarded):
    assert api.token
    assert api.get(guarded.path).status_code == 200
    edited = forge_claims(api.token, tenant="somebody-else")
    assert_problem(api.as_bearer(edited).get(guarded.path), "unauthorized")


def test_livez_readyz_and_the_document_need_no_token(nobody: Caller, guarded: Guarded):
    for path in ("/livez", "/readyz", guarded.description):
        assert nobody.get(path).status_code == 200
        assert nobody.as_bearer("garbage").get(path).status_code == 200


ROUTE_SCOPES = [
    ("GET", "/v1/customers", "customers:read"),
    ("HEAD", "/v1/customers", "customers:read"),
    ("POST", "/v1/customers", "customers:write"),
    ("GET", "/v1/customers/{customer}", "customers:read"),
    ("GET", "/v1/orders", "orders:read"),
    ("POST", "/v1/orders", "orders:write"),
    ("GET", "/v1/orders/{order}", "orders:read"),
    ("HEAD", "/v1/orders/{order}", "orders:read"),
    ("PATCH", "/v1/orders/{order}", "orders:write"),
    ("POST", "/v1/orders/{order}/cancel", "orders:write"),
]
SCOPES = ["customers:read", "customers:write", "orders:read", "orders:write"]


@pytest.mark.orders
@pytest.mark.parametrize(("method", "path", "scope"), ROUTE_SCOPES)
def test_a_route_needs_its_scope_and_no_other(
    api: Caller, mint, tenant: str, method: str, path: str, scope: str
):
    order = api.order()
    path = path.format(customer=order["customerId"], order=order["id"])
    others = " ".join(s for s in SCOPES if s != scope)

    def ask(scopes: str):
        return api.as_bearer(mint(tenant=tenant, scope=scopes)).request(method, path)

    assert_problem(ask(others), "forbidden")
    assert ask(scope).status_code not in {401, 403}


@pytest.mark.parametrize(
    "mangle",
    [
        str.upper,
        lambda s: s + "s",
        lambda s: s[:-1],
        lambda s: s.split(":")[0],
        lambda s: s.replace(":", " "),
        lambda s: "*",
        lambda s: "",
    ],
    ids=["upper case", "longer", "shorter", "half", "two words", "a star", "none at all"],
)
def test_a_scope_that_only_looks_like_it_is_403(api: Caller, mint, guarded: Guarded, mangle):
    token = mint(scope=mangle(guarded.scope))
    assert_problem(api.as_bearer(token).get(guarded.path), "forbidden")


# With an issuer of our own: every claim, every algorithm, every forgery.


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_the_four_algorithms_are_accepted(
    nobody: Caller, issuer: Issuer, good: Tokens, guarded: Guarded, algorithm: str
):
    published = {key.algorithm: key for key in issuer.keys}
    key = published.get(algorithm) or published["RS256"].signed_with(algorithm)
    assert nobody.as_bearer(good(key=key)).get(guarded.path).status_code == 200


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS384", "PS512"])
def test_another_algorithm_is_401_even_with_the_right_key(
    nobody: Caller, issuer: Issuer, good: Tokens, guarded: Guarded, algorithm: str
):
    token = good(key=issuer.keys[0].signed_with(algorithm))
    assert_problem(nobody.as_bearer(token).get(guarded.path), "unauthorized")


NOW_CLAIMS: list[tuple[str, Callable[[float], dict[str, object]], bool]] = [
    ("expired within the leeway", lambda now: {"exp": now - LEEWAY_SECONDS + 15}, True),
    ("expired longer ago", lambda now: {"exp": now - LEEWAY_SECONDS - 5}, False),
    ("expired long ago", lambda now: {"exp": 1}, False),
    ("not valid before the leeway ends", lambda now: {"nbf": now + LEEWAY_SECONDS - 15}, True),
    ("not valid before long", lambda now: {"nbf": now + LEEWAY_SECONDS + 15}, False),
    ("valid from just now", lambda now: {"nbf": now}, True),
    ("without expiry", lambda now: {"exp": None}, False),
    ("with an expiry that is no number", lambda now: {"exp": "tomorrow"}, False),
    ("with an expiry that is a list", lambda now: {"exp": [now + 60]}, False),
    ("with a fractional expiry", lambda now: {"exp": now + 60.5}, True),
    ("with a start that is no number", lambda now: {"nbf": "yesterday"}, False),
    ("with the wrong issuer", lambda now: {"iss": "https://elsewhere.example.com"}, False),
    ("without an issuer", lambda now: {"iss": None}, False),
    ("with a list of issuers", lambda now: {"iss": ["https://elsewhere.example.com"]}, False),
    ("for another audience", lambda now: {"aud": "https://elsewhere.example.com"}, False),
    ("for a longer audience", lambda now: {"aud": AUDIENCE + "/v1"}, False),
    ("without an audience", lambda now: {"aud": None}, False),
    ("for an empty list of audiences", lambda now: {"aud": []}, False),
    ("for a list of audiences", lambda now: {"aud": ["https://a.example.com", AUDIENCE]}, True),
    ("for a list of other audiences", lambda now: {"aud": ["https://a.example.com"]}, False),
    ("for an audience that is a number", lambda now: {"aud": 7}, False),
]


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [(changes, accepted) for _, changes, accepted in NOW_CLAIMS],
    ids=[name for name, _, _ in NOW_CLAIMS],
)
def test_a_token(nobody: Caller, good: Tokens, guarded: Guarded, changes, accepted: bool):
    token = good(**changes(int(time.time())))
    response = nobody.as_bearer(token).get(guarded.path)
    if accepted:
        assert response.status_code == 200, response.text
    else:
        assert_problem(response, "unauthorized")


def test_a_verified_token_is_refused_once_it_has_expired(
    nobody: Caller, good: Tokens, guarded: Guarded
):
    caller = nobody.as_bearer(good(exp=time.time() - LEEWAY_SECONDS + 2))
    assert caller.get(guarded.path).status_code == 200
    time.sleep(3.2)
    assert_problem(caller.get(guarded.path), "unauthorized")


FORGERIES: dict[str, Callable[[dict, SigningKey, Issuer], str]] = {
    "unsigned": lambda c, k, i: forge_unsigned(c, "none", k.kid),
    "unsigned, spelled otherwise": lambda c, k, i: forge_unsigned(c, "nOnE", k.kid),
    "unsigned, no algorithm": lambda c, k, i: forge_unsigned(c, "", k.kid),
    "HS256 keyed with the public key": lambda c, k, i: forge_hmac_with_public_key(c, k),
    "signed by somebody under a known kid": lambda c, k, i: SigningKey.generate(
        "RS256", k.kid
    ).sign(c),
    "signed by somebody under an unknown kid": lambda c, k, i: SigningKey.generate("RS256").sign(c),
    "bringing its own key": lambda c, k, i: forge_embedded_key(c, k.kid),
    "under the kid of a key of another kind": lambda c, k, i: i.keys[0].sign(
        c, {"kid": i.keys[1].kid}
    ),
    "with a critical header nobody knows": lambda c, k, i: k.sign(
        c, {"crit": ["urgent"], "urgent": True}
    ),
    "under a kid that is a path": lambda c, k, i: SigningKey.generate("RS256").sign(
        c, {"kid": "../../../dev/null"}
    ),
    "under a kid with a quote": lambda c, k, i: SigningKey.generate("RS256").sign(
        c, {"kid": "' or 1=1 --"}
    ),
    "under a very long kid": lambda c, k, i: SigningKey.generate("RS256").sign(
        c, {"kid": "k" * 5000}
    ),
    "with a payload that is a list": lambda c, k, i: k.sign_bytes(b"[1]"),
    "with a payload that is no JSON": lambda c, k, i: k.sign_bytes(b"{"),
    "with a payload that is no UTF-8": lambda c, k, i: k.sign_bytes(b'{"iss": "\xff"}'),
    "with a header that is a list": lambda c, k, i: f"{encode_segment(['RS256'])}.e30.AA",
    "with a kid that is a number": lambda c, k, i: (
        f"{encode_segment({'alg': 'RS256', 'kid': 7})}.{encode_segment(c)}.AA"
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_401(
    nobody: Caller, issuer: Issuer, tenant: str, guarded: Guarded, name: str
):
    claims = issuer.claims(tenant=tenant, scope=guarded.scope)
    token = FORGERIES[name](claims, issuer.keys[0], issuer)
    assert_problem(nobody.as_bearer(token).get(guarded.path), "unauthorized")


@pytest.mark.parametrize(
    "spell",
    [
        lambda s: s,
        lambda s: f"openid {s} other:scope",
        lambda s: [s],
        lambda s: ["openid", s],
    ],
    ids=["alone", "among others", "an array", "an array with others"],
)
def test_the_scope_claim_is_a_string_or_an_array(
    nobody: Caller, good: Tokens, guarded: Guarded, spell
):
    token = good(scope=spell(guarded.scope))
    assert nobody.as_bearer(token).get(guarded.path).status_code == 200


@pytest.mark.parametrize(
    "value", [None, "", [], "openid", ["openid"], {}, 7, True, [7], [[]], [None]], ids=repr
)
def test_a_scope_claim_that_does_not_hold_the_scope_is_403(
    nobody: Caller, good: Tokens, guarded: Guarded, value: object
):
    response = nobody.as_bearer(good(scope=value)).get(guarded.path)
    if (
        response.status_code == 401
    ):  # a claim of a kind that does not exist: the token is not believed
        assert not isinstance(value, str | None) and value != []
    else:
        assert_problem(response, "forbidden")


@pytest.mark.parametrize("value", [None, "", "t" * 65, 7, ["a"], {"id": "a"}, True], ids=repr)
def test_a_tenant_claim_that_is_no_string_of_1_to_64_characters_opens_nothing(
    nobody: Caller, good: Tokens, guarded: Guarded, value: object
):
    """The contract does not say whether such a token is unverifiable or lacks a right."""
    response = nobody.as_bearer(good(tenant=value)).get(guarded.path)
    assert response.status_code in {401, 403}


@pytest.mark.parametrize(
    "value", [None, "", 7, "s" * 5000, "sub\x00ject", ["a"]], ids=lambda v: ascii(v)[:20]
)
def test_an_odd_subject_is_no_server_error(
    nobody: Caller, good: Tokens, guarded: Guarded, value: object
):
    response = nobody.as_bearer(good(sub=value)).get(guarded.path)
    assert response.status_code in {200, 401, 403}


@pytest.mark.orders
@pytest.mark.parametrize("claim", ["sub", "tenant"])
@pytest.mark.parametrize("value", ["a\x00b", "\ud800", "s" * 300], ids=lambda v: ascii(v)[:12])
def test_a_write_by_an_odd_principal_is_no_server_error(
    nobody: Caller, issuer: Issuer, claim: str, value: str
):
    token = issuer.token(**{"scope": "customers:write", claim: value})
    assert nobody.as_bearer(token).create_customer().status_code in {201, 401, 403, 422}


def test_the_claims_names_are_settings(launch, calling, issuer: Issuer, guarded: Guarded):
    with launch(SCOPE_CLAIM="scp", TENANT_CLAIM="org_id") as service, calling(service) as api:

        def ask(**claims: object):
            return api.as_bearer(issuer.token(**claims)).get(guarded.path)

        both = {"tenant": None, "scope": None, "org_id": "acme"}
        assert ask(**both, scp=[guarded.scope]).status_code == 200
        assert ask(**both, scp=guarded.scope).status_code == 200
        assert_problem(ask(tenant=None, org_id="acme", scope=guarded.scope), "forbidden")
        missing = ask(scope=None, tenant="acme", scp=[guarded.scope])
        assert missing.status_code in {401, 403}


def test_many_principals_at_once_are_not_confused(nobody: Caller, issuer: Issuer, guarded: Guarded):
    """A cache of verified tokens must not answer one with another's rights."""
    tokens = [
        (issuer.token(tenant=f"t{n}", scope=guarded.scope if n % 2 else "openid"), n % 2)
        for n in range(20)
    ]
    calls = [lambda t=t: nobody.as_bearer(t).get(guarded.path) for t, _ in tokens * 3]
    answers = all_at_once(calls)
    assert [a.status_code for a in answers] == [200 if may else 403 for _, may in tokens * 3]
