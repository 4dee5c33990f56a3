"""Commands that are imported when they are called: hooks start on every commit."""

import importlib
from collections.abc import Mapping
from typing import Any

import click


class CommandTable(click.Group):
    """A click group that knows its commands by place: name -> ``module:attribute``.

    Commands that are registered in the ordinary way come first in its help.
    """

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401 - what click.Group takes
        table: Mapping[str, str],
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*arguments, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is the order in which people meet the tools."""
        return [*self.commands, *self._table]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one module that is wanted."""
        if cmd_name not in self._table:
            return super().get_command(ctx, cmd_name)
        module, attribute = self._table[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command
