"""Tokens and keys come from the environment or a command, and show up nowhere but in requests."""

import sys
import time
from pathlib import Path

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.load.scenario import auth
from tests.load.scenario.scenarios import head, plan, request, scenario, sent

SECRET = "s3cr3t-t0k3n"


def secret(
    given: dict[str, object], env: dict[str, str] | None = None, seconds: float = 30
) -> str | None:
    return auth.secret(scenario({"path": "/"}, auth=given), env=env or {}, timeout_s=seconds)


def command(code: str) -> dict[str, object]:
    return {"bearer": {"command": f'{sys.executable} -c "{code}"'}}


def test_without_authentication_there_is_no_secret() -> None:
    assert auth.secret(scenario({"path": "/"})) is None


def test_a_token_comes_from_a_variable() -> None:
    assert secret({"bearer": {"env": "TOKEN"}}, {"TOKEN": f" {SECRET}\n"}) == SECRET


def test_a_key_comes_from_a_variable() -> None:
    assert secret({"api_key": {"header": "X-Key", "env": "KEY"}}, {"KEY": SECRET}) == SECRET


def test_a_token_is_the_first_line_that_a_command_prints() -> None:
    assert secret(command(f"print('{SECRET}'); print('more')")) == SECRET


def test_commands_run_without_a_shell_unless_they_name_one(tmp_path: Path) -> None:
    assert secret({"bearer": {"command": f"sh -c 'echo {SECRET} | cat'"}}) == SECRET
    marker = tmp_path / "marker"
    with pytest.raises(InputError):  # it prints all of it, which is no token
        secret({"bearer": {"command": f"echo {SECRET}; touch {marker}"}})
    assert not marker.exists()


@pytest.mark.parametrize(
    ("given", "env", "error", "message"),
    [
        (
            {"bearer": {"env": "TOKEN"}},
            {},
            InputError,
            "auth: the environment has no TOKEN; set it to the token",
        ),
        (
            {"api_key": {"query": "key", "env": "KEY"}},
            {"KEY": " "},
            InputError,
            "auth: the environment has no KEY; set it to the API key",
        ),
        (
            {"bearer": {"env": "TOKEN"}},
            {"TOKEN": f"{SECRET}\n{SECRET}"},
            InputError,
            "auth: TOKEN holds what no header can carry; it must be one word of ASCII",
        ),
        (
            {"bearer": {"command": "no-such-program"}},
            {},
            NotRunError,
            (
                "auth: the command 'no-such-program' cannot be run: no such file or directory; "
                "for pipes and variables write sh -c '…'"
            ),
        ),
        (
            {"bearer": {"command": "echo 'a"}},
            {},
            InputError,
            "auth: the command 'echo 'a': No closing quotation; mend its quotes",
        ),
        (
            {"bearer": {"command": "true"}},
            {},
            NotRunError,
            "auth: the command 'true' printed no token; run it by hand",
        ),
        (
            {"bearer": {"command": "echo two words"}},
            {},
            InputError,
            (
                "auth: the command 'echo two words' prints what no header can carry; "
                "it must be one word of ASCII"
            ),
        ),
        (
            {"bearer": {"command": "sh -c 'echo $T; echo it said $T >&2; exit 3'"}},
            {},
            NotRunError,
            (
                "auth: the command 'sh -c 'echo $T; echo it said $T >&2; exit 3'' failed with exit "
                "code 3: it said …; run it by hand"
            ),
        ),
        (
            {"bearer": {"command": "sleep 30"}},
            {},
            NotRunError,
            "auth: the command 'sleep 30' took longer than 0.5 s; run it by hand",
        ),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, object],
    env: dict[str, str],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.setenv("T", SECRET)
    with pytest.raises(error) as caught:
        secret(given, env, 0.5 if "sleep" in message else 30)
    assert str(caught.value) == message
    assert SECRET not in str(caught.value)


def test_only_a_command_with_a_refresh_is_asked_again() -> None:
    for given, seconds in (
        ({"bearer": {"command": "a", "refresh": "10m"}}, 600),
        ({"bearer": {"command": "a"}}, None),
        ({"api_key": {"header": "X-Key", "env": "A"}}, None),
    ):
        assert auth.refresh_s(scenario({"path": "/"}, auth=given)) == seconds
    assert auth.refresh_s(scenario({"path": "/"})) is None


BEARER = {"bearer": {"env": "TOKEN"}}
IN_HEADER = {"api_key": {"header": "X-Key", "env": "KEY"}}
IN_QUERY = {"api_key": {"query": "key", "env": "KEY"}}


@pytest.mark.parametrize(
    "endpoint",
    [
        {"path": "/a"},
        {"path": "/a?b=c"},
        {"path": "/a/${arrival}"},
        {"path": "/a", "method": "POST", "json": "${arrival}"},
        {"path": "/a/${arrival}", "method": "POST", "json": "${arrival}"},
    ],
)
def test_every_request_carries_the_secret_and_the_one_that_follows_it(
    endpoint: dict[str, object],
) -> None:
    for given, wanted in (
        (BEARER, "Authorization: Bearer {}\r\n"),
        (IN_HEADER, "X-Key: {}\r\n"),
        (IN_QUERY, "key={} HTTP/1.1\r\n"),
    ):
        made = plan(endpoint, auth=given, token="one")
        step = made.first[0]
        assert wanted.format("one").encode() in sent(step)
        made.refresh("two")
        assert wanted.format("two").encode() in sent(step)
        assert b"one" not in sent(step)


def test_a_request_that_varies_in_nothing_but_its_token_stays_whole() -> None:
    made = plan({"path": "/a"}, auth=BEARER, token="one")
    made.refresh("two")
    assert made.first[0].render is None


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/a", "GET /a?key=a%2Fb%26c HTTP/1.1"),
        ("/a?b=c", "GET /a?b=c&key=a%2Fb%26c HTTP/1.1"),
        ("/${int(1, 1)}", "GET /1?key=a%2Fb%26c HTTP/1.1"),
        ("", "GET /?key=a%2Fb%26c HTTP/1.1"),
    ],
)
def test_a_key_in_the_query_is_percent_encoded(path: str, line: str) -> None:
    assert head(request({"path": path}, auth=IN_QUERY, token="a/b&c"))[0] == line


def test_a_request_may_have_its_own_authorization_or_none() -> None:
    own = request({"path": "/", "headers": {"authorization": "Basic x"}}, auth=BEARER, token="t")
    none = request({"path": "/", "headers": {"Authorization": None}}, auth=BEARER, token="t")
    assert head(own)[1]["authorization"] == "Basic x"
    assert "authorization" not in head(none)[1]


def test_no_repr_has_a_secret() -> None:
    made = plan({"path": "/a"}, {"path": "/b/${arrival}"}, auth=BEARER, token=SECRET)
    assert SECRET not in repr(made)


def test_nobody_waits_for_what_a_command_leaves_running() -> None:
    before = time.monotonic()
    with pytest.raises(NotRunError, match="took longer than"):
        secret({"bearer": {"command": "sh -c 'sleep 45 & sleep 45'"}}, seconds=0.3)
    assert time.monotonic() - before < 30
