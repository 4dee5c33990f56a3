"""A request as HTTP/1.1 bytes (RFC 9112): made once where nothing varies, else by a function.

Values are escaped for where they stand. The framing is ours: a scenario cannot set Content-Length
or Transfer-Encoding, so that no request can be cut short or smuggle another.
"""

import difflib
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final, Protocol
from urllib.parse import quote

from senior_backend import __version__
from senior_backend.load.plan import Step, Variables
from senior_backend.load.scenario import graphql as gql
from senior_backend.load.scenario import template
from senior_backend.load.scenario.errors import ScenarioError, shown
from senior_backend.load.scenario.model import ApiKey, Auth, Request, Scenario
from senior_backend.load.scenario.source import Path
from senior_backend.load.scenario.template import Scope, Text

USER_AGENT: Final = f"senior-backend/{__version__} (load test)"

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS: Final = {
    "content-length": "it is computed",
    "transfer-encoding": "bodies are sent with Content-Length",
    "upgrade": "other protocols are not spoken",
}
_PATH: Final = "/%:@!$&'()*+,;=~-._?"  # RFC 3986 section 3.3, and % as it is written
_COMMON: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_NEAR: Final = 0.66  # a letter too many, left out, changed, or two in the wrong order
_ALIKE: Final = ("ORDERPATCH", "PROPPATCH")  # in IANA's registry, like PATCH but another
_BODY_EXPECTED: Final = ("POST", "PUT", "PATCH")  # RFC 9110 section 8.6: Content-Length: 0


class Target(Protocol):
    """What of ``load.target.Target`` the bytes depend on."""

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""

    @property
    def authority(self) -> str:
        """For Host."""

    @property
    def prefix(self) -> str:
        """Before every path: empty, or ``/api/v1``."""

    @property
    def path(self) -> str:
        """Path and query of the target itself."""


@dataclass(slots=True)
class Secret:
    """The token or key that requests carry, and how to put another into those that have it."""

    value: str = field(default="", repr=False)
    renewals: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def renew(self, value: str) -> None:
        """Every request from now on carries ``value``."""
        self.value = value
        for renewal in self.renewals:
            renewal()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What requests take from the scenario and the run."""

    target: Target
    headers: Mapping[str, str | None]
    auth: Auth | None
    secret: Secret
    absolute: bool
    """A plain proxy wants the whole URL in the request line (RFC 9112 section 3.2.2)."""

    @classmethod
    def of(cls, scenario: Scenario, target: Target, secret: Secret) -> "Surroundings":
        """Those of a scenario."""
        absolute = bool(scenario.proxy) and target.scheme == "http"
        return cls(target, scenario.headers, scenario.auth, secret, absolute)


def method_of(request: Request, path: Path) -> str:
    """The method; lower case is taken for upper case, and a body without a method is posted.

    Any method may be sent (PURGE, say), but for what is a common one misspelt.
    """
    if request.method is None:
        return "POST" if request.has_body else "GET"
    method = request.method.upper() if request.method.islower() else request.method
    if not _TOKEN.fullmatch(method) or method in ("CONNECT", "TRACE"):
        raise ScenarioError(
            (*path, "method"), f"'{method}' cannot be sent; write a method like GET or POST"
        )
    if method not in (*_COMMON, *_ALIKE) and (
        near := difflib.get_close_matches(method.upper(), _COMMON, n=1, cutoff=_NEAR)
    ):
        raise ScenarioError((*path, "method"), f"no method '{method}'; did you mean {near[0]}?")
    return method


def fill(
    step: Step, request: Request, around: Surroundings, scope: Scope, path: Path, place: str
) -> None:
    """Put the bytes of ``request`` into ``step``: ``static`` or ``render``."""
    method = method_of(request, path)
    body, content_type = _body(request, scope, path, place)
    parts: list[Text] = [method, " "]
    parts += _url(request, around, scope, path, place)
    parts.append(" HTTP/1.1\r\n")
    parts += _fields(request, around, content_type, scope, path, place)
    if body is not None:
        parts.append("Content-Length: ")
    elif method in _BODY_EXPECTED:
        parts.append("Content-Length: 0\r\n")
    # The secret varies, but rarely: requests that are constant but for it stay constant.
    secret = around.secret
    carries = any(part is _secret_text for part in parts)
    if all(isinstance(part, str) or part is _secret_text for part in parts) and not callable(body):
        tail = b"\r\n" if body is None else b"%d\r\n\r\n%b" % (len(body), body)

        def renew() -> None:
            head = "".join([p if isinstance(p, str) else _escaped(around) for p in parts])
            step.static = head.encode() + tail

        renew()
        if carries:
            secret.renewals.append(renew)
        return
    ready = [_carried(around) if part is _secret_text else part for part in parts]
    step.render = _function(template.joined(ready), body)


def _function(
    head: Text, body: "bytes | Callable[[int, Variables], bytes] | None"
) -> Callable[[int, Variables], bytes]:
    if isinstance(head, str):
        if body is None or isinstance(body, bytes):
            raise AssertionError("nothing varies in this request")
        before, make_body = head.encode(), body

        def varying_body(k: int, v: Variables) -> bytes:
            content = make_body(k, v)
            return b"%b%d\r\n\r\n%b" % (before, len(content), content)

        return varying_body
    make_head = head
    if callable(body):
        make = body

        def varying(k: int, v: Variables) -> bytes:
            content = make(k, v)
            return b"%b%d\r\n\r\n%b" % (
                make_head(k, v).encode("utf-8", "replace"),
                len(content),
                content,
            )

        return varying
    tail = b"\r\n" if body is None else b"%d\r\n\r\n%b" % (len(body), body)
    return lambda k, v: make_head(k, v).encode("utf-8", "replace") + tail


# -- the secret -----------------------------------------------------------------------------------


def _secret_text(_k: int, _variables: Variables) -> str:
    """Stands for the secret until it is known where it goes."""
    raise AssertionError("replaced before it is called")


def _escaped(around: Surroundings) -> str:
    key = around.auth.api_key if around.auth is not None else None
    in_query = key is not None and key.query is not None
    return template.in_url(around.secret.value) if in_query else around.secret.value


def _carried(around: Surroundings) -> Callable[[int, Variables], str]:
    secret = around.secret
    if _escaped(around) == secret.value:
        return lambda _k, _v: secret.value
    return lambda _k, _v: template.in_url(secret.value)


# -- the request line -----------------------------------------------------------------------------


def _url(
    request: Request, around: Surroundings, scope: Scope, path: Path, place: str
) -> list[Text]:
    at = (*path, "path")
    target = around.target
    written = gql.PATH if request.path is None else request.path
    url: list[Text] = []
    if around.absolute:
        url.append(f"{target.scheme}://{target.authority}")
    if written == "":  # the target itself
        url.append(target.path)
    else:
        _judge_path(written, at)
        before = target.prefix if written[0] == "/" else target.prefix or "/"
        url += [
            before,
            template.text(written, scope, at, f"{place}.path", template.in_url, _in_path),
        ]
    key = around.auth.api_key if around.auth is not None else None
    if isinstance(key, ApiKey) and key.query is not None:
        has_query = "?" in (target.path if written == "" else written)
        url += ["&" if has_query else "?", template.in_url(key.query), "=", _secret_text]
    return url


def _in_path(literal: str) -> str:
    return quote(literal, safe=_PATH, errors="replace")


def _judge_path(written: str, at: Path) -> None:
    literals = [part for part in template.parse(written, at) if isinstance(part, str)]
    if written[0] not in "/?":
        if re.match(r"https?:", written):
            raise ScenarioError(
                at, "only the path stands here; every request goes to the target: /v1/orders"
            )
        raise ScenarioError(at, f"a path begins with a slash: /{written}")
    if any("#" in literal for literal in literals):
        raise ScenarioError(at, "a #fragment is never sent; leave it out, or write %23", "#")
    if any(_CONTROL.search(literal) for literal in literals):
        raise ScenarioError(at, "a path is one line; take the line end out")


# -- header fields --------------------------------------------------------------------------------


def _fields(
    request: Request,
    around: Surroundings,
    content_type: str | None,
    scope: Scope,
    path: Path,
    place: str,
) -> list[Text]:
    """Ours first, then what the scenario and the request say, which replaces ours."""
    fields: dict[str, tuple[str, Text] | None] = {
        "host": ("Host", around.target.authority),
        "user-agent": ("User-Agent", USER_AGENT),
        "accept": ("Accept", gql.ACCEPT if request.graphql is not None else "*/*"),
    }
    if content_type is not None:
        fields["content-type"] = ("Content-Type", content_type)
    secret_name = _secret_header(around.auth)
    if secret_name is not None:
        fields[secret_name.lower()] = (secret_name, _secret_text)
    for origin, headers in (("scenario", around.headers), ("request", request.headers)):
        at = ("headers",) if origin == "scenario" else (*path, "headers")
        seen: set[str] = set()
        for name, value in headers.items():
            lower = _judge_field(name, value, seen, (*at, name))
            if value is None:
                fields[lower] = None
                continue
            where = f"{place}.headers.{lower}"
            made = template.text(value.strip(), scope, (*at, name), where, template.in_header)
            fields[lower] = (name, made)
    parts: list[Text] = []
    bearer = around.auth is not None and around.auth.bearer is not None
    for each in fields.values():
        if each is not None:
            name, made = each
            scheme = "Bearer " if bearer and made is _secret_text else ""
            parts += [f"{name}: {scheme}", made, "\r\n"]
    return parts


def _secret_header(auth: Auth | None) -> str | None:
    if auth is None:
        return None
    if auth.api_key is None:
        return "Authorization"
    header = auth.api_key.header
    if header is not None:
        _judge_field(header, "", set(), ("auth", "api_key", "header"))
    return header


def _judge_field(name: str, value: str | None, seen: set[str], at: Path) -> str:
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        raise ScenarioError(at, f"'{name}' is no header name; use letters, digits and -")
    if lower in _OURS:
        raise ScenarioError(at, f"'{name}' cannot be set: {_OURS[lower]}; leave it out")
    if lower in seen:
        raise ScenarioError(at, f"'{name}' stands twice; keep one, with commas between its values")
    seen.add(lower)
    if lower == "host" and value is None:
        raise ScenarioError(at, "HTTP/1.1 needs Host; give it a value, or leave this line out")
    if value is not None and _CONTROL.search(value.strip()):
        raise ScenarioError(at, "a header is one line; take the line end out")
    return lower


# -- the body -------------------------------------------------------------------------------------

_Body = bytes | Callable[[int, Variables], bytes] | None


def _body(request: Request, scope: Scope, path: Path, place: str) -> tuple[_Body, str | None]:
    """The body, and its Content-Type unless a header says another."""
    if request.graphql is not None:
        at = (*path, "graphql")
        document, where = document_of(request, path)
        chosen = gql.operation(request.graphql, document, where)
        fixed = {k: v for k, v in gql.body(request.graphql, chosen).items() if k != "variables"}
        parts: list[Text] = [template.as_json(fixed)]
        if request.graphql.variables:
            variables = template.json_text(
                request.graphql.variables, scope, (*at, "variables"), f"{place}.variables"
            )
            parts = [template.as_json(fixed)[:-1], ',"variables":', variables, "}"]
        return _encoded(template.joined(parts)), "application/json"
    if request.has_json:
        at = (*path, "json")
        made = template.json_text(request.json_body, scope, at, f"{place}.json")
        return _encoded(made), "application/json"
    if request.body is not None:
        made = template.text(request.body, scope, (*path, "body"), f"{place}.body", template.plain)
        return _encoded(made), "text/plain; charset=utf-8"
    if request.body_file is not None:
        guessed = mimetypes.guess_type(request.body_file.name)[0]
        content = read_file(request.body_file, (*path, "body_file"))
        return content, guessed or "application/octet-stream"
    return None, None


def _encoded(made: Text) -> bytes | Callable[[int, Variables], bytes]:
    if isinstance(made, str):
        return made.encode("utf-8", "replace")
    make = made
    return lambda k, v: make(k, v).encode("utf-8", "replace")


def document_of(request: Request, path: Path) -> tuple[str, Path]:
    """The GraphQL document of a request, and where it stands."""
    graphql = request.graphql
    if graphql is None:
        raise AssertionError("no graphql here")
    if graphql.query is not None:
        return graphql.query, (*path, "graphql", "query")
    at = (*path, "graphql", "query_file")
    if graphql.query_file is None:
        raise AssertionError("no document here")
    try:
        return read_file(graphql.query_file, at).decode("utf-8-sig"), at
    except UnicodeDecodeError:
        raise ScenarioError(at, "the file is not UTF-8; save it as UTF-8") from None


def read_file(file: FilePath, at: Path) -> bytes:
    """A file that the scenario names."""
    try:
        return file.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ScenarioError(at, f"{shown(file)} cannot be read: {reason}; check the name") from None
