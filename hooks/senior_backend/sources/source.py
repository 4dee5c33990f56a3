"""The protocol that the module of a tool follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import Folder, NewMigration, Transaction, WrittenFiles


@dataclass(frozen=True, slots=True)
class Options:
    """What a person says about a folder that the folder itself does not.

    ``transaction`` replaces the manner in which the tool runs a migration where its files do not
    say otherwise: ``file`` for ``psql -1``, ``statement`` for golang-migrate's
    ``x-multi-statement=true``.
    """

    transaction: Transaction | None = None


class Source(Protocol):
    """A module of this package that reads and writes the folders of one tool."""

    @property
    def ID(self) -> str:  # noqa: N802 - a module's constant
        """Its name on the command line and in settings."""

    @property
    def TITLE(self) -> str:  # noqa: N802 - a module's constant
        """Its name in sentences."""

    def claims(self, directory: Directory) -> bool:
        """Whether ``directory`` is a migration folder of the tool."""

    def read(self, directory: Directory, options: Options) -> Folder:
        """The migrations of a directory that the tool claims, in the order of running."""

    def write(self, folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
        """Files for ``new`` after the newest migration of ``folder``.

        Raises:
            InputError: a file of that name exists.
        """
