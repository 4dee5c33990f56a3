"""Switching from squawk: its settings file, its ignore comments, its rules' names.

Sources: squawk's documentation, "Configuration" and "Rules" (names only).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from senior_backend.errors import InputError

SETTINGS_FILE: Final = ".squawk.toml"

RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "adding-field-with-default": ("add-column-volatile-default", "add-column-generated-stored"),
    "adding-foreign-key-constraint": ("fk-without-not-valid", "add-column-inline-fk"),
    "adding-not-nullable-field": ("set-not-null-scan",),
    "adding-required-field": ("add-column-required",),
    "adding-serial-primary-key-field": ("primary-key-without-index", "add-column-serial"),
    "ban-add-enum-value": ("enum-value-used-in-same-transaction",),
    "ban-alter-domain-with-add-constraint": ("domain-constraint",),
    "ban-alter-identity": ("alter-identity",),
    "ban-alter-sequence-values": ("alter-identity",),
    "ban-char-field": (),
    "ban-concurrent-index-creation-in-transaction": ("concurrently-in-transaction",),
    "ban-create-domain-with-constraint": (),
    "ban-detach-inheritance": (),
    "ban-disable-trigger": ("disable-trigger",),
    "ban-drop-column": ("drop-column", "drop-column-drops-constraint"),
    "ban-drop-constraint": ("drop-constraint", "drop-fk-locks-referenced-table"),
    "ban-drop-database": ("drop-schema-or-database",),
    "ban-drop-default": ("change-default", "add-column-default-then-drop-default"),
    "ban-drop-domain": ("drop-object",),
    "ban-drop-extension": ("drop-object",),
    "ban-drop-function": ("drop-object",),
    "ban-drop-not-null": ("drop-not-null",),
    "ban-drop-policy": ("drop-object",),
    "ban-drop-schema": ("drop-schema-or-database",),
    "ban-drop-sequence": ("drop-object",),
    "ban-drop-table": ("drop-table", "drop-partition-locks-parent"),
    "ban-drop-trigger": (),
    "ban-drop-type": ("drop-object",),
    "ban-drop-view": ("drop-object",),
    "ban-replace-view-function": (),
    "ban-replica-identity": ("replica-identity",),
    "ban-revoke": (),
    "ban-set-default": ("change-default",),
    "ban-set-schema": ("set-schema",),
    "ban-truncate": ("truncate",),
    "ban-truncate-cascade": ("truncate",),
    "ban-uncommitted-transaction": ("transaction-nesting",),
    "changing-column-type": (
        "column-type-rewrite",
        "type-change-rebuilds-index",
        "type-narrowing-data-loss",
        "timestamp-to-timestamptz",
    ),
    "constraint-missing-not-valid": (
        "check-without-not-valid",
        "fk-without-not-valid",
        "add-column-inline-check",
        "validate-in-same-transaction",
    ),
    "disallowed-unique-constraint": ("unique-without-index", "add-column-inline-unique"),
    "duplicate-column-assignment": ("duplicate-column-assignment",),
    "identifier-too-long": (),
    "prefer-bigint-over-int": (),
    "prefer-bigint-over-smallint": (),
    "prefer-big-int": (),
    "prefer-identity": (),
    "prefer-repack": ("vacuum-full-or-cluster",),
    "prefer-robust-stmts": ("not-rerunnable",),
    "prefer-text-field": (),
    "prefer-timestamptz": (),
    "renaming-column": ("rename-column",),
    "renaming-object": ("rename-object",),
    "renaming-table": ("rename-table",),
    "require-concurrent-detach-partition": ("detach-partition-not-concurrent",),
    "require-concurrent-index-creation": (
        "index-not-concurrent",
        "concurrent-index-on-partitioned-table",
    ),
    "require-concurrent-index-deletion": ("drop-index-not-concurrent",),
    "require-concurrent-refresh-materialized-view": ("refresh-materialized-view-not-concurrent",),
    "require-concurrent-reindex": ("reindex-not-concurrent",),
    "require-enum-value-ordering": (),
    "require-lock-timeout": ("missing-lock-timeout",),
    "require-statement-timeout": ("missing-lock-timeout",),
    "require-table-schema": (),
    "require-timeout-settings": ("missing-lock-timeout",),
    "transaction-nesting": ("transaction-nesting",),
    "syntax-error": (),
}
"""squawk's rule to ours; its style rules have no counterpart."""


@dataclass(frozen=True, slots=True)
class SquawkSettings:
    """What ``.squawk.toml`` says, in our terms."""

    disable: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    postgres: int | None = None
    assume_in_transaction: bool = False


def load(root: Path) -> SquawkSettings | None:
    """The settings of squawk in a repository, or None where there are none.

    Raises:
        InputError: the file is not TOML or holds a wrong type.
    """
    try:
        document = tomllib.loads((root / SETTINGS_FILE).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{SETTINGS_FILE}: cannot be read ({error}); mend or remove it") from None
    version = document.get("pg_version")
    major = re.match(r"[0-9]{1,4}", str(version))
    return SquawkSettings(
        disable=ours(_strings(document, "excluded_rules")),
        exclude=_strings(document, "excluded_paths"),
        postgres=int(major[0]) if major else None,
        assume_in_transaction=document.get("assume_in_transaction") is True,
    )


def ours(rules: Iterable[str]) -> tuple[str, ...]:
    """Our rules for squawk's; one that is unknown is left out, as it can ignore nothing here."""
    return tuple(dict.fromkeys(our for rule in rules for our in RULES.get(rule, ())))


def _strings(document: dict[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise InputError(f"{SETTINGS_FILE}: '{name}' must be a list of strings")
    return tuple(value)
