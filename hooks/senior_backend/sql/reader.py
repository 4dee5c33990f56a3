"""A SQL text taken apart: every piece becomes a statement, or says why it could not."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from senior_backend.sql import (
    depth,
    lexical,
    libpg_query,
    long_inserts,
    refusals,
    splitter,
    templates,
)
from senior_backend.sql.long_inserts import LongInsert, long_insert
from senior_backend.sql.script import Comment, Script, Statement, Unparsed
from senior_backend.sql.splitter import Pieces
from senior_backend.sql.templates import Mark
from senior_backend.sql.text import Derived, SqlText

# A larger text is parsed piece by piece: an error at its end would cost the time twice.
_ONE_CALL = 256 << 10
# Of a larger text the parse trees are not kept: they take some forty times its room.
_LARGE = 4 << 20
_TOO_DEEP = f"an expression of more than {depth.LIMIT:,} operands: not safe to parse"
_LINE_FEED = 0x0A
_BLANKS = b" \t\r\n\f\v"
_INCLUDES = (rb"\i", rb"\ir", rb"\include", rb"\include_relative")
_COMPUTED = (rb"\gexec",)


def read(text: SqlText) -> Script:
    """Take a text apart; never raises."""
    return read_part(text, 0, len(text.data))


def read_part(text: SqlText, start: int, end: int) -> Script:
    """Take the bytes from ``start`` to ``end`` apart; offsets are those of the whole text.

    One call of the parser where the whole is PostgreSQL's own SQL, else one for every piece.
    """
    data = text.data if not start and end == len(text.data) else text.data[start:end]
    if not data or data.isspace():
        return Script(text)
    if b"\0" in data:
        return Script(text, unparsed=(Unparsed(text, start, end, "binary data: NUL bytes"),))
    if len(data) < _ONE_CALL and b"\\." not in data and depth.surely_shallow(data):
        try:
            tree = libpg_query.parse(data)
        except (libpg_query.GrammarError, libpg_query.TooDeepError):
            pass
        else:
            return _whole(text, data, start, tree)
    return _by_piece(text, data, start)


def parse_piece(text: SqlText, start: int, end: int, sql: bytes, base: int) -> Statement | Unparsed:
    """One statement that stands from ``start`` to ``end``.

    ``sql`` is what to parse; its first byte stands at ``base`` of the text.
    """
    return _parse(text, start, end, sql, base, templates.marks(sql, lexical.outside))


def parse_again(statement: Statement) -> Any:  # noqa: ANN401
    """The node of a statement whose tree was not kept."""
    sql = statement.text.data[statement.start : statement.end]
    again = _attempt(statement.text, statement.start, statement.end, sql, statement.start)
    if not isinstance(again, Statement):
        raise TypeError(f"parsed before, but not again: {statement.position}")
    return again.tree


def derived(text: SqlText, start: int, end: int, sql: bytes) -> SqlText:
    """A text for ``sql``, which a literal with escapes from ``start`` to ``end`` stands for."""
    breaks = [at for at in range(start, end) if text.data[at] == _LINE_FEED]
    offsets = [start, *(at + 1 for at in breaks)]
    if len(breaks) != sql.count(b"\n"):
        offsets = offsets[:1]
    return SqlText(text.path, sql, Derived(tuple(text.position(at).line for at in offsets)))


def read_derived(text: SqlText, start: int, end: int, sql: bytes) -> Script:
    """Take apart what a literal with escapes stands for."""
    return read(derived(text, start, end, sql))


def _whole(text: SqlText, data: bytes, origin: int, tree: Any) -> Script:  # noqa: ANN401
    spans = lexical.comments(data) if b"--" in data or b"/*" in data else []
    ends = [end for _, end in spans]
    statements = []
    for raw in tree.stmts:
        start = raw.stmt_location
        end = start + raw.stmt_len if raw.stmt_len else len(data)
        # The grammar's span ends at the semicolon: without the comments before it.
        index = bisect_right(ends, end) - 1
        while end > start:
            if index >= 0 and ends[index] == end and spans[index][0] >= start:
                end = spans[index][0]
                index -= 1
            elif data[end - 1] in _BLANKS:
                end -= 1
            else:
                break
        node = getattr(raw.stmt, raw.stmt.WhichOneof("node"))
        statements.append(
            Statement(text, origin + start, origin + end, type(node).__name__, node, origin)
        )
    return Script(text, tuple(statements), comments=_comments(data, origin, spans))


def _comments(data: bytes, origin: int, spans: Iterable[tuple[int, int]]) -> tuple[Comment, ...]:
    return tuple(
        Comment(origin + start, origin + end, data[start:end].decode("utf-8", "replace"))
        for start, end in spans
    )


def _by_piece(text: SqlText, data: bytes, origin: int) -> Script:
    found = splitter.split(data)
    large = len(data) > _LARGE
    statements: list[Statement] = []
    unparsed: list[Unparsed] = []
    for start, end in found.pieces:
        result: Statement | Unparsed
        if start in found.errors:
            result = Unparsed(text, origin + start, origin + end, found.errors[start])
        else:
            sql, marks = _without_meta(data, start, end, found)
            read_one = _without_tree if large and sql == data[start:end] else _parse
            result = read_one(text, origin + start, origin + end, sql, origin + start, marks)
        if isinstance(result, Unparsed):
            unparsed.append(result)
        else:
            statements.append(result)
    beside: list[tuple[int, int]] = list(found.comments)
    if found.meta or found.templates:
        beside = sorted((*beside, *found.meta, *((m.start, m.end) for m in found.templates)))
        unseen = [_unseen(text, data, origin, *span) for span in found.meta]
        unparsed = sorted((*unparsed, *filter(None, unseen)), key=lambda piece: piece.start)
    return Script(text, tuple(statements), tuple(unparsed), _comments(data, origin, beside))


def _without_meta(data: bytes, start: int, end: int, found: Pieces) -> tuple[bytes, Sequence[Mark]]:
    """A piece with psql's commands blanked, and the template marks in it (counted from it)."""
    sql = data[start:end]
    if found.meta:
        first = bisect_left(found.meta, (start, 0))
        for at, stop in found.meta[first : bisect_left(found.meta, (end, 0))]:
            sql = _replaced(sql, at - start, stop - start, b" " * (stop - at))
    if not found.templates:
        return sql, ()
    first = bisect_left(found.templates, (start, 0, False))
    inside = found.templates[first : bisect_left(found.templates, (end, 0, False))]
    return sql, [Mark(at - start, stop - start, control) for at, stop, control in inside]


def _unseen(text: SqlText, data: bytes, origin: int, start: int, end: int) -> Unparsed | None:
    """What psql runs that does not stand in this file."""
    words = data[start:end].split(None, 1)
    if words[0] in _INCLUDES:
        reason = "psql runs another file here: what it holds is not seen"
    elif words[0] in _COMPUTED:
        reason = "psql runs the rows of this query as SQL: what they hold is not seen"
    else:
        return None
    return Unparsed(text, origin + start, origin + end, reason, refused=False)


def _replaced(sql: bytes, start: int, end: int, by: bytes) -> bytes:
    return sql[:start] + by + sql[end:]


def _parse(
    text: SqlText, start: int, end: int, sql: bytes, base: int, marks: Sequence[Mark]
) -> Statement | Unparsed:
    long = long_insert(sql)
    if long:
        return _long_insert(text, start, end, base, long)
    if depth.too_deep(sql):
        return Unparsed(text, start, end, _TOO_DEEP)
    refused = None
    # ERB's marks are operators of PostgreSQL (pg_trgm), so that the SQL may be right as it is.
    if not marks or all(sql[mark.start : mark.start + 1] == b"<" for mark in marks):
        result = _attempt(text, start, end, sql, base)
        if not isinstance(result, libpg_query.GrammarError):
            return result
        refused = result
        if not marks:
            marks = templates.variables(sql, lexical.outside(sql)) if _may_vary(sql) else ()
            if not marks:
                return refusals.unparsed(text, start, end, sql, refused.message, refused.offset)
    elif _may_vary(sql):
        marks = [*marks, *templates.variables(sql, lexical.outside(sql))]
    return _with_stand_ins(text, start, end, sql, base, marks)


def _long_insert(
    text: SqlText, start: int, end: int, base: int, long: LongInsert
) -> Statement | Unparsed:
    """Parse the rows in parts; the first stand for all in the tree."""
    result = _parse(text, start, end, long.first, base, ())
    if isinstance(result, Unparsed):
        return result
    for rows in long.others():
        refusal = _refusal(text, start, end, rows)
        if refusal:
            return refusal
    return replace(result, abridged=True)


def _refusal(text: SqlText, start: int, end: int, sql: bytes) -> Unparsed | None:
    """Why PostgreSQL's own SQL does not parse; None when it does."""
    if depth.too_deep(sql):
        return Unparsed(text, start, end, _TOO_DEEP)
    try:
        libpg_query.check(sql)
    except libpg_query.GrammarError as error:
        return refusals.unparsed(text, start, end, sql, error.message, error.offset)
    return None


def _may_vary(sql: bytes) -> bool:
    return b":" in sql or b"${" in sql


def _without_tree(
    text: SqlText, start: int, end: int, sql: bytes, base: int, marks: Sequence[Mark]
) -> Statement | Unparsed:
    """A statement of a large text: its tree can be made again from the text alone."""
    is_short = len(sql) < long_inserts.LONG
    if (
        is_short
        and long_inserts.INSERT.match(sql)
        and not marks
        and not _refusal(text, start, end, sql)
    ):
        return Statement(text, start, end, "InsertStmt", None, base)
    result = _parse(text, start, end, sql, base, marks)
    if isinstance(result, Unparsed) or result.templated or result.abridged:
        return result
    return replace(result, tree=None)


def _with_stand_ins(
    text: SqlText, start: int, end: int, sql: bytes, base: int, marks: Sequence[Mark]
) -> Statement | Unparsed:
    """Parse with a name for each mark; with a number where the grammar wants none."""
    filled = sql
    for mark in marks:
        content = sql[mark.start : mark.end]
        begin, by = mark.start, templates.blank(content)
        if not mark.control:
            begin, by = templates.stand_in(sql, mark.start, mark.end)
        filled = _replaced(filled, begin, begin + len(by), by)
    values = {mark.start: mark for mark in marks if not mark.control}
    first_refusal = ""
    while True:
        result = _attempt(text, start, end, filled, base, templated=True)
        if not isinstance(result, libpg_query.GrammarError):
            return result
        first_refusal = first_refusal or result.message
        mark_here = values.pop(result.offset, None)
        if mark_here is None:
            break
        by = templates.number(sql[mark_here.start : mark_here.end])
        filled = _replaced(filled, mark_here.start, mark_here.end, by)
    contents = [sql[mark.start : mark.end] for mark in marks]
    reason = refusals.template(contents, first_refusal)
    return Unparsed(text, start, end, reason, refused=False)


def _attempt(
    text: SqlText, start: int, end: int, sql: bytes, base: int, *, templated: bool = False
) -> Statement | Unparsed | libpg_query.GrammarError:
    try:
        tree = libpg_query.parse(sql)
    except libpg_query.GrammarError as error:
        return error
    except libpg_query.TooDeepError:
        try:
            tree = libpg_query.parse_deep(sql)
        except libpg_query.TooDeepError:
            return Unparsed(text, start, end, "nested too deeply to be read")
    if len(tree.stmts) != 1:
        return Unparsed(text, start, end, f"{len(tree.stmts)} statements where one was expected")
    stmt = tree.stmts[0].stmt
    node = getattr(stmt, stmt.WhichOneof("node"))
    return Statement(text, start, end, type(node).__name__, node, base, templated)
