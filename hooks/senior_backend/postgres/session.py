"""A connection to a server: the only module that knows the driver."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from senior_backend.errors import NotRunError
from senior_backend.postgres.address import without_password
from senior_backend.postgres.package import INSTALL

if TYPE_CHECKING:
    import psycopg

_CONNECT_TIMEOUT_SECONDS = 10


class StatementError(NotRunError):
    """The server refused a statement; ``sqlstate`` says why, such as ``42501``."""

    def __init__(self, message: str, sqlstate: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def _driver() -> Any:  # noqa: ANN401 - the module itself; imported late, it costs 90 ms
    try:
        import psycopg
    except ImportError:
        raise NotRunError(f"the PostgreSQL driver is missing: {INSTALL}") from None
    return psycopg


def require_driver() -> None:
    """Raise ``NotRunError``, with how to install it, where the driver is missing."""
    _driver()


class Session:
    """One connection; each statement is its own transaction unless it says ``begin``."""

    def __init__(self, url: str) -> None:
        """Connect; raises ``NotRunError`` when that fails."""
        driver = _driver()
        try:
            self.connection: psycopg.Connection[tuple[Any, ...]] = driver.connect(
                url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_SECONDS
            )
        except driver.Error as error:
            # The last part of the first line is the cause; what follows asks the user questions.
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            reason = first.rpartition("failed: ")[2].removeprefix("FATAL:").strip()
            # Of a password with an @ the end is taken for a part of the host.
            reason = re.sub(r"'[^']*@", "'***@", reason)
            raise NotRunError(
                f"cannot connect to {without_password(url)}: {reason}: start that server, "
                "or correct the address"
            ) from None

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; raises ``StatementError``.

        Without parameters the statement is sent as it is (and may then hold several, and ``%``).
        """
        driver = _driver()
        try:
            cursor = self.connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []
        except driver.Error as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise StatementError(reason, error.sqlstate) from None

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def quoted(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'
