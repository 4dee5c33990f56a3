"""Ignore comments: which findings they take out, for what reason and until when.

``-- senior-backend-ignore RULE, RULE: reason`` stands before, beside or inside the statement that
it is about; ``-- senior-backend-ignore-file RULE: reason`` anywhere in the file. ``(until
2027-01-31)`` in the reason ends it. In Python the comment begins with ``#``. squawk's
``-- squawk-ignore`` and ``-- squawk-ignore-file`` are understood as well.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from senior_backend.findings import Finding, Suppression
from senior_backend.migrations import squawk
from senior_backend.migrations.lint import Linted, Problem
from senior_backend.migrations.rules import registry
from senior_backend.migrations.settings import unknown_rule
from senior_backend.sql.script import Comment, Script, Statement, Unparsed
from senior_backend.sql.text import Derived, SqlText

RULE = "ignore-comment"
NOT_ANALYZED = "not-analyzed"
"""What stands for a rule in a comment before a statement that cannot be read."""

_IGNORE = re.compile(
    r"(?:--|/\*|\#)\s*(?P<whose>senior-backend|squawk)-ignore(?P<file>-file)?(?![\w-])"
)
_SQUAWK_RULES = re.compile(r"[\w,\s-]*")
_UNTIL = re.compile(r"\(?\buntil\s+(\d{4}-\d{2}-\d{2})(?!\d)\)?", re.IGNORECASE)
_UNTIL_ANYTHING = re.compile(r"\(\s*until\b|\buntil\s+\d", re.IGNORECASE)
"""What means to end the comment, unlike *until* in the middle of a sentence."""


@dataclass(slots=True)
class Ignore:
    """One ignore comment. ``rules`` is empty for all rules (squawk's file form only)."""

    text: SqlText
    start: int
    end: int
    rules: frozenset[str]
    reason: str
    expires: date | None = None
    whole_file: bool = False
    from_squawk: bool = False
    span: tuple[int, int] = (0, 0)
    """The bytes of ``text`` that it covers."""
    lines: tuple[int, int] | None = None
    """The lines of the file instead, where the comment stands in no SQL."""
    used: set[str] = field(default_factory=set)
    unknown: tuple[str, ...] = ()
    """What squawk's comment names that is no rule of squawk's."""

    def covers(self, problem: Problem) -> bool:
        """Whether it takes ``problem`` out."""
        if self.rules and problem.finding.rule not in self.rules:
            return False
        if self._covers(problem.text, *problem.statement):
            return True
        caller = problem.caller
        if caller is None:
            return False
        if not self.whole_file and caller.text is self.text and self.span[1] < caller.end:
            return False  # a comment in the body of a DO is about one statement there
        return self._covers(caller.text, caller.start, caller.end)

    def _covers(self, text: SqlText, start: int, end: int) -> bool:
        if text.path != self.text.path:
            return False
        if self.whole_file:
            return True
        if self.lines is not None:
            return self.lines[0] <= text.position(start).line <= self.lines[1]
        return text is self.text and start < self.span[1] and end > self.span[0]


def apply(linted: Linted, today: date) -> None:
    """Mark what the migration's comments ignore, and report comments that are wrong."""
    ignores: list[Ignore] = []
    for script, comment, lines in _comments(linted):
        found = _read(script, comment)
        if isinstance(found, Ignore):
            found.lines = lines
            ignores.append(found)
        elif found is not None:
            linted.problems.append(_problem(linted, script.text, comment, found))
    live = [i for i in ignores if i.expires is None or i.expires >= today]
    linted.unparsed[:] = [u for u in linted.unparsed if not _is_known(u, live)]
    linted.problems[:] = [_suppressed(p, live) for p in linted.problems]
    for ignore in ignores:
        for complaint in _complaints(ignore, today):
            place = Comment(ignore.start, ignore.end, "")
            linted.problems.append(
                _problem(
                    linted, ignore.text, place, complaint, gate=complaint.startswith("no rule")
                )
            )


def _comments(linted: Linted) -> Iterator[tuple[Script, Comment, tuple[int, int] | None]]:
    """Those of the SQL, and those beside it with the lines that they are about."""
    for script, comment in linted.comments:
        yield script, comment, None
    for beside in linted.migration.comments:
        data = beside.content.encode("utf-8", "replace")
        text = SqlText(beside.path, data, Derived((beside.line,)))
        yield Script(text), Comment(0, len(data), beside.content), beside.about


def _is_known(piece: Unparsed, ignores: Iterable[Ignore]) -> bool:
    """Whether a comment says that nobody needs to look at a statement that could not be read."""
    for ignore in ignores:
        start, end = ignore.span
        here = piece.text is ignore.text and piece.start < end and piece.end > start
        if NOT_ANALYZED in ignore.rules and (ignore.whole_file or here):
            ignore.used.add(NOT_ANALYZED)
            return True
    return False


def _suppressed(problem: Problem, ignores: Iterable[Ignore]) -> Problem:
    for ignore in ignores:
        if ignore.covers(problem):
            ignore.used.add(problem.finding.rule)
            expires = ignore.expires.isoformat() if ignore.expires else None
            mark = Suppression(ignore.reason or "no reason given", expires)
            return replace(problem, finding=replace(problem.finding, suppressed=mark), remedy=None)
    return problem


def _read(script: Script, comment: Comment) -> Ignore | str | None:
    """The ignore comment that ``comment`` is, what is wrong with it, or None for any other."""
    content = comment.content
    if "-ignore" not in content:
        return None
    match = _IGNORE.match(content)
    if match is None:
        return None
    from_squawk = match["whose"] == "squawk"
    rest = content[match.end() :].strip().removesuffix("*/")
    if from_squawk:
        written, *reasons = re.split(r"--|:", rest.lstrip(": \t"), maxsplit=1)
        if not _SQUAWK_RULES.fullmatch(written):
            return None
    else:
        written, *reasons = rest.split(":", 1)
    names = tuple(filter(None, re.split(r"[,\s]+", written)))
    if not names and not (from_squawk and match["file"]):
        return None if from_squawk else "name the rules to ignore: senior-backend-ignore RULE: why"
    reason = "".join(reasons).strip()
    try:
        until = _UNTIL.search(reason)
        expires = date.fromisoformat(until[1]) if until else None
    except ValueError:
        return f"no such date: {until[1] if until else ''}"
    if not until and _UNTIL_ANYTHING.search(reason):
        return "nothing ends this ignore comment: write the date as (until 2030-01-31)"
    rules = squawk.ours(names) if from_squawk else names
    unknown = tuple(n for n in names if n not in squawk.RULES) if from_squawk else ()
    if from_squawk and names and not rules and not unknown:
        return None  # a style rule of squawk's: nothing to ignore here
    return Ignore(
        script.text,
        comment.start,
        comment.end,
        frozenset(rules or unknown),
        reason or ("squawk-ignore" if from_squawk else ""),
        expires,
        whole_file=bool(match["file"]),
        from_squawk=from_squawk,
        span=_span(script, comment),
        unknown=unknown,
    )


def _span(script: Script, comment: Comment) -> tuple[int, int]:
    """The statement that a comment is about: around it, on its line before it, else the next."""
    data = script.text.data
    line = data.rfind(b"\n", 0, comment.start) + 1
    beside: list[Statement | Unparsed] = []
    following = None
    for statement in _pieces(script):
        if statement.start <= comment.start < statement.end:
            return statement.start, statement.end
        if line <= statement.end <= comment.start:
            beside.append(statement)
        if statement.start >= comment.end:
            following = statement
            break
    if following and beside and b"\n" not in data[comment.end : following.start]:
        beside = []
    if beside:
        return beside[0].start, beside[-1].end
    return (following.start, following.end) if following else (comment.start, comment.end)


def _pieces(script: Script) -> Sequence[Statement | Unparsed]:
    """Statements and what could not be read, in the order of the text."""
    if not script.unparsed:
        return script.statements
    return sorted((*script.statements, *script.unparsed), key=lambda piece: piece.start)


def _complaints(ignore: Ignore, today: date) -> Iterator[str]:
    yield from map(squawk.unknown_rule, ignore.unknown)
    if ignore.from_squawk:
        return
    for rule in sorted(ignore.rules):
        if rule not in _known():
            yield unknown_rule(rule)
    if ignore.expires and ignore.expires < today:
        yield f"this ignore comment ended on {ignore.expires}; mend the statement or renew it"
    elif not ignore.used and ignore.rules <= _known():
        yield "nothing to ignore here: delete the comment"
    if not ignore.reason:
        yield "an ignore comment needs a reason: senior-backend-ignore RULE: why"


def _known() -> frozenset[str]:
    return registry.ids() | {RULE, NOT_ANALYZED}


def _problem(
    linted: Linted, text: SqlText, comment: Comment, message: str, *, gate: bool = False
) -> Problem:
    begin, end = text.position(comment.start), text.position(max(comment.start, comment.end - 1))
    finding = Finding(
        rule=RULE,
        path=text.path,
        line=begin.line,
        column=begin.column,
        end_line=end.line,
        end_column=end.column,
        message=message,
        class_="gate" if gate else "hygiene",
        severity="error" if gate else "warning",
    )
    return Problem(finding, text, linted.migration, "up", (comment.start, comment.end))
