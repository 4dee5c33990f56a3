"""Why a request of a well-behaved caller can be refused.

    DomainError
    ├── NotFound             nothing by that id for this tenant
    ├── Conflict             a uniqueness rule forbids it
    ├── InvalidTransition    the state machine forbids it
    ├── InvalidReference     the input names something that does not exist
    └── Unavailable          the service cannot answer now, but may soon

Messages are shown to the caller: they never hold another tenant's data.
"""


class DomainError(Exception):
    """Base of all refusals; `str(error)` is the sentence for the caller."""


class NotFound(DomainError):
    """There is no such thing for this tenant."""


class Conflict(DomainError):
    """The change would break a uniqueness rule."""


class InvalidTransition(DomainError):
    """The thing cannot go from its present state to the wanted one."""


class InvalidReference(DomainError):
    """A field of the input names something that does not exist for this tenant."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Unavailable(DomainError):
    """A dependency is away or busy; try again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
