"""Switching from squawk: its settings file, its ignore comments, its rules' names.

Sources: squawk's documentation, "Configuration" and "Rules" (names only).
"""

import difflib
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
    "ban-add-column": (),
    "ban-add-composite-attribute": (),
    "ban-add-enum-value": ("enum-value-used-in-same-transaction",),
    "ban-alter-database-options": (),
    "ban-alter-domain-with-add-constraint": ("domain-constraint",),
    "ban-alter-extension": (),
    "ban-alter-function-options": (),
    "ban-alter-generated-expression": ("set-expression-rewrite",),
    "ban-alter-identity": ("alter-identity",),
    "ban-alter-policy-condition": (),
    "ban-alter-policy-roles": (),
    "ban-alter-role-options": (),
    "ban-alter-row-level-security": ("enable-row-security-without-policy",),
    "ban-alter-sequence-values": ("alter-identity",),
    "ban-alter-system-options": (),
    "ban-alter-view-options": (),
    "ban-char-field": (),
    "ban-concurrent-index-creation-in-transaction": ("concurrently-in-transaction",),
    "ban-create-domain-with-constraint": (),
    "ban-create-policy": (),
    "ban-detach-inheritance": (),
    "ban-disable-trigger": ("disable-trigger",),
    "ban-drop-column": ("drop-column", "drop-column-drops-constraint"),
    "ban-drop-constraint": ("drop-constraint", "drop-fk-locks-referenced-table"),
    "ban-drop-database": ("drop-schema-or-database",),
    "ban-drop-default": ("change-default", "add-column-default-then-drop-default"),
    "ban-drop-domain": ("drop-object",),
    "ban-drop-extension": ("drop-object",),
    "ban-drop-function": ("drop-object",),
    "ban-drop-generated-expression": (),
    "ban-drop-index": (),
    "ban-drop-not-null": ("drop-not-null",),
    "ban-drop-policy": ("drop-object",),
    "ban-drop-schema": ("drop-schema-or-database",),
    "ban-drop-sequence": ("drop-object",),
    "ban-drop-table": ("drop-table", "drop-partition-locks-parent"),
    "ban-drop-trigger": (),
    "ban-drop-type": ("drop-object",),
    "ban-drop-view": ("drop-object",),
    "ban-new-write-restriction": (),
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
    "prefer-timestamp-tz": (),
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
    "require-concurrent-partition-detach": ("detach-partition-not-concurrent",),
    "require-concurrent-reindex": ("reindex-not-concurrent",),
    "require-enum-value-ordering": (),
    "require-lock-timeout": ("missing-lock-timeout",),
    "require-statement-timeout": ("missing-lock-timeout",),
    "require-table-schema": (),
    "require-timeout-settings": ("missing-lock-timeout",),
    "transaction-nesting": ("transaction-nesting",),
    "syntax-error": (),
    "unused-ignore": (),
}
"""squawk's rule to ours, of 2.70 and before; its style rules have no counterpart."""


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
        InputError: the file is not TOML or holds a wrong type, rule or version.
    """
    try:
        document = tomllib.loads((root / SETTINGS_FILE).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{SETTINGS_FILE}: cannot be read ({error}); mend or remove it") from None
    excluded = _strings(document, "excluded_rules")
    for rule in excluded:
        if rule not in RULES:
            raise InputError(f"{SETTINGS_FILE}: 'excluded_rules': {unknown_rule(rule)}")
    return SquawkSettings(
        disable=ours(excluded),
        exclude=_strings(document, "excluded_paths"),
        postgres=_major(document.get("pg_version")),
        assume_in_transaction=document.get("assume_in_transaction") is True,
    )


def ours(rules: Iterable[str]) -> tuple[str, ...]:
    """Our rules for squawk's; one that is unknown is left out, as it can ignore nothing here."""
    return tuple(dict.fromkeys(our for rule in rules for our in RULES.get(rule, ())))


def unknown_rule(rule: str) -> str:
    """What to say of a rule that squawk does not have."""
    near = difflib.get_close_matches(rule, RULES, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "https://squawkhq.com/docs/rules lists them"
    return f"squawk has no rule '{rule}'; {hint}"


def _major(version: object) -> int | None:
    if version is None:
        return None
    text = str(version)
    match = re.fullmatch(r"([0-9]{1,4})(\.[0-9]{1,4})*", text)
    if match is None or isinstance(version, bool):
        raise InputError(
            f"{SETTINGS_FILE}: 'pg_version' is no version: {text[:40]!r}; "
            'write it as "16" or "16.1"'
        )
    return int(match[1])


def _strings(document: dict[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise InputError(f"{SETTINGS_FILE}: '{name}' must be a list of strings")
    return tuple(value)
