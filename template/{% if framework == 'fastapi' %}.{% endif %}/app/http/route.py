"""The route class of the API: it fixes the order in which a request is refused.

FastAPI reads the body before it looks at anything else. Here a request is admitted first, so that
nobody without a token makes the service read and parse megabytes, and so that a caller gets 401
before 413, 413 before 415, 415 before 400, and 400 before 422.
"""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from starlette.responses import Response

from app.auth.principal import Principal
from app.http.idempotency import IDEMPOTENCY_KEY, idempotency_key
from app.http.json_body import (
    check_content_coding,
    check_declared_length,
    check_media_type,
    decode_json,
    read_body,
)
from app.http.problems import BAD_REQUEST, Problem, bad_parameter, problem_of, problem_response
from app.observability.context import RequestContext, current_request

JSON = frozenset({"application/json"})
MERGE_PATCH = frozenset({"application/json", "application/merge-patch+json"})


class Admits(Protocol):
    """Decides who may come in; see `Admission`."""

    async def admit(
        self, request: RequestContext, authorization: bytes | None, scopes: frozenset[str]
    ) -> Principal:
        """The caller, or an exception that becomes the reply."""


class BearerToken(SecurityBase):
    """The security scheme of the API, and the dependency that gives a handler its caller."""

    def __init__(self) -> None:
        self.scheme_name = "bearerToken"
        self.model = HTTPBearerModel(
            bearerFormat="JWT", description="An access token of the OpenID Connect issuer."
        )

    async def __call__(self, request: Request) -> Principal:
        """The principal that `ApiRoute` has admitted already."""
        return cast(Principal, request.scope["principal"])


bearer_token = BearerToken()


def requires(scope: str) -> Any:
    """The annotation of a caller who must have that scope.

    For instance `caller: Annotated[Principal, requires("things:read")]`.
    """
    return Security(bearer_token, scopes=[scope])


class JsonRequest(Request):
    """A request whose body has been read and decoded."""

    def use_body(self, body: bytes, value: Any) -> None:
        """What `body()` and `json()` will give."""
        self._body = body
        self._json = value


class ApiRoute(APIRoute):
    """Admits, reads, validates, handles; whatever goes wrong becomes a problem reply."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that Starlette calls."""
        handle = super().get_route_handler()
        scopes = required_scopes(self.dependant)
        parameters = query_parameters(self.dependant)
        demands_key = IDEMPOTENCY_KEY in (self.openapi_extra or {}).get("parameters", ())
        accepted = (
            (MERGE_PATCH if "PATCH" in (self.methods or ()) else JSON) if self.body_field else None
        )

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:  # noqa: BLE001 - the one place that turns errors into replies
                return problem_response(problem_of(error), current_request.get())

        async def answer(request: Request) -> Response:
            scope = request.scope
            state = scope["app"].state
            headers = _Headers(scope["headers"])
            if scopes is not None:
                context = current_request.get()
                assert context is not None, "the edge layer is missing"
                scope["principal"] = await cast(Admits, state.admission).admit(
                    context, headers.authorization, scopes
                )
            check_declared_length(headers.content_length, state.body_limit)
            if accepted is not None:
                check_content_coding(headers.content_encoding)
                check_media_type(headers.content_type, accepted)
            if scope["query_string"]:
                check_query(scope["query_string"], parameters)
            if demands_key:
                idempotency_key(request)
            if accepted is not None:
                body = await read_body(request.receive, state.body_limit)
                request = JsonRequest(scope, request.receive)
                request.use_body(body, decode_json(body))
            return await handle(request)

        return guarded


def required_scopes(dependant: Dependant) -> frozenset[str] | None:
    """The scopes that `requires` names in a handler's signature; None for a public route."""
    found: set[str] = set()
    secured = False
    for dependency in dependant.dependencies:
        if dependency.call is bearer_token:
            secured = True
            found.update(dependency.own_oauth_scopes or ())
    return frozenset(found) if secured else None


def scopes_of(routers: Iterable[APIRouter]) -> list[str]:
    """Every scope that any route asks for."""
    scopes: set[str] = set()
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                scopes |= required_scopes(route.dependant) or frozenset()
    return sorted(scopes)


def query_parameters(dependant: Dependant) -> frozenset[str]:
    """The names that a route's query may hold."""
    names = {field.alias for field in dependant.query_params}
    for dependency in dependant.dependencies:
        names |= query_parameters(dependency)
    return frozenset(names)


def check_query(query: bytes, known: frozenset[str]) -> None:
    """Refuse what the route would silently ignore: unknown names, and one name twice."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except (UnicodeError, ValueError):
        raise Problem(BAD_REQUEST, "The query is not valid.") from None
    seen = set()
    for name, _ in pairs:
        if name not in known:
            raise bad_parameter(name, "unknown", "There is no such parameter.")
        if name in seen:
            raise bad_parameter(name, "repeated", "The parameter may be given once.")
        seen.add(name)


class _Headers:
    """The few headers that decide on admission, found in one pass."""

    __slots__ = ("authorization", "content_encoding", "content_length", "content_type")

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.authorization: bytes | None = None
        self.content_encoding: bytes | None = None
        self.content_length: bytes | None = None
        self.content_type: bytes | None = None
        for name, value in headers:
            if name == b"authorization":
                self.authorization = value
            elif name == b"content-type":
                self.content_type = value
            elif name == b"content-length":
                self.content_length = value
            elif name == b"content-encoding":
                self.content_encoding = value
