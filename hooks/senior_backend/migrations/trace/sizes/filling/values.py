"""Values by type: expressions of the number of a row, for the server to work out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from senior_backend.migrations.trace.sizes.filling import patterns
from senior_backend.migrations.trace.sizes.filling.shape import Type

ROW: Final = "\x01"
"""Stands in an expression for the number of the row, a bigint from 1."""

_SHUFFLED: Final = f"({ROW} * 2654435761)"
"""Row numbers in no order, each once: what is sorted already is indexed faster than real rows."""
_TEXT_TYPES: Final = frozenset(("text", "varchar", "bpchar", "name", "citext"))
_INTEGERS: Final = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1, "oid": 2**32 - 1}
_FRACTIONS: Final = frozenset(("numeric", "float4", "float8", "money"))
_MOST_LITERALS: Final = 40
_LONGEST: Final = 10_000
"""The greatest number that is taken for a wanted length."""
_FEW: Final = 5
_WAYS: Final = 40
_VECTORS: Final = frozenset(("vector", "halfvec"))


@dataclass(frozen=True, slots=True)
class Values:
    """``expression`` with ``ROW`` in it; ``distinct``: for how many rows the values differ."""

    expression: str
    distinct: float = inf

    def at(self, row: str) -> str:
        """The expression for a row whose number is the SQL ``row``."""
        return self.expression.replace(ROW, row)


@dataclass(frozen=True, slots=True)
class Hints:
    """What the conditions on a column name: its literals may be values, bounds, lengths, forms."""

    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def hints(conditions: Iterable[str]) -> Hints:
    """The literals of SQL conditions."""
    texts: dict[str, None] = {}
    numbers: dict[str, None] = {}
    for condition in conditions:
        for literal in re.findall(r"'((?:[^']|'')*)'", condition):
            text = literal.replace("''", "'")
            texts[text] = None
            if re.fullmatch(r"-?\d+(\.\d+)?", text):
                numbers[text] = None
            elif text.startswith("{") and text.endswith("}"):
                texts.update(dict.fromkeys(part.strip('"') for part in text[1:-1].split(",")))
        bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", " ", condition)
        for number in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", bare):
            numbers[number] = None
    return Hints(tuple(texts)[:_MOST_LITERALS], tuple(numbers)[:_MOST_LITERALS])


def candidates(type_: Type, said: Hints, *, unique: bool) -> list[Values]:
    """Values of a type, the most usual first; with ``unique``, those that are all different first.

    Which of them the conditions on the column allow is for the server to say.
    """
    found = [
        Values(_cast(values.expression, type_), values.distinct) for values in _raw(type_, said)
    ]
    if unique:
        found.sort(key=lambda values: -values.distinct)
    return list({values.expression: values for values in found}.values())


def literal(text: str) -> str:
    """An SQL string."""
    escape = "E" if "\\" in text else ""
    return f"{escape}'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _cast(expression: str, type_: Type) -> str:
    base = type_.base
    name = base.name
    if base.internal in ("bit", "varbit") and base.modifier > 0:
        name = f"{name}({base.modifier})"
    return f"({expression})::{name}"


def _raw(type_: Type, said: Hints) -> Iterator[Values]:
    base = type_.base
    if base.kind == "enum":
        yield from _of_enum(base, said)
    elif base.kind == "array":
        yield from _of_array(base, said)
    elif base.kind == "composite":
        yield from _of_composite(base)
    elif base.kind in ("range", "multirange"):
        yield from _of_range(base)
    elif base.internal in _TEXT_TYPES:
        yield from _of_text(base, said)
    elif base.internal in _INTEGERS or base.internal in _FRACTIONS:
        yield from _of_number(base, said)
    elif base.internal in _MOMENTS:
        yield from _of_moment(base, said)
    elif base.internal in ("json", "jsonb"):
        yield from _of_json(said)
    elif base.internal in ("bit", "varbit"):
        yield from _of_bits(base, said)
    elif base.internal in _VECTORS and base.modifier > 0:
        yield _constant("[" + ",".join(["1"] * base.modifier) + "]")
    else:
        yield from _OTHERS.get(base.internal, ())
    if base.internal not in _TEXT_TYPES:
        yield from _pool(said.texts)
        yield from map(_constant, _LAST_RESORT)


def _constant(text: str) -> Values:
    return Values(literal(text), 1)


def _pool(texts: Sequence[str]) -> Iterator[Values]:
    """Each of them alone: which are allowed is asked one by one, then they are joined."""
    for text in texts:
        yield _constant(text)


def chosen_of(expressions: Sequence[str], type_: Type) -> Values:
    """One of some constants after the other."""
    if len(expressions) == 1:
        return Values(expressions[0], 1)
    count = len(expressions)
    if type_.base.kind == "array":
        cases = " ".join(f"when {n} then {e}" for n, e in enumerate(expressions))
        return Values(f"case {ROW} % {count} {cases} end", count)
    return Values(f"(array[{', '.join(expressions)}])[1 + ({ROW} % {count})::int]", count)


def _of_enum(base: Type, said: Hints) -> Iterator[Values]:
    if base.labels:
        constants = [f"{literal(label)}::{base.name}" for label in base.labels]
        yield chosen_of(constants, base)
    for label in base.labels:
        yield _constant(label)


def _of_composite(base: Type) -> Iterator[Values]:
    fields = [candidates(part, _own_hints(part), unique=False) for part in base.parts]
    for number in range(min(_WAYS, max(map(len, fields), default=1))):
        chosen = [some[min(number, len(some) - 1)] for some in fields]
        row = ", ".join(
            f"({values.expression})::{part.name}"
            for values, part in zip(chosen, base.parts, strict=True)
        )
        yield Values(f"row({row})", max((values.distinct for values in chosen), default=1))


def _own_hints(type_: Type) -> Hints:
    """What the domains that a type is made of say."""
    conditions: list[str] = []
    while type_.kind == "domain":
        conditions += type_.checks
        type_ = type_.parts[0]
    return hints(conditions)


def _of_array(base: Type, said: Hints) -> Iterator[Values]:
    element = base.parts[0]
    own = _own_hints(element)
    known = Hints((*own.texts, *said.texts), (*own.numbers, *said.numbers))
    inner = candidates(element, known, unique=False)
    some = inner[: len(inner) if known.texts or known.numbers else 2]
    wanted = _lengths(known)
    for values in some:
        one = f"({values.expression})::{element.name}"
        for length in dict.fromkeys((2, *wanted, 1)):
            if length:
                yield Values(f"array_fill({one}, array[{length}])" if length > _FEW else
                             f"array[{', '.join([one] * length)}]", values.distinct)  # fmt: skip
    yield _constant("{}")


def _lengths(said: Hints) -> list[int]:
    """Numbers that may be meant as a length, or as the greatest that is too short."""
    given = [int(n) for n in said.numbers if n.isdigit() and int(n) <= _LONGEST]
    return [n for n in dict.fromkeys(n + more for more in (0, 1) for n in given) if n]


def _of_range(base: Type) -> Iterator[Values]:
    span = base if base.kind == "range" else base.parts[0]
    bound = span.parts[0]
    step = _ascending(bound)
    if step is None:
        return
    low, high = (step.replace(ROW, f"({ROW} * 2 + {n})") for n in (0, 1))
    made = f"{span.name}({low}, {high})"
    yield Values(made if base.kind == "range" else f"{base.name}({made})")


def _ascending(type_: Type) -> str | None:
    """An expression whose values grow with the number of the row."""
    base = type_.base
    if base.internal in _INTEGERS or base.internal in _FRACTIONS:
        return f"({ROW})::{base.name}"
    if base.internal in _MOMENTS:
        return f"({_MOMENTS[base.internal].format(row=ROW)})::{base.name}"
    if base.internal in _TEXT_TYPES:
        return f"lpad(({ROW})::text, 10, '0')::{base.name}"
    if base.internal in ("inet", "cidr"):
        return f"('10.0.0.0'::inet + ({ROW}))::{base.name}"
    return None


def _of_text(base: Type, said: Hints) -> Iterator[Values]:
    limit = base.modifier - 4 if base.modifier > 4 else (63 if base.internal == "name" else None)
    if limit is None or limit >= 32:
        yield Values(f"md5(({ROW})::text)")
    elif limit >= 8:
        yield Values(f"substr(md5(({ROW})::text), 1, {limit})", 16.0**limit / 1e6)
    if limit is not None and limit < 32:
        yield _spelled([_ALPHABET] * limit)
    for text in said.texts:
        if "%" in text or "_" in text:
            yield Values(f"replace({literal(text.replace('_', 'x'))}, '%', ({ROW})::text)")
        try:
            places = patterns.positions(text)
        except patterns.TooComplexError:
            continue
        if any(len(place) > 1 for place in places):
            yield _spelled(places)
    for length in _lengths(said):
        yield _spelled([_ALPHABET] * min(length, 12), filler=length - min(length, 12))
        yield Values(f"lpad(({ROW})::text, {length}, '0')", 10.0 ** min(length, 15))
    yield from (Values(expression) for expression in _TEXTS)
    yield from _pool(said.texts)
    yield from map(_constant, _WORDS)


_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def _spelled(places: Sequence[str], filler: int = 0) -> Values:
    """A text in which each place takes its characters in turn, the last place the fastest."""
    pieces: list[str] = []
    stride = 1
    for characters in reversed(places):
        if len(characters) == 1:
            pieces.append(literal(characters))
        elif stride > 2**52:
            pieces.append(literal(characters[0]))
        else:
            index = f"({ROW} / {stride})" if stride > 1 else ROW
            pieces.append(
                f"substr({literal(characters)}, 1 + ({index} % {len(characters)})::int, 1)"
            )
            stride *= len(characters)
    pieces += [literal("x" * filler)] if filler else []
    return Values(" || ".join(reversed(pieces)) or "''", stride)


_TEXTS: Final = (
    f"'user' || ({ROW})::text || '@example.com'",
    f"'item-' || ({ROW})::text",
    f"lpad(({ROW})::text, 10, '0')",
    f"({ROW})::text",
    f"'https://example.com/' || ({ROW})::text",
    f"'ITEM_' || ({ROW})::text",
    f"'+1555' || lpad(({ROW})::text, 7, '0')",
    f"translate(({ROW})::text, '0123456789', 'abcdefghij')",
    f"translate(({ROW})::text, '0123456789', 'ABCDEFGHIJ')",
    f"'#' || lpad(to_hex(({ROW}) % 16777216), 6, '0')",
    f"md5(({ROW})::text)::uuid::text",
    f"'1.0.' || ({ROW})::text",
    f"'/' || ({ROW})::text",
    f"upper(md5(({ROW})::text))",
    f"repeat(md5(({ROW})::text), 8)",
    f"'item_' || translate(({ROW})::text, '0123456789', 'abcdefghij')",
    f"'{{\"n\": ' || ({ROW})::text || '}}'",
    f"'10.' || ({ROW} / 65536 % 256) || '.' || ({ROW} / 256 % 256) || '.' || ({ROW} % 256)",
)
_WORDS: Final = (
    "", "a", "A", "en", "en-US", "US", "USA", "EUR", "UTC", "true", "2024-01-01", "{}", "[]",
    "a.b", "Name Surname", "example.com", "GET", "active", "0", "1",
)  # fmt: skip


def _of_number(base: Type, said: Hints) -> Iterator[Values]:
    most = _INTEGERS.get(base.internal, 2**53)
    precision, scale = _digits(base)
    # Multiplied by what has no factor in common with the modulus, so that none comes twice.
    if precision is not None:
        size = 10 ** min(precision, 18)
        yield Values(f"({_SHUFFLED} % {size})::numeric / {10**scale}", size)
    elif base.internal in _FRACTIONS:
        yield Values(f"({_SHUFFLED} % 100000000)::numeric / 100", 10**8)
    else:
        size = 2**14 if most < 2**20 else 2**20
        yield Values(f"{_SHUFFLED} % {size}", size)
    yield Values(f"({ROW} - 1) % {most} + 1" if most < 2**40 else ROW, most)
    numbers = list(dict.fromkeys(said.numbers))
    # Lists first: `in (1, 2, 3)`; the forms that begin or end at a bound after it.
    for number in numbers:
        yield Values(number, 1)
    whole = sorted({int(float(n)) for n in numbers if abs(float(n)) <= 2**52})
    for low, high in ((a, b) for a in whole for b in whole if a < b):
        yield Values(f"{low} + {ROW} % {high - low + 1}", high - low + 1)
        yield Values(f"{low} + {ROW} % {high - low}", high - low)
    for number in numbers:
        yield Values(f"{number} + {ROW}", most / 2)
        yield Values(f"{number} - {ROW}", most / 2)
        if float(number):
            yield Values(f"{number} * {ROW}", most / 2**10)
        yield Values(f"{number} + {ROW} % 10", 10)
        yield Values(f"{number} - {ROW} % 10", 10)
    if numbers:
        array = f"(array[{', '.join(numbers)}]::numeric[])[1 + ({ROW} % {len(numbers)})::int]"
        yield Values(f"{array} + ({ROW} / {len(numbers)})", most / 2)
    yield Values(f"{ROW} % 100", 100)
    yield Values(f"{ROW} % 100 + 1000", 100)
    yield Values(f"1 + {ROW} % 5", 5)
    yield Values(f"{ROW} % 2", 2)
    yield Values(f"-({ROW})", most)
    yield Values(f"2000 + {ROW} % 25", 25)
    yield Values(f"2 * ({ROW})", most / 2)
    if base.internal in _FRACTIONS:
        yield Values(f"({ROW} % 100)::numeric / 100", 100)
    yield Values("1", 1)
    yield Values("0", 1)


def _digits(base: Type) -> tuple[int | None, int]:
    if base.internal != "numeric" or base.modifier < 4:
        return None, 0
    precision, scale = (base.modifier - 4) >> 16, (base.modifier - 4) & 0x7FF
    return precision, scale if scale < 1024 else 0


_MOMENTS: Final = {
    "date": "date '2000-01-01' + ({row})::int",
    "timestamp": "timestamp '2000-01-01' + ({row}) * interval '1 minute'",
    "timestamptz": "timestamptz '2000-01-01 00:00:00+00' + ({row}) * interval '1 minute'",
    "time": "time '00:00' + ({row}) % 86400 * interval '1 second'",
    "timetz": "timetz '00:00+00' + ({row}) % 86400 * interval '1 second'",
    "interval": "({row}) * interval '1 second'",
}


def _of_moment(base: Type, said: Hints) -> Iterator[Values]:
    form = _MOMENTS[base.internal]
    most = 86400 if base.internal in ("time", "timetz") else inf
    yield Values(form.format(row=ROW), most)
    whole, step = ("", "1") if base.internal == "date" else ("", "interval '1 second'")
    moments = [t for t in said.texts if re.match(r"\d", t) or base.internal == "interval"]
    if moments:
        array = ", ".join(f"{literal(t)}::{base.name}" for t in moments)
        place = f"(array[{array}])[1 + ({ROW} % {len(moments)})::int]"
        count = f"({ROW} / {len(moments)})"
        yield Values(f"{place} + {count}::int * {step}" if whole == "" else place, most)
        yield Values(f"{place} + ({count} % 28)::int * {step}", len(moments) * 28)
        yield Values(place, len(moments))
    for text in moments:
        yield Values(f"{literal(text)}::{base.name} + ({ROW})::int * {step}", most)
        yield Values(f"{literal(text)}::{base.name} - ({ROW})::int * {step}", most)
    if base.internal == "date":
        yield Values(f"date '2000-01-01' + ({ROW})::int + 1")
        yield Values(f"current_date + ({ROW})::int")
        yield Values(f"current_date - 1 - ({ROW} % 100000)::int", 100000)
        yield Values(f"date_trunc('month', date '2000-01-01' + ({ROW} % 1000)::int)", 30)
    elif base.internal in ("timestamp", "timestamptz"):
        # Later than the usual value of the same row, but before that of the next.
        yield Values(form.format(row=ROW) + " + interval '30 seconds'")
        yield Values(form.format(row=ROW) + " - interval '30 seconds'")
        yield Values(f"now() + ({ROW}) * interval '1 second'")
        yield Values(f"now() - ({ROW}) * interval '1 second'")
        yield Values(f"date_trunc('day', {form.format(row=ROW)})", 1000)
    else:
        yield Values(form.format(row=f"({ROW} + 1)"), most)
        yield Values("'01:00'", 1)


def _of_json(said: Hints) -> Iterator[Values]:
    yield Values(f"json_build_object('n', {ROW}, 'name', md5(({ROW})::text))::text")
    keys = [t for t in said.texts if t and len(t) < 64]
    for value in (f"({ROW})::text", f"{ROW}", "true", "'{}'::json", "'[]'::json") if keys else ():
        fields = ", ".join(f"{literal(key)}, {value}" for key in keys)
        yield Values(f"json_build_object({fields})::text")
    for text in ('{"n": 1}', "[1]", '"text"', "1", "true", "{}", "[]"):
        yield _constant(text)


def _of_bits(base: Type, said: Hints) -> Iterator[Values]:
    if base.modifier > 0:
        size = min(base.modifier, 31)
        yield Values(f"(({ROW}) % {2**size})::int::bit({base.modifier})", 2**size)
        return
    for length in (32, *_lengths(said)):
        size = min(length, 31)
        yield Values(f"(({ROW}) % {2**size})::int::bit({length})", 2**size)


_OTHERS: Final[dict[str, tuple[Values, ...]]] = {
    "bool": (Values(f"{ROW} % 2 = 0", 2), Values("true", 1), Values("false", 1)),
    "uuid": (Values(f"md5(({ROW})::text)"),),
    "bytea": (
        Values(f"decode(md5(({ROW})::text), 'hex')"),
        Values(f"decode(md5(({ROW})::text) || md5(({ROW})::text), 'hex')"),
        Values(f"decode(repeat(md5(({ROW})::text), 4), 'hex')"),
        Values(f"substr(decode(md5(({ROW})::text), 'hex'), 1, 12)"),
        Values(f"decode(substr(md5(({ROW})::text) || md5(({ROW})::text), 1, 40), 'hex')"),
    ),
    "inet": (
        Values(f"'10.0.0.0'::inet + ({ROW} % 16777216)", 2**24),
        Values(f"'10.0.0.0'::inet + ({ROW})"),
    ),
    "cidr": (Values(f"'10.0.0.0'::inet + ({ROW})"),),
    "macaddr": (Values(f"lpad(to_hex({ROW}), 12, '0')"),),
    "macaddr8": (Values(f"lpad(to_hex({ROW}), 16, '0')"),),
    "tsvector": (Values(f"to_tsvector('simple', 'some word' || ({ROW})::text)"),),
    "tsquery": (Values(f"to_tsquery('simple', 'word' || ({ROW})::text)"),),
    "xml": (Values(f"'<row n=\"' || ({ROW})::text || '\"/>'"),),
    "point": (Values(f"point({ROW} % 1000, {ROW} / 1000)"),),
    "line": (Values(f"'{{1,-1,' || ({ROW})::text || '}}'"),),
    "lseg": (Values(f"lseg(point({ROW}, 0), point({ROW}, 1))"),),
    "box": (Values(f"box(point({ROW} * 2, 0), point({ROW} * 2 + 1, 1))"),),
    "path": (Values(f"'((0,0),(1,' || ({ROW})::text || '))'"),),
    "polygon": (Values(f"polygon(box(point({ROW} * 2, 0), point({ROW} * 2 + 1, 1)))"),),
    "circle": (Values(f"circle(point({ROW} * 4, 0), 1)"),),
    "pg_lsn": (Values(f"'0/' || to_hex({ROW} % 4294967296)", 2**32),),
    "txid_snapshot": (Values(f"({ROW})::text || ':' || ({ROW} + 1)::text || ':'"),),
    "pg_snapshot": (Values(f"({ROW})::text || ':' || ({ROW} + 1)::text || ':'"),),
    "xid8": (Values(f"({ROW})::text"),),
    "xid": (Values(f"({ROW} % 4294967296)::text", 2**32),),
    "cid": (Values(f"({ROW} % 4294967296)::text", 2**32),),
    "tid": (Values(f"'(' || ({ROW} / 100)::text || ',' || ({ROW} % 100 + 1)::text || ')'"),),
    "char": (Values(f"chr(33 + ({ROW} % 90)::int)", 90),),
    "regclass": (_constant("pg_class"),),
    "regtype": (_constant("int4"),),
    "regproc": (_constant("now"),),
    "regprocedure": (_constant("now()"),),
    "regoper": (_constant("||/"),),
    "regoperator": (_constant("+(int4,int4)"),),
    "regrole": (_constant("pg_monitor"),),
    "regnamespace": (_constant("pg_catalog"),),
    "regconfig": (_constant("simple"),),
    "regdictionary": (_constant("simple"),),
    "regcollation": (_constant('"C"'),),
    "jsonpath": (Values(f"'$.a' || ({ROW})::text"),),
    "hstore": (Values(f"'n=>' || ({ROW})::text"),),
    "ltree": (Values(f"'top.n' || ({ROW})::text"),),
    "vector": (_constant("[1,2,3]"),),
    "halfvec": (_constant("[1,2,3]"),),
    "geometry": (_constant("POINT(1 1)"), _constant("SRID=4326;POINT(1 1)")),
    "geography": (_constant("POINT(1 1)"),),
    "cube": (_constant("(1,2,3)"),),
    "int2vector": (Values(f"({ROW} % 1000)::text", 1000),),
    "oidvector": (Values(f"({ROW} % 1000)::text", 1000),),
    "refcursor": (Values(f"({ROW})::text"),),
    "aclitem": (_constant("=r/" + "pg_monitor"),),
}
_LAST_RESORT: Final = (
    "1",
    "0",
    "",
    "a",
    "{}",
    "()",
    "[]",
    "(1,1)",
    "POINT(1 1)",
    "2024-01-01",
    "1 1",
    "\\x00",
)
