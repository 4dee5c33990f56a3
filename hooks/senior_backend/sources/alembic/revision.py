"""A revision file: its place in the graph, and its functions as syntax trees."""

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import NotRead

_IDENTIFIERS: Final = ("revision", "down_revision", "depends_on", "branch_labels")


@dataclass(slots=True)
class Source:
    """A Python file: bytes and the byte at which each line begins."""

    path: str
    data: bytes
    starts: list[int]

    @classmethod
    def of(cls, path: str, data: bytes) -> "Source":
        """A file from its bytes."""
        starts = [0]
        at = data.find(b"\n")
        while at >= 0:
            starts.append(at + 1)
            at = data.find(b"\n", at + 1)
        return cls(path, data, starts)

    def offset(self, line: int, column: int) -> int:
        """The byte of a place as ``ast`` gives it: line from 1, column in bytes from 0."""
        return self.starts[line - 1] + column

    def slice(self, node: ast.expr) -> tuple[int, int]:
        """The bytes of a node."""
        assert node.end_lineno is not None  # noqa: S101 - parsed, not made
        assert node.end_col_offset is not None  # noqa: S101
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )


@dataclass
class Revision:
    """A revision; ``after`` are the revisions that must have run before it."""

    directory: Directory
    file: str
    source: Source
    tree: ast.Module
    id: str
    down: tuple[str, ...]
    depends_on: tuple[str, ...]
    labels: tuple[str, ...]
    line: int

    @property
    def path(self) -> str:
        """As a person sees it."""
        return self.source.path

    @property
    def after(self) -> tuple[str, ...]:
        """Ids, or labels, of what comes before."""
        return self.down + self.depends_on

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Functions of the module by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    @cached_property
    def title(self) -> str:
        """The first line of the docstring, else of the file's name."""
        lines = (ast.get_docstring(self.tree) or "").splitlines()
        return lines[0].strip() if lines else self.file.removesuffix(".py")


def read_revision(directory: Directory, file: str) -> Revision | NotRead | None:
    """A file of a version location; None when it is no revision."""
    path = directory.shown_path(file)
    try:
        with open(directory.path_of(file), "rb", buffering=0) as opened:  # noqa: PTH123
            data = opened.readall()
    except OSError as error:
        return NotRead(path, 1, f"cannot be read: {error.strerror}", whole=True)
    if b"revision" not in data:
        return None
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        # Python's parser says MemoryError of what is nested too deeply.
        line = getattr(error, "lineno", None) or 1
        return NotRead(path, line, f"is not Python: {error.__class__.__name__}", whole=True)
    values: dict[str, object] = {}
    line = 1
    for node in tree.body:
        target, value = _assigned(node)
        if target in _IDENTIFIERS and value is not None:
            try:
                values[target] = ast.literal_eval(value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                reason = f"{target} is computed: its place in the order is not known"
                return NotRead(path, node.lineno, reason, whole=True)
            line = node.lineno if target == "revision" else line
    identity = values.get("revision")
    if not isinstance(identity, str):
        return None
    return Revision(
        directory,
        file,
        Source.of(path, data),
        tree,
        identity,
        _ids(values.get("down_revision")),
        _ids(values.get("depends_on")),
        _ids(values.get("branch_labels")),
        line,
    )


def _assigned(node: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
        value: ast.expr | None = node.value
    elif isinstance(node, ast.AnnAssign):
        target, value = node.target, node.value
    else:
        return "", None
    return (target.id, value) if isinstance(target, ast.Name) else ("", None)


def _ids(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple | set):
        return tuple(item for item in value if isinstance(item, str))
    return ()
