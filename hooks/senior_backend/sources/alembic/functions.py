"""``upgrade`` and ``downgrade`` of a revision, read statement by statement without running them."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from senior_backend.sources.alembic import operations
from senior_backend.sources.alembic.columns import create_enum, qualified
from senior_backend.sources.alembic.operations import Batch
from senior_backend.sources.alembic.revision import Revision
from senior_backend.sources.alembic.values import (
    UncertainError,
    derived,
    dotted,
    last_name,
    resolved,
    sql_text,
    value,
    without_colon_marks,
)
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import NotRead, Segment, Transaction
from senior_backend.sources.reading import read_sql
from senior_backend.sql.text import SqlText

ADVICE: Final = "--render asks Alembic itself"

_EXECUTES: Final = frozenset({"execute", "exec_driver_sql", "scalar", "scalars", "run_sync"})
_HARMLESS: Final = frozenset(
    {"print", "info", "debug", "warning", "warn", "error", "exception", "sleep", "get_bind"}
    | {"commit", "flush", "close", "append", "extend", "add", "update", "getLogger", "format"}
)
_DEEPEST: Final = 8


class SqlFiles:
    """The ``.sql`` files that revisions may run, found by the end of their path."""

    def __init__(self, files: list[tuple[Directory, str]]) -> None:
        self._by_name: dict[str, list[tuple[Directory, str]]] = {}
        for directory, name in files:
            self._by_name.setdefault(name, []).append((directory, name))

    def find(self, written: str, near: Directory) -> tuple[Directory, str] | None:
        """The file that a path written in a revision means; beside the revision first."""
        parts = [part for part in written.split("/") if part not in ("", ".", "..")]
        if not parts:
            return None
        tail = "/" + "/".join(parts)
        found = [
            (directory, name)
            for directory, name in self._by_name.get(parts[-1], ())
            if directory.path_of(name).endswith(tail)
        ]
        beside = [item for item in found if item[0].path == near.path]
        return (beside or found)[0] if len(beside or found) == 1 else None


@dataclass(slots=True)
class Reading:
    """What one function runs."""

    segments: list[Segment] = field(default_factory=list)
    not_read: list[NotRead] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    refuses: bool = False
    """It raises: the way does not exist."""


def read_function(
    revision: Revision, name: Literal["upgrade", "downgrade"], files: SqlFiles, model: Transaction
) -> Reading | None:
    """What the function runs, in order; None when the revision has none of that name."""
    function = revision.functions.get(name)
    if function is None:
        return None
    reader = _Reader(revision, files, model)
    reader.block(function.body, dict(reader.constants), None, autocommit=False)
    return reader.reading


class _Reader:
    def __init__(self, revision: Revision, files: SqlFiles, model: Transaction) -> None:
        self.revision = revision
        self.files = files
        self.model = model
        self.reading = Reading()
        self.depth = 0
        self.constants = _constants(revision.tree)

    def block(
        self,
        body: list[ast.stmt],
        scope: dict[str, ast.expr],
        batches: Mapping[str, Batch] | None,
        *,
        autocommit: bool,
    ) -> bool:
        """Read statements; False when the function ends in them."""
        for statement in body:
            try:
                if not self.statement(statement, scope, batches or {}, autocommit):
                    return False
            except UncertainError as error:
                self.note(error.line, error.reason)
            except RecursionError:
                self.note(statement.lineno, "is nested too deeply")
        return True

    def note(self, line: int, reason: str) -> None:
        self.reading.not_read.append(NotRead(self.revision.path, line, f"{reason}; {ADVICE}"))

    def statement(
        self,
        node: ast.stmt,
        scope: dict[str, ast.expr],
        batches: Mapping[str, Batch],
        autocommit: bool,
    ) -> bool:
        match node:
            case ast.Expr(value=ast.Call() as call):
                self.call(call, scope, batches, autocommit, alone=True)
            case ast.Expr(value=ast.Await(value=ast.Call() as call)):
                self.call(call, scope, batches, autocommit, alone=True)
            case ast.Assign(targets=[ast.Name(id=name)], value=given):
                scope[name] = given
                self.inside(given, scope, batches, autocommit)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as given):
                scope[name] = given
                self.inside(given, scope, batches, autocommit)
            case ast.With():
                return self.with_block(node, scope, batches, autocommit)
            case ast.If():
                return self.if_block(node, scope, batches, autocommit)
            case ast.For():
                self.for_block(node, scope, batches, autocommit)
            case ast.Return():
                if node.value is not None:
                    self.inside(node.value, scope, batches, autocommit)
                return False
            case ast.Raise():
                self.reading.refuses = not self.reading.segments
                return False
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case ast.Try() | ast.While() | ast.Match():
                if _runs_sql(node):
                    kind = type(node).__name__.lower()
                    raise UncertainError(node, f"what runs in this '{kind}' is decided at run time")
            case _:
                for part in ast.iter_child_nodes(node):
                    if isinstance(part, ast.expr):
                        self.inside(part, scope, batches, autocommit)
        return True

    def inside(
        self,
        node: ast.expr,
        scope: dict[str, ast.expr],
        batches: Mapping[str, Batch],
        autocommit: bool,
    ) -> None:
        """Calls within an expression that run SQL: ``rows = bind.execute(...).fetchall()``."""
        for part in ast.walk(node):
            if (
                isinstance(part, ast.Call)
                and last_name(part.func) in _EXECUTES
                and (part.args or part.keywords)
            ):
                self.call(part, scope, batches, autocommit, alone=False)

    def call(
        self,
        call: ast.Call,
        scope: dict[str, ast.expr],
        batches: Mapping[str, Batch],
        autocommit: bool,
        *,
        alone: bool,
    ) -> None:
        name = last_name(call.func)
        root = dotted(call.func).split(".")[0]
        on_op = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
        if on_op and root in batches and name != "execute":
            self.operation(name, call, scope, batches[root], autocommit)
        elif on_op and root == "op" and operations.is_known(name):
            self.operation(name, call, scope, None, autocommit)
        elif name in _EXECUTES and (call.args or call.keywords):
            self.executed(call, scope, autocommit)
        elif name in ("create", "drop") and self.is_enum(call, scope):
            self.enum(name, call, scope, autocommit)
        elif (
            not alone
            or self.runs_file(call, scope, autocommit)
            or self.own_function(call, scope, batches, autocommit)
        ):
            return
        elif root == "op" and name not in _HARMLESS:
            raise UncertainError(call, f"op.{name} is not read")
        elif _passes_connection(call) or (
            isinstance(call.func, ast.Name) and name not in _HARMLESS
        ):
            raise UncertainError(call, f"what {dotted(call.func)} runs cannot be seen")
        elif isinstance(call.func, ast.Attribute):
            self.inside(call.func.value, scope, batches, autocommit)

    def operation(
        self,
        name: str,
        call: ast.Call,
        scope: dict[str, ast.expr],
        batch: Batch | None,
        autocommit: bool,
    ) -> None:
        made = operations.statements(name, call, scope, batch)
        for lines in made.statements:
            terminated = [*lines[:-1], (f"{lines[-1][0]};", lines[-1][1])]
            self.add(derived(self.revision.path, terminated), autocommit)
        for line, reason in made.unknown:
            self.note(line, reason)

    def executed(self, call: ast.Call, scope: dict[str, ast.expr], autocommit: bool) -> None:
        given = call.args[0] if call.args else None
        for keyword in call.keywords:
            if keyword.arg in ("sqltext", "statement"):
                given = keyword.value
        if given is None:
            raise UncertainError(call, "what this executes is not certain")
        given = resolved(given, scope)
        if dotted(given).split(".")[0] == "select" or ".select." in f".{dotted(given)}.":
            return  # it reads, and changes nothing
        file = self.file_in(given, scope)
        if file is not None:
            self.add_file(file, call, "implicit" if autocommit else self.model)
        else:
            text = sql_text(given, scope, self.revision.source)
            if last_name(call.func) != "exec_driver_sql":
                text = without_colon_marks(text)
            self.add(text, autocommit)

    def add(self, text: SqlText, autocommit: bool) -> None:
        """SQL sent as one message: several statements are a transaction even in autocommit."""
        several = autocommit and b";" in text.data.rstrip().rstrip(b";")
        on_its_own: Transaction = "implicit" if several else "statement"
        self.reading.segments.append(Segment(text, on_its_own if autocommit else self.model))

    def runs_file(self, call: ast.Call, scope: dict[str, ast.expr], autocommit: bool) -> bool:
        """A function that is given the name of a ``.sql`` file runs its statements."""
        for argument in call.args:
            file = self.file_in(argument, scope)
            if file is not None:
                alone = autocommit or any(
                    keyword.arg in ("transaction", "transactional")
                    and isinstance(keyword.value, ast.Constant)
                    and keyword.value.value is False
                    for keyword in call.keywords
                )
                self.add_file(file, call, "statement" if alone else self.model)
                return True
        return False

    def file_in(self, node: ast.expr, scope: dict[str, ast.expr]) -> tuple[Directory, str] | None:
        """The file that an expression names, if it names one that is there."""
        written = ""
        try:
            found = value(node, scope)
        except UncertainError:
            found = None
        if isinstance(found, str):
            written = found
        else:
            for part in _strings(node, scope):
                written = part if part.startswith("/") else f"{written}/{part}"
        if not written.endswith(".sql") or "\n" in written:
            return None
        file = self.files.find(written, self.revision.directory)
        if file is None:
            raise UncertainError(node, f"{written.lstrip('/')} is not found below the migrations")
        return file

    def add_file(
        self, file: tuple[Directory, str], call: ast.Call, transaction: Transaction
    ) -> None:
        text = read_sql(*file)
        if isinstance(text, NotRead):
            self.reading.not_read.append(text)
        else:
            self.reading.segments.append(Segment(text, transaction))
        self.reading.files.append(file[0].shown_path(file[1]))

    def own_function(
        self,
        call: ast.Call,
        scope: dict[str, ast.expr],
        batches: Mapping[str, Batch],
        autocommit: bool,
    ) -> bool:
        """A function of the same file is read as if it stood here."""
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        function = self.revision.functions.get(name)
        if function is None:
            return False
        if self.depth >= _DEEPEST:
            raise UncertainError(call, f"{name} calls itself")
        inner = dict(self.constants)
        parameters = [argument.arg for argument in function.args.args]
        defaults = function.args.defaults
        first = len(parameters) - len(defaults)
        inner |= dict(zip(parameters[first:], defaults, strict=True))
        for parameter, argument in zip(parameters, call.args, strict=False):
            inner[parameter] = resolved(argument, scope)
        for keyword in call.keywords:
            if keyword.arg:
                inner[keyword.arg] = resolved(keyword.value, scope)
        self.depth += 1
        self.block(function.body, inner, batches, autocommit=autocommit)
        self.depth -= 1
        return True

    def with_block(
        self,
        node: ast.With,
        scope: dict[str, ast.expr],
        batches: Mapping[str, Batch],
        autocommit: bool,
    ) -> bool:
        inner = dict(batches)
        for item in node.items:
            call = item.context_expr
            name = last_name(call.func) if isinstance(call, ast.Call) else ""
            if name == "autocommit_block":
                autocommit = True
            elif name == "open" and isinstance(item.optional_vars, ast.Name):
                scope[item.optional_vars.id] = call
            elif name == "batch_alter_table" and isinstance(call, ast.Call):
                table = value(call.args[0], scope) if call.args else None
                if not isinstance(table, str):
                    raise UncertainError(call, "the table of the batch is not certain")
                schema = next((part.value for part in call.keywords if part.arg == "schema"), None)
                known = value(schema, scope) if schema is not None else None
                if isinstance(item.optional_vars, ast.Name):
                    inner[item.optional_vars.id] = Batch(
                        table, known if isinstance(known, str) else None
                    )
        return self.block(node.body, scope, inner, autocommit=autocommit)

    def if_block(
        self,
        node: ast.If,
        scope: dict[str, ast.expr],
        batches: Mapping[str, Batch],
        autocommit: bool,
    ) -> bool:
        taken = _on_postgres(node.test, scope)
        if taken is None:
            if _runs_sql(node) or any(isinstance(part, ast.Return) for part in ast.walk(node)):
                raise UncertainError(node, "whether this runs is decided at run time")
            return True
        branch = node.body if taken else node.orelse
        return self.block(branch, scope, batches, autocommit=autocommit)

    def for_block(
        self,
        node: ast.For,
        scope: dict[str, ast.expr],
        batches: Mapping[str, Batch],
        autocommit: bool,
    ) -> None:
        """A loop over what is written out is read once for each."""
        items = resolved(node.iter, scope)
        if not isinstance(items, ast.List | ast.Tuple):
            if _runs_sql(node):
                raise UncertainError(node, "the loop runs over what is known only at run time")
            return
        for item in items.elts:
            inner = dict(scope)
            _bind(node.target, resolved(item, scope), inner)
            self.block(node.body, inner, batches, autocommit=autocommit)

    def is_enum(self, call: ast.Call, scope: dict[str, ast.expr]) -> bool:
        if not isinstance(call.func, ast.Attribute):
            return False
        node = resolved(call.func.value, scope)
        return isinstance(node, ast.Call) and last_name(node.func) in ("Enum", "ENUM")

    def enum(self, way: str, call: ast.Call, scope: dict[str, ast.expr], autocommit: bool) -> None:
        """``sa.Enum(...).create(bind)``: CREATE TYPE, where it is not there."""
        assert isinstance(call.func, ast.Attribute)  # noqa: S101 - is_enum saw it
        node = resolved(call.func.value, scope)
        assert isinstance(node, ast.Call)  # noqa: S101
        if way == "create":
            sql = create_enum(node, scope)
        else:
            given = {part.arg: value(part.value, scope) for part in node.keywords if part.arg}
            name, schema = given.get("name"), given.get("schema")
            if not isinstance(name, str):
                raise UncertainError(node, "an enum's name comes from a class")
            where = schema if isinstance(schema, str) else None
            sql = f"DROP TYPE IF EXISTS {qualified(where, name)}"
        self.add(derived(self.revision.path, [(f"{sql};", call.lineno)]), autocommit)


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Names of the module that are assigned once, and imports under another name."""
    found: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.asname and alias.asname != alias.name:
                    found[alias.asname] = ast.copy_location(ast.Name(alias.name), node)
            continue
        if isinstance(node, ast.Assign):
            targets, given = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, given = [node.target], node.value
        elif isinstance(node, ast.AugAssign):
            targets, given = [node.target], node.value
            twice |= {target.id for target in targets if isinstance(target, ast.Name)}
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                if target.id in found:
                    twice.add(target.id)
                found[target.id] = given
    return {name: given for name, given in found.items() if name not in twice}


def _strings(node: ast.expr, scope: Mapping[str, ast.expr]) -> Iterator[str]:
    """Strings of a path expression, left to right: ``ROOT / "sql" / "x.sql"``."""
    node = resolved(node, scope)
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        try:
            found = value(node, scope)
        except UncertainError:
            return
        if isinstance(found, str):
            yield found
    elif isinstance(node, ast.Call):
        yield from _strings(node.func, scope)
        # What follows a path in a call is a mode or an encoding.
        for argument in node.args if last_name(node.func) not in ("read_text", "read") else ():
            yield from (text for text in _strings(argument, scope) if text not in ("r", "rt", "rb"))
    elif isinstance(node, ast.Attribute):
        yield from _strings(node.value, scope)
    elif isinstance(node, ast.BinOp):
        yield from _strings(node.left, scope)
        yield from _strings(node.right, scope)


def _bind(target: ast.expr, item: ast.expr, scope: dict[str, ast.expr]) -> None:
    if isinstance(target, ast.Name):
        scope[target.id] = item
    elif isinstance(target, ast.Tuple) and isinstance(item, ast.Tuple | ast.List):
        for part, inner in zip(target.elts, item.elts, strict=False):
            _bind(part, inner, scope)


def _runs_sql(node: ast.AST) -> bool:
    """Whether there is an operation, or an execute, anywhere in it."""
    return any(
        isinstance(part, ast.Call)
        and (
            last_name(part.func) in _EXECUTES
            or (
                isinstance(part.func, ast.Attribute)
                and isinstance(part.func.value, ast.Name)
                and (part.func.value.id == "op" or part.func.value.id.startswith("batch"))
                and part.func.attr not in ("get_bind", "get_context", "f")
            )
            or _passes_connection(part)
        )
        for part in ast.walk(node)
    )


def _passes_connection(call: ast.Call) -> bool:
    """Whether a function is handed the means to run SQL."""
    return last_name(call.func) not in ("inspect", "reflect", "isinstance") and any(
        (isinstance(argument, ast.Name) and argument.id in ("op", "bind", "conn", "connection"))
        or (isinstance(argument, ast.Call) and last_name(argument.func) == "get_bind")
        for argument in call.args
    )


def _on_postgres(test: ast.expr, scope: Mapping[str, ast.expr]) -> bool | None:
    """What a test of the dialect comes to on PostgreSQL, or of offline mode in a real run."""
    test = resolved(test, scope)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _on_postgres(test.operand, scope)
        return None if inner is None else not inner
    if isinstance(test, ast.Call) and last_name(test.func) == "is_offline_mode":
        return False
    if isinstance(test, ast.Constant) and isinstance(test.value, bool):
        return test.value
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left = resolved(test.left, scope)
    path = dotted(left)
    if not path.endswith(("dialect.name", "dialect")):
        return None
    try:
        right = value(test.comparators[0], scope)
    except UncertainError:
        return None
    known = [right] if isinstance(right, str) else right if isinstance(right, list) else []
    holds = "postgresql" in known
    match test.ops[0]:
        case ast.Eq() | ast.In():
            return holds
        case ast.NotEq() | ast.NotIn():
            return not holds
    return None
