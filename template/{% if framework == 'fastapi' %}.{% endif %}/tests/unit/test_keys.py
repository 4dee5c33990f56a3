"""The issuer's keys: cached, refreshed on demand, and never a way to hammer the issuer."""

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest

from app.auth.keys import MAX_AGE_S, FileKeySource, HttpKeySource, KeySet, parse_jwks
from app.auth.principal import InvalidToken
from app.domain.errors import Unavailable
from tests.unit.issuer import EC_KEY, Source, jwk


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def key_set(source: Source, clock: Callable[[], float] = time.monotonic) -> KeySet:
    return KeySet(source, refuse_development_keys=True, clock=clock)


async def test_a_new_key_is_found_at_once() -> None:
    source = Source(jwk(EC_KEY, "old"))
    keys = key_set(source)
    await keys.find("old", "ES256")
    source.keys.append(jwk(EC_KEY, "new"))
    assert (await keys.find("new", "ES256")).kid == "new"
    assert source.fetches == 2


async def test_a_known_key_causes_no_fetch() -> None:
    source = Source(jwk(EC_KEY, "old"))
    keys = key_set(source)
    for _ in range(100):
        await keys.find("old", "ES256")
    assert source.fetches == 1


async def test_invented_key_ids_cause_few_fetches() -> None:
    source = Source(jwk(EC_KEY, "old"))
    keys = key_set(source)
    for number in range(100):
        with pytest.raises(InvalidToken):
            await keys.find(f"invented-{number}", "ES256")
    assert source.fetches <= 3


async def test_callers_at_the_same_time_share_one_fetch() -> None:
    source = Source(jwk(EC_KEY, "old"))
    keys = key_set(source)
    await asyncio.gather(*(keys.find("old", "ES256") for _ in range(5)))
    assert source.fetches == 1


async def test_while_the_issuer_is_away_known_keys_stay_good_and_others_are_unavailable() -> None:
    source = Source(jwk(EC_KEY, "old"))
    keys = key_set(source)
    await keys.find("old", "ES256")
    source.away = True
    assert (await keys.find("old", "ES256")).kid == "old"
    for number in range(20):
        with pytest.raises(Unavailable):
            await keys.find(f"unknown-{number}", "ES256")


async def test_a_key_that_was_withdrawn_while_nobody_asked_is_not_believed() -> None:
    source, clock = Source(jwk(EC_KEY, "old")), Clock()
    keys = key_set(source, clock)
    await keys.find("old", "ES256")
    source.keys = [jwk(EC_KEY, "new")]
    clock.now += MAX_AGE_S
    with pytest.raises(InvalidToken):
        await keys.find("old", "ES256")


async def test_old_keys_stay_good_while_the_issuer_is_away() -> None:
    source, clock = Source(jwk(EC_KEY, "old")), Clock()
    keys = key_set(source, clock)
    await keys.find("old", "ES256")
    source.away = True
    for _ in range(3):
        clock.now += MAX_AGE_S
        assert (await keys.find("old", "ES256")).kid == "old"


async def test_what_a_withdrawn_key_has_signed_is_forgotten_though_nobody_asks_for_a_key() -> None:
    source, clock = Source(jwk(EC_KEY, "old")), Clock()
    keys = key_set(source, clock)
    await keys.find("old", "ES256")
    generation = keys.generation
    source.keys = [jwk(EC_KEY, "new")]
    clock.now += MAX_AGE_S
    keys.refresh_when_old()
    await asyncio.sleep(0.05)
    assert keys.generation == generation + 1


async def test_without_any_key_nothing_can_be_decided() -> None:
    source = Source()
    source.away = True
    with pytest.raises(Unavailable):
        await key_set(source).find("any", "ES256")


def test_production_takes_no_development_key() -> None:
    document = {"keys": [jwk(EC_KEY, "development-1"), jwk(EC_KEY, "real")]}
    assert [key.kid for key in parse_jwks(document, refuse_development_keys=True)] == ["real"]


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"kty": "oct", "k": "AAAA", "kid": "secret"},
        {"kty": "EC", "crv": "P-256", "kid": "no coordinates"},
        {"kty": "RSA", "n": 7, "e": "AQAB"},
        {"kty": ["RSA"]},
    ],
)
def test_keys_that_cannot_be_used_are_passed_over(entry: object) -> None:
    document = {"keys": [entry, jwk(EC_KEY, "good")]}
    assert [key.kid for key in parse_jwks(document, refuse_development_keys=False)] == ["good"]


async def test_discovery_finds_the_keys_once() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path.endswith("/openid-configuration"):
            return httpx.Response(
                200, json={"issuer": "https://issuer/", "jwks_uri": "https://issuer/keys"}
            )
        return httpx.Response(200, json={"keys": []})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        source = HttpKeySource(client, issuer="https://issuer/", jwks_url=None)
        assert await source.fetch() == {"keys": []}
        await source.fetch()
    assert asked == ["/.well-known/openid-configuration", "/keys", "/keys"]


async def test_keys_that_have_moved_are_discovered_again() -> None:
    path = "/old"

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/openid-configuration"):
            found = {"issuer": "https://issuer", "jwks_uri": f"https://issuer{path}"}
            return httpx.Response(200, json=found)
        return httpx.Response(200 if request.url.path == path else 404, json={"keys": []})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        source = HttpKeySource(client, issuer="https://issuer", jwks_url=None)
        await source.fetch()
        path = "/new"
        with pytest.raises(httpx.HTTPStatusError):
            await source.fetch()
        assert await source.fetch() == {"keys": []}


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(500),
        httpx.Response(302, headers={"location": "https://elsewhere/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"issuer": "https://other", "jwks_uri": "https://other/keys"}),
        httpx.Response(200, content=b" " * 2_000_000),
    ],
)
async def test_a_broken_issuer_is_an_issuer_that_is_away(reply: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda _: reply)
    async with httpx.AsyncClient(transport=transport) as client:
        source = HttpKeySource(client, issuer="https://issuer", jwks_url=None)
        keys = KeySet(source, refuse_development_keys=True)
        with pytest.raises(Unavailable):
            await keys.find("any", "RS256")


async def test_keys_from_a_file_that_comes_later(tmp_path: object) -> None:
    source = FileKeySource(f"file:{tmp_path}/jwks.json")
    with pytest.raises(FileNotFoundError):
        await source.fetch()
