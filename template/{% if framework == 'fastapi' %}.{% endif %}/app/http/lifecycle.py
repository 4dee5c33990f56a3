"""Is the process starting, serving, or on its way out? Set by the server, read by the layers."""


class Lifecycle:
    """`draining` is true from the first SIGTERM on: not ready, and every reply closes."""

    __slots__ = ("draining",)

    def __init__(self) -> None:
        self.draining = False
