"""Section ``migrations`` of the settings file."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, get_args

from senior_backend import config
from senior_backend.errors import InputError
from senior_backend.migrations import squawk
from senior_backend.migrations.rules import registry
from senior_backend.sources.migration import Transaction
from senior_backend.sources.registry import BY_ID

MAJORS: Final = range(14, 19)
"""PostgreSQL majors whose behaviour is known."""


@dataclass(frozen=True)
class PathOverride:
    """What holds for a path (a shell-style pattern; a folder stands for all below it)."""

    path: str
    source: str = ""
    """The migration tool, where its layout does not tell."""
    transaction: str = ""
    """How the tool runs a file, where it was told to do otherwise than by default."""
    disable: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        """Whether ``path``, relative to the repository's root, is meant."""
        folder = self.path.rstrip("/")
        return path == folder or path.startswith(f"{folder}/") or fnmatchcase(path, self.path)


@dataclass(frozen=True)
class Settings:
    """All that a repository can say about its migrations."""

    paths: tuple[str, ...] = ()
    """What to lint when the command line names nothing."""
    exclude: tuple[str, ...] = ()
    """Paths that are not linted; in the patterns ``*`` also matches ``/``."""
    postgres: int = 14
    """The oldest major that the migrations run on."""
    disable: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    """Sizes of tables: those known to be small are not worth an alarm."""
    timezone: str = ""
    """TimeZone of the sessions that migrate: with UTC, timestamp to timestamptz is free."""
    lock_timeout_by_role: bool = False
    """The migrating role or its connection sets a lock_timeout already."""
    schema: str = ""
    """A dump or schema.prisma with what was there before the first migration."""
    baseline: str = ""
    """A file of findings that were there when the linter was adopted."""
    overrides: tuple[PathOverride, ...] = ()

    def disabled(self, path: str) -> frozenset[str]:
        """The rules that are switched off for a path."""
        rules = set(self.disable)
        for override in self.overrides:
            if override.covers(path):
                rules.update(override.disable)
        return frozenset(rules)

    def excluded(self, path: str) -> bool:
        """Whether a path is not to be linted."""
        return any(PathOverride(pattern).covers(path) for pattern in self.exclude)


def load(root: Path) -> Settings:
    """The settings of a repository, checked; those of squawk, if there are any, count as well.

    Raises:
        InputError: an unknown rule, source, transaction or major.
    """
    settings = config.load(root, "migrations", Settings)
    if settings.postgres not in MAJORS:
        where = config.place(root, "migrations", "postgres")
        raise InputError(f"{where}: postgres = {settings.postgres}; known are 14 to 18")
    _check_disabled(root, "disable", settings.disable)
    for override in settings.overrides:
        _check_disabled(root, "overrides", override.disable)
        for name, value, known in (
            ("transaction", override.transaction, get_args(Transaction)),
            ("source", override.source, tuple(BY_ID)),
        ):
            if value and value not in known:
                where = config.place(root, "migrations", "overrides", f'"{value}"')
                near = difflib.get_close_matches(value, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
                raise InputError(f"{where}: {name} '{value}' of {override.path}; {hint}")
    theirs = squawk.load(root)
    return settings if theirs is None else _with_squawk(settings, theirs)


def _with_squawk(settings: Settings, theirs: squawk.SquawkSettings) -> Settings:
    overrides = settings.overrides
    if theirs.assume_in_transaction:
        overrides = (*overrides, PathOverride(".", transaction="file"))
    said = settings.postgres != Settings.postgres
    if not said and theirs.postgres is not None and theirs.postgres < MAJORS.start:
        raise InputError(
            f"{squawk.SETTINGS_FILE}: pg_version is {theirs.postgres}; known are 14 to 18: raise "
            "or remove it"
        )
    return replace(
        settings,
        disable=(*settings.disable, *theirs.disable),
        exclude=(*settings.exclude, *theirs.exclude),
        postgres=settings.postgres
        if said or theirs.postgres is None
        else min(theirs.postgres, MAJORS.stop - 1),
        overrides=overrides,
    )


def _check_disabled(root: Path, key: str, rules: Iterable[str]) -> None:
    for rule in rules:
        if rule not in registry.ids():
            check_rules([rule], config.place(root, "migrations", key, rule))


def check_rules(rules: Iterable[str], where: str) -> None:
    """Refuse a rule that does not exist.

    Raises:
        InputError: naming the nearest rule.
    """
    for rule in rules:
        if rule not in registry.ids():
            raise InputError(f"{where}: {unknown_rule(rule)}")


def unknown_rule(rule: str) -> str:
    """What to say of a rule that does not exist."""
    near = difflib.get_close_matches(rule, registry.ids(), n=1)
    hint = f"did you mean '{near[0]}'?" if near else "`senior-backend explain` lists them"
    return f"no rule '{rule}'; {hint}"
