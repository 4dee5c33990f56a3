"""What is known of migrate commands: where they take settings from, and what a failure leaves.

A command that is not known here is taken for one with a ledger that reads ``PGOPTIONS``; ``watch``
says when that turns out wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final


@dataclass(frozen=True, slots=True)
class Tool:
    """A migrate command."""

    name: str
    in_address: bool = False
    """It takes settings from the address only, never from ``PGOPTIONS``."""
    variables: tuple[str, ...] = ()
    """Where it looks for the address, beside the variable of ``--database-env``."""
    not_again: str = ""
    """Why the same command must not simply run again after a migration failed; empty: it may."""


UNKNOWN: Final = Tool("")

_DIRTY: Final = (
    "golang-migrate marks a version whose migration failed as dirty and refuses to go on: see what "
    "of it is there, `migrate ... force VERSION`, then run this again"
)
_FAILED: Final = (
    "Prisma records a failed migration and refuses to go on (P3009): see what of it is there, "
    "`prisma migrate resolve --rolled-back NAME`, then run this again"
)
_NO_LEDGER: Final = (
    "psql keeps no ledger, and what ran before the failure would run twice: with "
    "--single-transaction, or with --rerunnable when the file may run twice, it is retried"
)

_TOOLS: Final = {
    "psql": Tool("psql", not_again=_NO_LEDGER),
    "prisma": Tool("prisma", in_address=True, not_again=_FAILED),
    "migrate": Tool("golang-migrate", in_address=True, not_again=_DIRTY),
    "flyway": Tool("flyway", in_address=True, variables=("FLYWAY_URL",)),
    "liquibase": Tool("liquibase", in_address=True, variables=("LIQUIBASE_COMMAND_URL",)),
    "goose": Tool("goose", in_address=True, variables=("GOOSE_DBSTRING",)),
    "tern": Tool("tern", in_address=True),
    "supabase": Tool("supabase", in_address=True),
    "dbmate": Tool("dbmate"),
    "alembic": Tool("alembic"),
    "atlas": Tool("atlas"),
    "sqitch": Tool("sqitch"),
    "knex": Tool("knex"),
    "node-pg-migrate": Tool("node-pg-migrate"),
    "drizzle-kit": Tool("drizzle-kit"),
    "diesel": Tool("diesel"),
    "sqlx": Tool("sqlx"),
}
_ONE_TRANSACTION: Final = ("-1", "--single-transaction")
_LOOKED_AT: Final = 6
"""Words of a command in which its program can stand: `poetry run python -m alembic upgrade`."""


def tool_of(command: Sequence[str]) -> Tool:
    """The migrate command that a command line runs, be it through npx, uv run or python -m."""
    for position, word in enumerate(command[:_LOOKED_AT]):
        name = PurePath(word).name.partition("@")[0].removesuffix(".exe")
        if name == "migrate" and position and "-path" not in command and "-source" not in command:
            continue  # a sub-command: `manage.py migrate`, `prisma migrate deploy`
        if name in _TOOLS:
            tool = _TOOLS[name]
            return Tool("psql") if name == "psql" and _is_one_transaction(command) else tool
    return UNKNOWN


def _is_one_transaction(psql: Sequence[str]) -> bool:
    """Whether all or nothing of it runs: asked for, or one -c, which the server takes as one."""
    files = any(word.startswith(("-f", "--file")) for word in psql)
    commands = sum(word.startswith(("-c", "--command")) for word in psql)
    return any(word in _ONE_TRANSACTION for word in psql) or (commands == 1 and not files)
