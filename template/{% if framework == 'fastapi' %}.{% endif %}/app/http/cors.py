"""Cross-origin requests of the origins in CORS_ALLOWED_ORIGINS."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from app.http.problems import BAD_REQUEST, Problem, problem_response
from app.observability.context import current_request


class Cors(CORSMiddleware):
    """ASGI layer: Starlette's, with what this API sends and reads; a refusal is a problem."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"),
            allow_headers=(
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                "Traceparent",
                "X-Request-Id",
            ),
            expose_headers=(
                "ETag",
                "Idempotency-Replayed",
                "Location",
                "Retry-After",
                "X-Request-Id",
            ),
            max_age=600,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """The reply to a browser that asks beforehand."""
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        problem = Problem(BAD_REQUEST, bytes(response.body).decode())
        return problem_response(problem, current_request.get())
