"""Answers for the application when it takes too long or fails where nobody catches."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.problems import TIMEOUT, Problem, problem_of, problem_response
from app.observability.context import current_request


class Failsafe:
    """ASGI layer: a request that has no reply after `timeout_s` gets 504 and is cancelled.

    The reply does not wait for the cancellation: a driver that is stopped amid a query first tells
    the server, and that may take seconds.
    """

    def __init__(self, app: ASGIApp, *, timeout_s: float) -> None:
        self._app = app
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        started = completed = returned = False
        giving_up: asyncio.Task[None] | None = None

        async def reply(message: Message) -> None:
            nonlocal started, completed
            if giving_up is None:
                started = True
                await send(message)
                completed = message["type"] == "http.response.body" and not message.get("more_body")

        async def answer(problem: Problem) -> None:
            await problem_response(problem, current_request.get())(scope, receive, send)

        async def give_up() -> None:
            await answer(Problem(TIMEOUT, "The request was given up; try again later."))
            if not returned:
                task.cancel()

        def expire() -> None:
            nonlocal giving_up
            if not started:
                giving_up = loop.create_task(give_up())

        timer = loop.call_later(self._timeout_s, expire)
        try:
            await self._app(scope, receive, reply)
        except asyncio.CancelledError:
            if giving_up is None:
                raise
            task.uncancel()
        except Exception as error:
            # Starlette answers an unhandled exception and raises it all the same.
            if not started and giving_up is None:
                await answer(problem_of(error))
            elif not completed and giving_up is None:
                raise
        finally:
            returned = True
            timer.cancel()
        if giving_up is not None:
            await giving_up
