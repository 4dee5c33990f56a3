"""Where tokens and keys come from. They are in no error, no result and no ``repr``.

The process that starts the workers asks once (``secret``), so that a command runs once and not per
worker; the workers are told.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from typing import Final

from senior_backend.errors import InputError, NotRunError
from senior_backend.load.scenario.model import ApiKey, Auth, Bearer, Scenario

_COMMAND_S: Final = 60.0
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_LONGEST: Final = 32_768


def secret(
    scenario: Scenario, *, env: Mapping[str, str] = os.environ, timeout_s: float = _COMMAND_S
) -> str | None:
    """The token or key that the requests carry; None where the scenario has no ``auth``.

    Runs the command again each time it is called.

    Raises:
        InputError: a variable is not set, or holds what no header can carry.
        NotRunError: the command failed, or took too long.
    """
    auth = scenario.auth
    if auth is None:
        return None
    source = auth.bearer or auth.api_key
    if isinstance(source, Bearer) and source.command is not None:
        return _judged(_run(source.command, timeout_s), f"the command '{source.command}' prints")
    name = source.env if source is not None else None
    if name is None:
        raise AssertionError("authentication without a source")
    value = env.get(name, "").strip()
    if not value:
        raise InputError(f"auth: the environment has no {name}; set it to the {_kind(auth)}")
    return _judged(value, f"{name} holds")


def refresh_s(scenario: Scenario) -> float | None:
    """How often to ask anew, in seconds; None: never."""
    bearer = scenario.auth.bearer if scenario.auth is not None else None
    return bearer.refresh_ns / 1e9 if bearer is not None and bearer.refresh_ns else None


def _kind(auth: Auth) -> str:
    return "API key" if isinstance(auth.api_key, ApiKey) else "token"


def _judged(value: str, what: str) -> str:
    if not _PRINTABLE.fullmatch(value) or len(value) > _LONGEST:
        raise InputError(f"auth: {what} what no header can carry; it must be one word of ASCII")
    return value


def _run(command: str, timeout_s: float) -> str:
    """The first line that the command prints."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"auth: the command '{command}': {error}; mend its quotes") from None
    if not words:
        raise InputError("auth: the command is empty; write one that prints a token")
    try:
        done = _finished(words, timeout_s)
    except subprocess.TimeoutExpired:
        raise NotRunError(
            f"auth: the command '{command}' took longer than {timeout_s:g} s; run it by hand"
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NotRunError(
            f"auth: the command '{command}' cannot be run: {reason}; "
            "for pipes and variables write sh -c '…'"
        ) from None
    output = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode != 0:
        raise NotRunError(
            f"auth: the command '{command}' failed with exit code {done.returncode}"
            f"{_said(done.stderr, output)}; run it by hand"
        )
    if not output:
        raise NotRunError(f"auth: the command '{command}' printed no token; run it by hand")
    return output.split("\n", 1)[0].strip()


def _finished(words: list[str], timeout_s: float) -> subprocess.CompletedProcess[bytes]:
    """As ``subprocess.run``, which would also wait for what the command itself has started."""
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except BaseException:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        raise
    return subprocess.CompletedProcess(words, process.returncode, output, errors)


def _said(stderr: bytes, output: str) -> str:
    """The last line of its errors, without a word of what it printed."""
    lines = stderr.decode("utf-8", "replace").strip().split("\n")
    line = lines[-1].strip()[:200]
    for word in output.split():
        line = line.replace(word, "…")
    return f": {line}" if line else ""
