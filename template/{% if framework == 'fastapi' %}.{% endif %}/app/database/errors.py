"""What a database error means: who was refused, and whether trying again may help."""

from asyncpg.exceptions import (
    AdminShutdownError,
    CannotConnectNowError,
    ConnectionDoesNotExistError,
    ConnectionFailureError,
    DeadlockDetectedError,
    InterfaceError,
    InvalidCachedStatementError,
    LockNotAvailableError,
    PostgresConnectionError,
    PostgresError,
    QueryCanceledError,
    SerializationError,
    TooManyConnectionsError,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import InterfaceError as SqlalchemyInterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import Unavailable

_AWAY = (
    AdminShutdownError,
    CannotConnectNowError,
    ConnectionDoesNotExistError,
    ConnectionFailureError,
    InterfaceError,
    PostgresConnectionError,
    TooManyConnectionsError,
)

_LOCKED = (DeadlockDetectedError, LockNotAvailableError, SerializationError)


class CannotConnect(Exception):
    """No connection came about: the socket's own error, named as the database's."""


def driver_error(error: BaseException) -> BaseException | None:
    """The driver's own exception inside an SQLAlchemy one."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return None


def violated_constraint(error: DBAPIError) -> str | None:
    """The name of the constraint or unique index that refused a row."""
    cause = driver_error(error)
    return cause.constraint_name if isinstance(cause, PostgresError) else None


def as_unavailable(error: BaseException) -> Unavailable | None:
    """The passing condition behind an error, or None when it is a bug or a refused statement."""
    if isinstance(error, PoolTimeout):
        return Unavailable("All database connections are in use.")
    cause = driver_error(error)
    if isinstance(cause, QueryCanceledError):
        return Unavailable("The database took too long to answer.")
    if isinstance(cause, InvalidCachedStatementError):
        # A migration changed a column's type; SQLAlchemy prepares its statements anew from here on.
        return Unavailable("The database has just been changed.")
    if isinstance(cause, _LOCKED):
        return Unavailable("Another request holds the data that this one needs.")
    if isinstance(cause, _AWAY) or isinstance(error, SqlalchemyInterfaceError):
        return Unavailable("The database is not available.", retry_after=2)
    # Not every OSError: a file that a handler misses is no matter of the database.
    if isinstance(error, (CannotConnect, ConnectionError)) or isinstance(cause, OSError):
        return Unavailable("The database is not available.", retry_after=2)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Unavailable("The connection to the database was lost.")
    return None
