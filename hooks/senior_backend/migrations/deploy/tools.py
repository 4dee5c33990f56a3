"""What is known of migrate commands: where they take settings from, and what a failure leaves.

A command that is not known here is taken for one with a ledger that reads ``PGOPTIONS``; ``watch``
says when that turns out wrong.
"""

import getopt
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
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
    reads_input: bool = False
    """It reads what it runs from standard input."""


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

_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_PSQL_SHORT: Final = "aAbc:d:eEf:F:h:HilL:no:p:P:qR:sStT:U:v:VwWxXz01?"
_PSQL_LONG: Final = tuple(
    re.split(
        r"\s+",
        "echo-all no-align command= dbname= echo-queries echo-errors echo-hidden file= "
        "field-separator= host= html list log-file= no-readline output= port= pset= quiet "
        "record-separator= single-step single-line tuples-only table-attr= username= set= "
        "variable= version no-password password expanded no-psqlrc field-separator-zero "
        "record-separator-zero single-transaction csv help",
    )
)
_ENDS_ONE: Final = re.compile(
    r"\bcommit\b|(?:^|;)\s*end\s*(?:;|$|work\b|transaction\b)", re.IGNORECASE
)
_LOOKED_AT: Final = 6
"""Words of a command in which its program can stand: `poetry run python -m alembic upgrade`."""


def tool_of(command: Sequence[str]) -> Tool:
    """The migrate command that a command line runs, be it through npx, uv run, python -m or sh."""
    for position, word in enumerate(command[:_LOOKED_AT]):
        name = PurePath(word).name.partition("@")[0].removesuffix(".exe")
        if name in _SHELLS and (script := _script(command[position + 1 :])):
            return _of_script(script)
        if name == "migrate" and position and "-path" not in command and "-source" not in command:
            continue  # a sub-command: `manage.py migrate`, `prisma migrate deploy`
        if name in _TOOLS:
            return _psql(command[position + 1 :]) if name == "psql" else _TOOLS[name]
    return UNKNOWN


def _script(arguments: Sequence[str]) -> str:
    """What a shell runs for ``-c``, also as ``-ec`` or ``-lc``."""
    for option, following in pairwise(arguments):
        if re.fullmatch(r"-[a-z]*c", option):
            return following
        if not option.startswith("-"):
            break
    return ""


def _of_script(script: str) -> Tool:
    """Of several commands, those that must not run again decide for all."""
    found = []
    for part in re.split(r"[;&|\n(){}]+", script):
        try:
            words = shlex.split(part)
        except ValueError:  # a quoted separator: only the names count
            words = part.split()
        found.append(tool_of(words))
    known = [tool for tool in found if tool is not UNKNOWN]
    if not known:
        return UNKNOWN
    first = next((tool for tool in known if tool.not_again), known[0])
    if not first.not_again and len(known) > 1 and any(tool.name == "psql" for tool in known):
        # One by one each is all or nothing; together they are not.
        first = _TOOLS["psql"]
    return replace(
        first,
        in_address=any(tool.in_address for tool in known),
        variables=tuple(name for tool in known for name in tool.variables),
        reads_input=any(tool.reads_input for tool in known),
    )


def _psql(arguments: Sequence[str]) -> Tool:
    """Whether all or nothing of it runs: asked for, or one -c, which the server takes as one."""
    try:
        options, _rest = getopt.gnu_getopt(list(arguments), _PSQL_SHORT, _PSQL_LONG)
    except getopt.GetoptError:
        return _TOOLS["psql"]
    commands = [value for name, value in options if name in ("-c", "--command")]
    files = [value for name, value in options if name in ("-f", "--file")]
    one = any(name in ("-1", "--single-transaction") for name, _value in options)
    # Its own end of a transaction leaves what came before it.
    alone = len(commands) == 1 and not files and not _ENDS_ONE.search(commands[0])
    return Tool(
        "psql",
        not_again="" if one or alone else _NO_LEDGER,
        reads_input=not commands and (not files or "-" in files),
    )
