"""Linting a folder: replay what came before, look at what was asked for."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from senior_backend.catalog.model import BEFORE, Catalog
from senior_backend.findings import Finding, NotAnalyzed
from senior_backend.migrations import fixes
from senior_backend.migrations.fixes.remedy import Remedy
from senior_backend.migrations.history import History
from senior_backend.migrations.rules import registry
from senior_backend.migrations.rules.rule import Hazard, MigrationView, Rule
from senior_backend.migrations.step import Assumptions, Direction, Step
from senior_backend.migrations.walk import Walk, failed
from senior_backend.operations.data import ChangeRows, Select
from senior_backend.operations.operation import Operation
from senior_backend.sources.migration import Folder, Migration
from senior_backend.sql.script import Comment, Script, Statement, Unparsed
from senior_backend.sql.text import SqlText


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding, and what its fix needs to know: the text it stands in and the safe form."""

    finding: Finding
    text: SqlText
    migration: Migration
    direction: Direction
    statement: tuple[int, int]
    """Of the statement, in bytes of ``text``."""
    remedy: Remedy | None = None
    transaction: str | None = None
    """The kind of transaction that it runs in (see ``OpenTransaction``)."""
    caller: Statement | None = None
    """Where it stands in a body: the DO, or the call of a function that may stand elsewhere."""


@dataclass(slots=True)
class Linted:
    """One migration, linted: what ignore comments are matched against."""

    migration: Migration
    problems: list[Problem] = field(default_factory=list)
    comments: list[tuple[Script, Comment]] = field(default_factory=list)
    unparsed: list[Unparsed] = field(default_factory=list)
    statements: int = 0
    """Analyzed; with those in ``unparsed``, all that there are."""
    at: dict[tuple[str, str, int, int], list[Finding]] = field(default_factory=dict, repr=False)
    """What is found so far by rule and place."""

    @property
    def not_analyzed(self) -> list[NotAnalyzed]:
        """The same of those, for every format."""
        return [
            NotAnalyzed(u.text.path, u.position.line, u.reason, whole=u.refused)
            for u in self.unparsed
        ]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which migrations to lint; the others are replayed. ``deploy`` are those that ship together.

    Without a deploy each migration is taken to ship alone.
    """

    asked: Callable[[Migration], bool] = lambda _: True
    deploy: Callable[[Migration], bool] | None = None


def lint(
    folder: Folder,
    selection: Selection,
    assumptions: Assumptions,
    catalog: Catalog | None = None,
    history: History | None = None,
) -> Iterator[Linted]:
    """Lint the migrations of ``folder`` that are asked for, in order.

    ``catalog`` is the schema before the first migration; it is changed. ``history``, when given, is
    filled with what became of each table.
    """
    walk = Walk(catalog if catalog is not None else Catalog(), assumptions, history=history)
    if history is not None:
        history.catalog = walk.catalog
    downs_known = folder.has_downs and any(m.down is not None for m in folder.migrations)
    views: list[tuple[Linted, MigrationView, int]] = []
    operations: list[Operation] = []
    first_of_deploy: int | None = None
    for number, migration in enumerate(folder.migrations):
        in_deploy = selection.deploy is not None and selection.deploy(migration)
        if in_deploy and first_of_deploy is None:
            first_of_deploy = number
        if not selection.asked(migration):
            # A migration of a lower number may come later, from a branch: what is between the
            # migrations of a deploy and no part of it is in production already.
            replayed = walk.replay(migration, number if first_of_deploy is None else BEFORE)
            operations.extend(o for o in replayed if views)
            continue
        first = first_of_deploy if in_deploy and first_of_deploy is not None else number
        linted = Linted(migration)
        steps = _lint(walk, linted, "up", number, first)
        operations += [s.operation for s in steps if not s.in_function]
        view = MigrationView(migration, "up", steps, downs_known=downs_known)
        views.append((linted, view, len(operations)))
        if migration.down:
            after = Walk(walk.catalog.copy(), assumptions, bodies=dict(walk.bodies))
            down = _lint(after, linted, "down", number + 1, number + 1)
            undone = [s.operation for s in steps if not s.in_function]
            whole = MigrationView(migration, "down", down, downs_known=downs_known, undoes=undone)
            _whole(linted, whole)
        for step in steps:
            if not (step.in_function or step.within):  # bodies are kept, for when they are called
                step.statement.forget()
    for linted, view, done in views:
        view.later = _Later(operations, done)
        _whole(linted, view)
        yield linted


@dataclass(frozen=True, slots=True)
class _Later:
    """The operations from ``start`` on, without a copy for each migration."""

    operations: Sequence[Operation]
    start: int

    def __iter__(self) -> Iterator[Operation]:
        for index in range(self.start, len(self.operations)):
            yield self.operations[index]


def _lint(
    walk: Walk, linted: Linted, direction: Direction, number: int, first_of_deploy: int
) -> list[Step]:
    checks = registry.by_operation()
    steps = []
    for step in walk.steps(linted.migration, direction, number, first_of_deploy):
        steps.append(step)
        if step.in_function and isinstance(step.operation, ChangeRows | Select):
            continue  # what functions are for
        for module in checks.get(type(step.operation), ()):
            if direction == "down" and not module.RULE.downs:
                continue
            try:
                for hazard in module.check(step):
                    _add(linted, module.RULE, step, hazard)
            except Exception as error:  # a bug in one rule; the others still look
                linted.unparsed.append(failed(step.statement, module.RULE.id, error))
    linted.comments += walk.comments()
    linted.statements += sum(len(script.statements) for script in walk.scripts)
    linted.unparsed += walk.unparsed
    return steps


def _whole(linted: Linted, view: MigrationView) -> None:
    for module in registry.of_migrations():
        if view.direction == "down" and not module.RULE.downs:
            continue
        try:
            for hazard in module.check_migration(view):
                step = hazard.at or (view.steps[0] if view.steps else None)
                _add(linted, module.RULE, step, hazard)
        except Exception as error:  # as above
            if not view.steps:
                raise
            linted.unparsed.append(failed(view.steps[0].statement, module.RULE.id, error))


def _add(linted: Linted, rule: Rule, step: Step | None, hazard: Hazard) -> None:
    """Note a hazard, with its remedy while the schema is as it was before the step."""
    if step is None:
        finding = _finding(rule, hazard, linted.migration.path, None)
        empty = SqlText(linted.migration.path, b"")
        linted.problems.append(Problem(finding, empty, linted.migration, "up", (0, 0)))
        return
    finding = _finding(rule, hazard, step.statement.text.path, step)
    if any(finding == known for known in linted.at.setdefault(_place(finding), [])):
        return  # a function that is called twice
    linted.at[_place(finding)].append(finding)
    remedy = None if step.in_function or step.within else fixes.remedy(rule.id, step, hazard)
    span = (step.statement.start, step.statement.end)
    linted.problems.append(
        Problem(
            finding,
            step.statement.text,
            linted.migration,
            step.direction,
            span,
            remedy,
            step.transaction.kind if step.transaction else None,
            _caller(step),
        )
    )


def _without_schema(message: str, schema: str) -> str:
    """Names as people write them: without the schema in which they are looked up anyway."""
    if f"{schema}." not in message:
        return message
    return re.sub(rf"(?<![\w.]){re.escape(schema)}\.(?=\w)", "", message)


def _caller(step: Step) -> Statement | None:
    """The statement of the migration itself in which a body ran."""
    outer = step.within
    while outer is not None and outer.within is not None:
        outer = outer.within
    return outer.statement if outer is not None else None


def _place(finding: Finding) -> tuple[str, str, int, int]:
    return finding.rule, finding.path, finding.line, finding.column


def _finding(rule: Rule, hazard: Hazard, path: str, step: Step | None) -> Finding:
    if step is None:
        return Finding(
            rule=rule.id,
            path=path,
            line=1,
            message=hazard.message,
            class_=hazard.class_ or rule.class_,
            severity=hazard.severity or rule.severity,
        )
    text, operation = step.statement.text, step.operation
    start = operation.start if hazard.start is None else hazard.start
    end = operation.end if hazard.end is None else hazard.end
    begin, last = text.position(start), text.position(max(start, end - 1))
    shown = step.effects if hazard.effects is None else hazard.effects
    message = _without_schema(hazard.message, step.catalog.search_path)
    class_ = hazard.class_ or rule.class_
    if step.direction == "down" and class_ == "gate" and not rule.is_about_failure:
        # A down undoes what cannot always be undone gently; nobody should drop it for that.
        class_ = "hygiene"
    if step.in_function:
        message, class_ = f"When the function is called: {message}", "note"
    return Finding(
        rule=rule.id,
        path=path,
        line=begin.line,
        column=begin.column,
        end_line=last.line,
        end_column=last.column,
        message=message,
        class_=class_,
        severity=hazard.severity or rule.severity,
        details={
            "direction": step.direction,
            "effects": [e.as_json() for e in shown],
            **(
                {"estimates": [one.as_json() for one in hazard.estimates]}
                if hazard.estimates
                else {}
            ),
        },
    )
