"""From what there is before and after a migration to the SQL that leads back: pure.

What came is unmade, the last first; what changed is set as it was; what went is made again by the
server's own definition of it. Rows are never made up: what held them is refused, with a recipe.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from senior_backend.migrations.rollback.downs.inventory import Inventory, Thing
from senior_backend.sql import keywords
from senior_backend.sql.identifiers import quote_identifier

_BY_PARENT: Final = frozenset(
    {"type", "default", "NOT NULL", "storage", "statistics target", "option"}
)
"""Properties that a column or an index has again when it is made again."""
_KEPT: Final = frozenset(
    {"type", "default", "NOT NULL", "storage", "statistics target", "option", "persistence"}
    | {"owner", "function", "procedure", "comment", "identity"}
)
"""Kinds that are set to what they were; others are unmade and made again."""
_WIDER: Final = ("smallint", "integer", "bigint", "numeric")
_TEXT: Final = re.compile(r"character varying\((\d+)\)|text|character varying")
_WORDS: Final = frozenset(
    """add alter always as attach by cache cascade check collate column comment constraint create
    cycle default deferrable deferred delete detach domain drop enable disable enum execute exists
    extension for force foreign from function generated grant identity if increment index inherit
    initially insert is key level logged materialized maxvalue minvalue no not null of on or owner
    partition policy primary procedure references rename replace reset restrict revoke routine row
    rule schema security select sequence set start statistics storage stored table temporary to
    trigger type unique unlogged update using valid view virtual with""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Reversal:
    """``statements`` in the order in which to run them; or why not all can be taken back."""

    statements: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    recipe: str = ""
    """What to add to the up, and the down that goes with it; empty when there is none."""
    plain: frozenset[str] = frozenset()
    """Those of its statements about indexes that PostgreSQL refuses to run CONCURRENTLY."""


def renames(before: Inventory, after: Inventory) -> tuple[str, ...]:
    """What gives everything the name that it had."""
    return tuple(
        spelled(thing.rename.replace("%s", quote_identifier(before[key].name)))
        for key, thing in sorted(after.items(), key=lambda item: -item[1].rank)
        if key in before and thing.rename is not None and before[key].name != thing.name
    )


def reverse(before: Inventory, after: Inventory, *, replacing: bool = False) -> Reversal:
    """The way back, where everything has the name that it had.

    ``replacing``: views by CREATE OR REPLACE, which keeps what depends on them, and is refused
    where a column has come.
    """
    refused = tuple(_refused(before, after))
    if refused:
        return Reversal((), refused, _recipe(before, after))
    came = [thing for key, thing in after.items() if key not in before]
    unmade = [t for t in came if t.unmake and not _is_part(t, after, before)]
    went = [t for key, t in before.items() if key not in after and not _comes_along(t, after)]
    changed = [(t, after[key]) for key, t in before.items() if _is_changed(t, after.get(key))]
    settable = _KEPT | {"view"} if replacing else _KEPT
    again = [(old, new) for old, new in changed if old.kind not in settable]
    kept = [old for old, _ in changed if old.kind in settable]
    made = {old.key for old, _ in again}
    unmade = [one for one in unmade if one.parent not in made or one.kind not in _BY_PARENT]
    kept = [old for old in kept if old.parent not in made or old.kind not in _BY_PARENT]
    parts = [t for k, t in before.items() if t.parent in made and k in after and k not in made]
    went += [part for part in parts if part.unmake is not None and part.kind not in _BY_PARENT]
    statements = [
        *(t.unmake for t in sorted([*unmade, *(new for _, new in again)], key=_last_first)),
        *(_set(t) for t in sorted(kept, key=_first_first)),
        *(_made(t) for t in sorted([*went, *(old for old, _ in again)], key=_first_first)),
    ]
    partitioned = [
        text
        for thing in (*before.values(), *after.values())
        if thing.kind == "index" and " ON ONLY " in (thing.make or "")
        for text in (_made(thing), thing.unmake)
    ]
    return Reversal(
        tuple(spelled(text) for text in statements if text),
        plain=frozenset(spelled(text) for text in partitioned if text),
    )


def _number(thing: Thing) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", thing.key))


def _first_first(thing: Thing) -> tuple[int, tuple[int, ...]]:
    return thing.rank, _number(thing)


def _last_first(thing: Thing) -> tuple[int, tuple[int, ...]]:
    return -thing.rank, tuple(-n for n in _number(thing))


def _is_part(thing: Thing, after: Inventory, before: Inventory) -> bool:
    """Whether it goes with what it is part of."""
    parent = after.get(thing.parent)
    return parent is not None and parent.key not in before


def _comes_along(thing: Thing, after: Inventory) -> bool:
    """Whether it comes with what it is part of."""
    gone = bool(thing.parent) and thing.parent not in after
    return thing.make is None or (gone and thing.kind in _BY_PARENT) or thing.unmake is None


def _is_changed(old: Thing, new: Thing | None) -> bool:
    return new is not None and None not in (old.make, new.make) and old.make != new.make


def _made(thing: Thing) -> str | None:
    made = thing.make
    if made is not None and thing.kind == "index":
        return made.replace(" ON ONLY ", " ON ", 1)  # with those of the partitions
    return made.replace("create or replace view", "create view", 1) if made else made


def _set(thing: Thing) -> str | None:
    if thing.kind == "identity" and thing.make is not None:
        return thing.make.replace("add generated", "set generated").removesuffix(" as identity")
    if thing.kind != "type" or thing.make is None:
        return thing.make
    column = re.search(r"alter column (.*) type ", thing.make)
    return f"{thing.make} using {column[1]}::{thing.name}" if column else thing.make


def _refused(before: Inventory, after: Inventory) -> Iterator[str]:
    for key, old in before.items():
        new = after.get(key)
        if new is None and old.parent not in before:
            if old.kind == "table":
                yield f"the rows of table {old.name} are gone"
            elif old.kind == "sequence":
                yield f"where sequence {old.name} stood is gone"
        elif new is None and old.kind == "column" and old.make is None and old.parent in after:
            yield f"the values of column {before[old.parent].name}.{old.name} are gone"
        elif new is not None and old.make != new.make:
            if old.kind == "enum":
                yield f"enum {old.name} was changed: PostgreSQL cannot take a value out of one"
            elif old.kind in ("composite type", "domain", "sequence"):
                yield f"the {old.kind} {old.name} was changed: write by hand what it was"
            elif old.kind == "type" and not _holds(new.name, old.name):
                column = before[old.parent]
                yield (
                    f"{before[column.parent].name}.{column.name} may have lost values when "
                    f"{old.name} became {new.name}"
                )


def _holds(wider: str, narrower: str) -> bool:
    """Whether every value of a type was kept when it became another."""
    if wider == narrower:
        return True  # only the collation
    if wider in _WIDER and narrower in _WIDER:
        return _WIDER.index(wider) > _WIDER.index(narrower)
    big, small = _TEXT.fullmatch(wider), _TEXT.fullmatch(narrower)
    if big is None or small is None:
        return False
    return big[1] is None or (small[1] is not None and int(big[1]) >= int(small[1]))


def _recipe(before: Inventory, after: Inventory) -> str:
    """How to keep what is dropped, as a text for people."""
    for key, old in before.items():
        if key in after:
            continue
        if old.kind == "table":
            kept = quote_identifier(f"{old.name[:54]}_dropped")
            own = old.unmake.removeprefix("drop table ") if old.unmake else old.name
            return (
                "to be able to go back, rename the table instead, and drop it in a later "
                f"migration.\n  up:   ALTER TABLE {own} RENAME TO {kept};\n"
                f"  down: ALTER TABLE {kept} RENAME TO {quote_identifier(old.name)};"
            )
        if old.kind == "column" and old.parent in after:
            return _column_recipe(before, old)
    return ""


def _column_recipe(before: Inventory, column: Thing) -> str:
    table = before[column.parent]
    own = (table.unmake or "").removeprefix("drop table ")
    keys = (
        re.search(r"PRIMARY KEY \((.*?)\)", thing.make or "")
        for thing in before.values()
        if thing.kind == "constraint" and thing.parent == table.key
    )
    key = next((found[1] for found in keys if found), "")
    if not key:
        return ""
    name = quote_identifier(column.name)
    kept = quote_identifier(f"{table.name[:28]}_{column.name[:28]}_kept")
    here = f"({key}) = ({', '.join(f'kept.{part.strip()}' for part in key.split(','))})"
    here = here.replace(f"({key})", f"({', '.join(f't.{p.strip()}' for p in key.split(','))})", 1)
    properties = [
        thing.make
        for thing in before.values()
        if thing.parent == column.key and thing.kind in ("default", "NOT NULL") and thing.make
    ]
    kind = next(t.name for t in before.values() if t.parent == column.key and t.kind == "type")
    filled = (
        f"UPDATE {own} AS t SET {name} = kept.{name} "  # noqa: S608 - names from the catalog
        f"FROM {kept} AS kept WHERE {here};"
    )
    lines = [
        f"ALTER TABLE {own} ADD COLUMN {name} {kind};",
        filled,
        *(f"{spelled(text)};" for text in properties),
        f"DROP TABLE {kept};",
    ]
    keep = f"CREATE TABLE {kept} AS SELECT {key}, {name} FROM {own};"  # noqa: S608 - as above
    down = "\n        ".join(lines)
    return f"to be able to go back, keep its values.\n  up, before the drop: {keep}\n  down: {down}"


def spelled(statement: str) -> str:
    """With its key words in capitals; names, strings and bodies as they are."""
    data = statement.encode()
    pieces, at = [], 0
    for word, (start, end) in keywords.everywhere(data):
        if word in _WORDS:
            pieces += [data[at:start], word.upper().encode()]
            at = end
    return b"".join([*pieces, data[at:]]).decode().strip()
