"""What the rows of a database are worth: whether a down gives back not only columns but values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from senior_backend.migrations.rollback.comparing.compare import short
from senior_backend.migrations.rollback.comparing.snapshot import results
from senior_backend.postgres.session import Session, StatementError, quoted

_TABLES: Final = """
select t.oid::int8, t.oid::regclass::text,
       array(select a.attname::text from pg_attribute a where a.attrelid = t.oid and a.attnum > 0
             and not a.attisdropped order by a.attname),
       t.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = t.oid)
from pg_class t join pg_namespace n on n.oid = t.relnamespace
where t.relkind in ('r', 'p') and not t.relispartition and t.relpersistence <> 't'
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and has_table_privilege(t.oid, 'select')
order by 2
"""
_SEQUENCES: Final = """
select s.seqrelid::regclass::text, s.seqincrement
from pg_sequence s join pg_class c on c.oid = s.seqrelid
where c.relpersistence <> 't' and has_sequence_privilege(s.seqrelid, 'select')
order by 1
"""
_SETTINGS: Final = """
set search_path = ''; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
set timezone = 'UTC'; set bytea_output = 'hex'; set extra_float_digits = 1;
set statement_timeout = 0
"""


@dataclass(frozen=True, slots=True)
class TableRows:
    """How many rows, and for each column how many values and a hash of them, in no order."""

    count: int
    columns: Mapping[str, tuple[int, str]]
    whole: str
    """A hash of whole rows: values may change places within a column."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Of all tables; and of each sequence its next value and its step."""

    tables: Mapping[str, TableRows]
    sequences: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Loss:
    """Something in a table or sequence that the down did not give back, in a few words."""

    object: str
    reason: str

    def __str__(self) -> str:
        return f"{self.object}: {self.reason}"

    def as_json(self) -> dict[str, Any]:
        """The form of ``lost`` in the published proof."""
        return {"object": self.object, "reason": self.reason}


def tables(url: str) -> tuple[str, ...]:
    """Those that can hold rows of their own, with their schema."""
    with Session(url) as session:
        session.execute(_SETTINGS)
        return tuple(name for _, name, _, _ in session.execute(_TABLES))


def read(url: str) -> Rows:
    """Hash the rows of every table that the role may read.

    Raises:
        NotRunError: the database does not answer.
    """
    with Session(url) as session:
        session.execute(_SETTINGS)
        found = {}
        named = session.execute(_TABLES)
        try:
            read = results(session, ";".join(_query(*row) for row in named))
        except StatementError:
            # One of them cannot be read (a policy, a foreign server): the others still can.
            read = [_read_one(session, _query(*row)) for row in named]
        for (_, name, columns, _), rows in zip(named, read, strict=True):
            if rows:
                found[name] = _table(columns, rows[0])
        sequences = {}
        for name, step in session.execute(_SEQUENCES):
            ((last, is_called),) = session.execute(f"select last_value, is_called from {name}")  # noqa: S608
            sequences[name] = (last + step if is_called else last, step)
    return Rows(found, sequences)


def _read_one(session: Session, query: str) -> list[tuple[Any, ...]]:
    try:
        return session.execute(query)
    except StatementError:
        return []


def _query(_oid: int, name: str, columns: list[str], has_children: bool) -> str:
    parts = ["count(*)"]
    for column in map(quoted, columns):
        parts.append(f"count({column})")
        parts.append(f"coalesce(sum(hashtextextended({column}::text, 0)), 0)::text")
    whole = f"row({', '.join(map(quoted, columns))})::text"
    parts.append(f"coalesce(sum(hashtextextended({whole}, 0)), 0)::text")
    only = "only " if has_children else ""
    return f"select {', '.join(parts)} from {only}{name}"  # noqa: S608


def _table(columns: list[str], row: tuple[Any, ...]) -> TableRows:
    values = {name: (row[1 + 2 * at], str(row[2 + 2 * at])) for at, name in enumerate(columns)}
    return TableRows(row[0], values, str(row[-1]))


def lost(before: Rows, after: Rows) -> tuple[Loss, ...]:
    """What was there and is not any more, or not as it was.

    A sequence that went on is no loss: no rollback takes numbers back, and a gap harms nobody. One
    that was set back is: it gives numbers out again that rows have.
    """
    return (*_lost_rows(before, after), *_lost_numbers(before, after))


def _lost_rows(before: Rows, after: Rows) -> Iterator[Loss]:
    for name, old in before.tables.items():
        new = after.tables.get(name)
        table = short(name)
        if new is None:
            if old.count:
                yield Loss(table, f"{_counted(old.count)} gone with the table")
            continue
        if old.count != new.count:
            yield Loss(table, f"{_counted(old.count)} before, {new.count} after")
            continue
        changed = False
        for column, (count, value) in old.columns.items():
            there = new.columns.get(column)
            if there is None:
                if count:
                    changed = True
                    yield Loss(f"{table}.{column}", f"{_values(count)} gone with the column")
            elif (count, value) != there:
                changed = True
                yield Loss(f"{table}.{column}", _changed(count, there[0]))
        if not changed and old.columns.keys() == new.columns.keys() and old.whole != new.whole:
            yield Loss(table, "values are in other rows than before")


def _changed(before: int, after: int) -> str:
    if before == after:
        return f"{_values(before)} not those before"
    if not after:
        return f"{_values(before)} lost: all are null"
    return f"{_values(before)} before, {after} after"


def _lost_numbers(before: Rows, after: Rows) -> Iterator[Loss]:
    for name, (old, step) in before.sequences.items():
        new = after.sequences.get(name, (old, step))[0]
        if (new - old) * (1 if step > 0 else -1) < 0:
            yield Loss(
                f"sequence {short(name)}",
                f"set back: its next number was {old} and is {new}, so numbers come twice",
            )


def _counted(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _values(count: int) -> str:
    return f"{count} value{'' if count == 1 else 's'}"
