"""The flags of ``load run`` -> ``Scenario``: alone for one URL, or over a scenario file.

A flag is put where the file would have it, so that both are judged by the same rules; errors then
name the flag instead of a line. What a flag replaces is replaced whole: ``--rps`` together with
``--duration`` takes the place of ``stages``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final
from urllib.parse import urlsplit

from senior_backend.errors import InputError
from senior_backend.load.scenario import source
from senior_backend.load.scenario.file import Document, Problems, load
from senior_backend.load.scenario.model import Scenario
from senior_backend.load.scenario.source import Path


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says; None and () where it says nothing. Texts are not parsed yet."""

    scenario: FilePath | None = None
    """The file; None: one endpoint, the target itself."""
    target: str | None = None
    rate: str | None = None
    """``--rps``: 500, or 30/m."""
    duration: str | None = None
    warm_up: str | None = None
    stages: tuple[str, ...] = ()
    """``--stage``: 50:30s (constant), ramp:500:1m, spike:2000:10s."""
    arrivals: str | None = None
    seed: str | int | None = None
    method: str | None = None
    headers: tuple[str, ...] = ()
    """``--header "Name: value"``"""
    body: str | None = None
    """A text, or @file."""
    json_body: str | None = None
    """``--json``: JSON, or @file."""
    connections: str | int | None = None
    timeout: str | None = None
    """Of a response."""
    thresholds: tuple[str, ...] = ()
    """``--threshold "http_req_duration: p(95)<200"``"""
    cacert: str | FilePath | None = None
    cert: str | FilePath | None = None
    key: str | FilePath | None = None
    insecure: bool = False
    proxy: str | None = None
    workers: str | int | None = None
    precise: bool = False
    max_pacing_error: str | None = None

    @property
    def for_tls(self) -> str | None:
        """The first flag that only an https target can use."""
        given = {
            "--cacert": self.cacert is not None,
            "--cert": self.cert is not None,
            "--key": self.key is not None,
            "--insecure": self.insecure,
        }
        return next((flag for flag, is_given in given.items() if is_given), None)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario, and where its values stand."""

    scenario: Scenario
    place: Callable[[Path], str]
    """``file:line:column`` of a value, or the flag that it came from."""


_ONE_ENDPOINT: Final = {"method": "--method", "body": "--body", "json_body": "--json"}
"""Flags about the one request; with a file there may be many."""


def read(flags: Flags, check: Callable[[Scenario], Problems] = lambda _scenario: ()) -> Loaded:
    """The scenario that the command line asks for.

    ``check`` says what else is wrong with it, such as its thresholds: (where, what), in order.

    Raises:
        InputError: with the place of what is wrong, and how to mend it.
    """
    if flags.scenario is None:
        document = _alone(flags)
    else:
        document = load(flags.scenario)
        for name, flag in _ONE_ENDPOINT.items():
            if getattr(flags, name) is not None:
                raise InputError(f"{flag} is for a single URL; {flags.scenario} names the requests")
    _put_load(document, flags)
    _put_rest(document, flags)
    return Loaded(document.scenario(check), document.place)


def _alone(flags: Flags) -> Document:
    if flags.target is None:
        raise InputError("what is to be loaded? name a --target, or a scenario file")
    path = flags.target.partition("://")[2].partition("?")[0].partition("/")[2]
    name = f"{_method(flags)} /{path}"  # the same whichever host it is compared with
    document = Document("", {"name": name, "endpoints": [_endpoint(flags)]})
    document.flags["name",] = "--target"
    for key in ("method", "body", "body_file", "json"):
        flag = "--body" if key == "body_file" else f"--{key}"
        document.flags["endpoints", 0, key] = flag
    document.flags["endpoints", 0] = "--target"
    document.flags["load",] = "--rps"
    if flags.rate is None and not flags.stages:
        raise InputError("how much load? add --rps, like --rps 500 --duration 60s")
    if flags.duration is None and not flags.stages:
        raise InputError("how long? add --duration, like --duration 60s")
    return document


def _method(flags: Flags) -> str:
    has_body = flags.body is not None or flags.json_body is not None
    return flags.method or ("POST" if has_body else "GET")


def _endpoint(flags: Flags) -> dict[str, Any]:
    try:
        path = urlsplit(flags.target or "").path or "/"
    except ValueError:  # refused where the target is read, with its reason
        path = "/"
    # An empty path is the target itself.
    endpoint: dict[str, Any] = {"name": f"{_method(flags)} {path}", "path": ""}
    if flags.method is not None:
        endpoint["method"] = flags.method
    if flags.body is not None and flags.json_body is not None:
        raise InputError("--body and --json exclude each other; keep one")
    if flags.body is not None and flags.body.startswith("@"):
        endpoint["body_file"] = flags.body[1:]
    elif flags.body is not None:
        endpoint["body"] = flags.body
    if flags.json_body is not None:
        endpoint["json"] = _json(flags.json_body)
    return endpoint


def _json(given: str) -> Any:  # noqa: ANN401 - any JSON
    text, where = given, "--json"
    if given.startswith("@"):
        where = given[1:]
        try:
            text = source.decode(FilePath(where).read_bytes(), where)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"--json {given}: cannot be read: {reason}; check the name") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}:{error.lineno}:{error.colno}: not JSON: {error.msg}; mend it, or use --body"
        ) from None
    except RecursionError:
        raise InputError(f"{where}: not JSON that can be read: nested too deeply") from None


def _put_load(document: Document, flags: Flags) -> None:
    has_stages = bool(document.get("load", "stages"))
    if flags.stages:
        for name, flag in (("rate", "--rps"), ("duration", "--duration")):
            if getattr(flags, name) is not None:
                raise InputError(f"{flag} and --stage exclude each other; keep one")
        document.drop(("load", "rate"), ("load", "duration"))
        stages = [_stage(stage) for stage in flags.stages]
        document.put(("load", "stages"), stages, "--stage")
    if has_stages and (flags.rate is None) != (flags.duration is None):
        given, other = (
            ("--rps", "--duration") if flags.rate is not None else ("--duration", "--rps")
        )
        raise InputError(
            f"{given}: {document.name} has stages, which give both; add {other} to replace them"
        )
    if flags.rate is not None:
        document.drop(("load", "stages"))
        document.put(("load", "rate"), flags.rate, "--rps")
    if flags.duration is not None:
        document.put(("load", "duration"), flags.duration, "--duration")
    for key, flag in (("warm_up", "--warm-up"), ("arrivals", "--arrivals"), ("seed", "--seed")):
        if (value := getattr(flags, key)) is not None:
            document.put(("load", key), _number(value) if key == "seed" else value, flag)


def _stage(text: str) -> dict[str, str]:
    kind, colon, rest = text.partition(":")
    key = _STAGES.get(kind.strip())
    rate, second, duration = rest.partition(":") if key else (kind, colon, rest)
    is_time = rate.strip()[-1:].isalpha() and "/" not in rate
    if not second or ":" in duration or is_time:
        raise InputError(
            f"--stage {text}: write RATE:TIME like 50:30s, ramp:500:1m or spike:2000:10s"
        )
    return {key or "rate": rate.strip(), "duration": duration.strip()}


_STAGES: Final = {"ramp": "ramp_to", "spike": "spike_to"}


def _number(given: str | int | None) -> object:
    """What a flag says as YAML would have read it, so that its rules apply."""
    return source.scalar(given) if isinstance(given, str) else given


def _put_rest(document: Document, flags: Flags) -> None:
    here = FilePath.cwd()  # what flags name is named from where the user is
    values: list[tuple[Path, object, str]] = [
        (("target",), flags.target, "--target"),
        (("connections", "max"), _number(flags.connections), "--connections"),
        (("timeouts", "response"), flags.timeout, "--timeout"),
        (("tls", "verify"), False if flags.insecure else None, "--insecure"),
        (("proxy",), flags.proxy, "--proxy"),
        (("generator", "workers"), _number(flags.workers), "--workers"),
        (("generator", "precise"), True if flags.precise else None, "--precise"),
        (("generator", "max_pacing_error"), flags.max_pacing_error, "--max-pacing-error"),
    ]
    for key, name, flag in (
        ("ca", flags.cacert, "--cacert"),
        ("cert", flags.cert, "--cert"),
        ("key", flags.key, "--key"),
    ):
        values.append((("tls", key), None if name is None else str(here / name), flag))
    for path, value, flag in values:
        if value is not None:
            document.put(path, value, flag)
    warm, most = document.get("connections", "warm"), _number(flags.connections)
    if isinstance(warm, int) and isinstance(most, int) and warm > most:
        document.put(("connections", "warm"), most, "--connections")
    _put_headers(document, flags.headers)
    _put_thresholds(document, flags.thresholds)


def _put_headers(document: Document, headers: tuple[str, ...]) -> None:
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise InputError(f'--header {header}: write it as "Name: value"')
        name = name.strip()
        for same in document.get("headers") or {}:
            if same.lower() == name.lower():
                document.drop(("headers", same))
        document.put(("headers", name), value.strip(), f"--header {name}")


def _put_thresholds(document: Document, thresholds: tuple[str, ...]) -> None:
    given: dict[str, list[str]] = {}
    for threshold in thresholds:
        metric, colon, expression = threshold.rpartition(":")
        if not colon or not metric.strip() or not expression.strip():
            raise InputError(
                f'--threshold {threshold}: write "METRIC: EXPRESSION", like '
                '"http_req_duration: p(95)<200"'
            )
        given.setdefault(metric.strip(), []).append(expression.strip())
    for metric, expressions in given.items():
        document.put(("thresholds", metric), expressions, f"--threshold {metric}")
