"""TLS: whom to trust, how to be trusted, and that a failure says why."""

import ssl
import time
from pathlib import Path

import pytest

from senior_backend.errors import InputError
from senior_backend.load import causes
from senior_backend.load.engine.connection import tls_context
from senior_backend.load.engine.settings import Tls
from tests.load.certificates import Authority, Signed
from tests.load.engine.driver import MS, Outcome, arrivals, drive, plan, settings, step
from tests.load.engine.servers import OK, Peer, always, serve
from tests.load.engine.test_responses import BIG


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Signed:
    return authority.sign("localhost", "127.0.0.1")


def server_context(signed: Signed, client_authority: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.cert, signed.key)
    if client_authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_authority)
    return context


def run(context: ssl.SSLContext, tls: Tls, *, answer: bytes = OK, **changes: object) -> Outcome:
    with serve(always(answer), tls=context) as server:
        return drive(plan(), arrivals(5, 0.1), settings(server, tls=tls, **changes))


def test_a_target_that_a_given_authority_signed_is_trusted(
    authority: Authority, certificate: Signed
) -> None:
    outcome = run(server_context(certificate), Tls("localhost", ca=str(authority.cert)))
    assert outcome.failures == {}
    assert outcome.succeeded == 5
    assert outcome.merged("tls").count == outcome.merged("connect").count == outcome.done.opened


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_responses_larger_than_a_record_are_read_whole(
    authority: Authority, certificate: Signed, version: ssl.TLSVersion
) -> None:
    context = server_context(certificate)
    context.minimum_version = context.maximum_version = version
    tls = Tls("127.0.0.1", ca=str(authority.cert))
    outcome = run(context, tls, answer=BIG, warm_connections=2)
    assert outcome.failures == {}
    assert outcome.bytes_received == 5 * len(BIG)


def test_a_large_request_is_sent_whole(authority: Authority, certificate: Signed) -> None:
    received: list[int] = []

    def reads_slowly(peer: Peer) -> None:
        time.sleep(0.05)
        while request := peer.request():
            received.append(len(request))
            peer.send(OK)

    body = b"x" * 2_000_000
    request = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with serve(reads_slowly, tls=server_context(certificate), receive_buffer=16_384) as server:
        outcome = drive(
            plan(step(request)),
            arrivals(2, 0.02),
            settings(server, tls=Tls("localhost", ca=str(authority.cert))),
        )
    assert outcome.failures == {}
    assert received == [len(request)] * 2


def test_the_server_is_told_for_whom_the_request_is(
    authority: Authority, certificate: Signed
) -> None:
    names: list[str | None] = []
    context = server_context(certificate)
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    run(context, Tls("localhost", ca=str(authority.cert)))
    assert set(names) == {"localhost"}


REFUSALS = {
    "another authority": (Tls("localhost"), "certificate verify failed: "),
    "another name": (Tls("example.com", ca="CA"), "Hostname mismatch"),
    "another address": (Tls("127.0.0.2", ca="CA"), "IP address mismatch"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_certificate_that_does_not_fit_fails_every_request_and_says_why(
    case: str, authority: Authority, certificate: Signed
) -> None:
    tls, reason = REFUSALS[case]
    tls = Tls(tls.server_name, ca=str(authority.cert) if tls.ca else None)
    outcome = run(server_context(certificate), tls)
    assert outcome.failures == {causes.TLS_FAILED: 5}
    assert outcome.refused == {causes.TLS_FAILED: 5}
    assert reason in str(outcome.done.connection_reason)


def test_an_expired_certificate_is_not_trusted(authority: Authority) -> None:
    context = server_context(authority.sign("localhost", expired=True))
    outcome = run(context, Tls("localhost", ca=str(authority.cert)))
    assert outcome.failures == {causes.TLS_FAILED: 5}
    assert "expired" in str(outcome.done.connection_reason)


def test_verification_can_be_switched_off(authority: Authority) -> None:
    context = server_context(authority.sign("localhost", expired=True))
    outcome = run(context, Tls("example.com", verify=False))
    assert outcome.failures == {}


def test_a_client_can_show_a_certificate(
    authority: Authority, certificate: Signed, folder: Path
) -> None:
    context = server_context(certificate, client_authority=authority.cert)
    mine = authority.sign("client")
    outcome = run(
        context, Tls("localhost", ca=str(authority.cert), cert=str(mine.cert), key=str(mine.key))
    )
    assert outcome.failures == {}
    together = folder / "together.pem"
    together.write_bytes(mine.cert.read_bytes() + mine.key.read_bytes())
    outcome = run(context, Tls("localhost", ca=str(authority.cert), cert=str(together)))
    assert outcome.failures == {}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_without_a_certificate_is_refused_as_that(
    authority: Authority, certificate: Signed, version: ssl.TLSVersion
) -> None:
    context = server_context(certificate, client_authority=authority.cert)
    context.maximum_version = version
    outcome = run(context, Tls("localhost", ca=str(authority.cert)))
    assert outcome.succeeded == 0
    # TLS 1.3 refuses after the client believes the connection open, so a request may be under way
    # and meet the reset instead of the alert.
    assert set(outcome.failures) <= {causes.TLS_FAILED, causes.RESET}
    assert sum(outcome.failures.values()) == 5
    assert outcome.refused.get(causes.TLS_FAILED) or version == ssl.TLSVersion.TLSv1_3


def test_a_target_that_speaks_no_tls_is_named_so() -> None:
    with serve(always(OK)) as server:
        outcome = drive(
            plan(),
            arrivals(2, 0.02),
            settings(server, tls=Tls("localhost"), tls_timeout_ns=300 * MS),
        )
    assert outcome.failures == {causes.TLS_FAILED: 2}


def test_a_handshake_that_never_ends_is_given_up() -> None:
    def silent(peer: Peer) -> None:
        time.sleep(2)

    with serve(silent) as server:
        outcome = drive(
            plan(),
            arrivals(2, 0.02),
            settings(server, tls=Tls("localhost"), tls_timeout_ns=300 * MS),
        )
    assert outcome.failures == {causes.TLS_FAILED: 2}
    assert outcome.done.connection_reason == "no handshake within 0.3 s"


@pytest.mark.parametrize("case", ["no authority", "no certificate", "no key", "another key"])
def test_files_that_cannot_be_used_are_named(
    case: str, authority: Authority, certificate: Signed, folder: Path
) -> None:
    other = authority.sign("other")
    broken = folder / "broken.pem"
    broken.write_text("not a certificate")
    tls, told = {
        "no authority": (Tls("x", ca=str(broken)), "broken.pem: not a file of certificates"),
        "no certificate": (Tls("x", cert=str(folder / "none.pem")), "none.pem: no such file"),
        "no key": (Tls("x", cert=str(certificate.cert)), "not usable as the client's certificate"),
        "another key": (
            Tls("x", cert=str(certificate.cert), key=str(other.key)),
            "key values mismatch",
        ),
    }[case]
    with pytest.raises(InputError, match=told):
        tls_context(tls)
