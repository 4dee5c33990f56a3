"""Casts and losses of a type change, held to what PostgreSQL does."""

from itertools import product

import psycopg
import pytest

from senior_backend.catalog.model import Catalog, Domain, Enum
from senior_backend.migrations import casts
from senior_backend.operations.names import Name, TypeName

CATALOG = Catalog(
    enums={Name("public", "mood"): Enum(Name("public", "mood"), ["good", "bad"])},
    domains={Name("public", "label"): Domain(Name("public", "label"), TypeName(None, "text"))},
)

BUILT_IN = """
    smallint, integer, bigint, numeric, real, double precision, money, oid, boolean,
    text, character varying, character, name, bit varying, bytea, uuid, json, jsonb, xml,
    date, interval, timestamp without time zone, timestamp with time zone,
    time without time zone, time with time zone, inet, cidr, macaddr, macaddr8,
    point, box, polygon, path, tsvector, tsquery
"""
TYPES = [
    *(TypeName(None, " ".join(name.split())) for name in BUILT_IN.split(",")),
    TypeName(None, "mood"),
    TypeName(None, "label"),
    TypeName(None, "integer", array=True),
    TypeName(None, "text", array=True),
    TypeName(None, "mood", array=True),
]


def test_assignable_is_what_alter_column_type_accepts(database_url: str) -> None:
    """Every pair of types, on an empty table."""
    wrong = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
        connection.execute("CREATE DOMAIN label AS text")
        for old, new in product(TYPES, TYPES):
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(
                        f"CREATE TEMP TABLE t (c {old}); ALTER TABLE t ALTER c TYPE {new}"
                    )
                accepted = True
            except psycopg.errors.DatatypeMismatch:
                accepted = False
            if casts.assignable(old, new, CATALOG) is not accepted:
                wrong.append(f"{old} -> {new}: PostgreSQL says {accepted}")
    assert wrong == []


@pytest.mark.parametrize("pair", [("geometry", "text"), ("text", "geometry"), ("vector", "uuid")])
def test_of_types_that_are_not_known_nothing_is_said(pair: tuple[str, str]) -> None:
    """Except that anything can be assigned to a string."""
    answer = casts.assignable(TypeName(None, pair[0]), TypeName(None, pair[1]), Catalog())
    assert answer is (True if pair[1] == "text" else None)


def name(text: str) -> TypeName:
    """``numeric(10,2)`` as a type name."""
    head, _, rest = text.partition("(")
    inside, _, tail = rest.partition(")")
    modifiers = tuple(int(m) for m in inside.split(",")) if inside else ()
    return TypeName(None, head + tail, modifiers)


LOSSES = [
    # old, new, a value of old, what happens to it
    ("bigint", "integer", "3000000000", "fails"),
    ("integer", "smallint", "70000", "fails"),
    ("integer", "bigint", "70000", "kept"),
    ("character varying(20)", "character varying(5)", "'abcdefgh'", "fails"),
    ("text", "character varying(5)", "'abcdefgh'", "fails"),
    ("text", "character(5)", "'abcdefgh'", "fails"),
    ("character varying(5)", "character varying(20)", "'abc'", "kept"),
    ("character varying(5)", "character varying", "'abc'", "kept"),
    ("character varying(5)", "text", "'abc'", "kept"),
    ("numeric(10,2)", "numeric(12,2)", "9.99", "kept"),
    ("numeric(10,2)", "numeric(12,4)", "9.99", "kept"),
    ("numeric(10,2)", "numeric", "9.99", "kept"),
    ("numeric(10,2)", "numeric(10,1)", "9.99", "changed"),
    ("numeric(10,2)", "numeric(5,2)", "99999.99", "fails"),
    ("numeric", "numeric(10,2)", "9.999", "changed"),
    ("integer", "numeric(5,2)", "2000000", "fails"),
    ("integer", "numeric(10,0)", "2000000000", "kept"),
    ("numeric(10,2)", "integer", "9.99", "changed"),
    ("double precision", "bigint", "9.99", "changed"),
    ("double precision", "real", "0.123456789012", "changed"),
    ("bigint", "double precision", "9007199254740993", "changed"),
    ("integer", "double precision", "2147483647", "kept"),
    ("integer", "real", "16777217", "changed"),
    ("smallint", "real", "32767", "kept"),
    ("bit varying(8)", "bit varying(4)", "B'10101010'", "fails"),
    ("bit varying(4)", "bit varying(8)", "B'1010'", "kept"),
    ("timestamp without time zone", "date", "'2026-01-02 03:04:05'", "changed"),
    ("timestamp without time zone", "time without time zone", "'2026-01-02 03:04:05'", "changed"),
    ("timestamp without time zone", "timestamp(0) without time zone", "'2026-01-02 03:04:05.6'",
     "changed"),
    ("timestamp(0) with time zone", "timestamp(3) with time zone", "'2026-01-02 03:04:05'", "kept"),
    ("date", "timestamp without time zone", "'2026-01-02'", "kept"),
    ("time without time zone", "time(0) without time zone", "'03:04:05.6'", "changed"),
    ("interval", "time without time zone", "'2 days 03:00'", "changed"),
    ("interval", "interval(0)", "'1.6 seconds'", "changed"),
]  # fmt: skip


def test_loss_is_what_happens_to_a_value(database_url: str) -> None:
    """A loss is silent where the value is changed, loud where the statement fails."""
    wrong = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        for old, new, value, expected in LOSSES:
            seen = _happens(connection, old, new, value)
            loss = casts.loss(name(old), name(new), Catalog())
            said = "kept" if loss is None else "changed" if loss.silent else "fails"
            if not seen == said == expected:
                wrong.append(f"{old} -> {new}: PostgreSQL {seen}, we {said}, expected {expected}")
    assert wrong == []


def _happens(connection: psycopg.Connection, old: str, new: str, value: str) -> str:
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE TABLE t (c {old}, was {old})")
        connection.execute(f"INSERT INTO t VALUES ({value}, {value})")
        try:
            connection.execute(f"ALTER TABLE t ALTER c TYPE {new}")
        except psycopg.errors.DataError:
            return "fails"
        try:
            row = connection.execute(f"SELECT c::{old} = was FROM t").fetchone()
        except psycopg.errors.CannotCoerce:  # from time to timestamp: there is no way back
            return "changed"
        return "kept" if row == (True,) else "changed"


def test_an_explicit_cast_cuts_strings_without_an_error() -> None:
    """``USING c::varchar(5)``: not an assignment."""
    loss = casts.loss(name("text"), name("character varying(5)"), Catalog(), cast=True)
    assert loss is not None
    assert loss.silent


def test_a_domain_is_what_lies_below_it() -> None:
    """``label`` is text."""
    assert casts.base(TypeName(None, "label"), CATALOG) == TypeName(None, "text")
