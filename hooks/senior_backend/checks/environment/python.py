"""Python: ``os.environ``, ``os.getenv``, and the fields of pydantic-settings classes."""

import ast
import re
import warnings
from collections.abc import Iterator

from senior_backend.checks.environment import pydantic_settings
from senior_backend.checks.environment.python_module import Module, string
from senior_backend.checks.environment.read import Read

_LOOKUP = re.compile(r"environ|getenv")
_SETTINGS = re.compile(r"BaseSettings|env_prefix")
_LOOKUPS = frozenset({"get", "pop", "__getitem__"})


def reads(text: str) -> Iterator[Read]:
    """Every read whose name, or part of it, stands in the file.

    Raises:
        SyntaxError: the text is not Python of this interpreter's version.
    """
    lookups, settings = _LOOKUP.search(text), _SETTINGS.search(text)
    if not lookups and not settings:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are the author's business
        tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    module = Module.of(tree, nodes)
    if lookups:
        unused = {n.value for n in nodes if isinstance(n, ast.Expr)}
        for node in nodes:
            name = None if _removes(node, unused) else _looked_up(node, module)
            if name is not None and (pattern := string(name, module.constants)):
                yield Read((pattern,), name.lineno)
    if settings:
        yield from pydantic_settings.reads(
            [n for n in nodes if isinstance(n, ast.ClassDef)], module
        )


def _removes(node: ast.AST, unused: set[ast.expr]) -> bool:
    """Whether ``node`` is a ``pop`` whose result nobody uses: it deletes, as ``del`` does."""
    match node:
        case ast.Call(func=ast.Attribute(attr="pop")):
            return node in unused
    return False


def _looked_up(node: ast.AST, module: Module) -> ast.expr | None:
    """The expression by which ``node`` looks a variable up, or None when it does not."""
    match node:
        case ast.Subscript(value=container, slice=key, ctx=ast.Load()):
            return key if module.is_environ(container) else None
        case ast.Call(func=ast.Attribute(value=container, attr=attribute), args=[key, *_]) if (
            attribute in _LOOKUPS and module.is_environ(container)
        ):
            return key
        case ast.Call(func=function, args=[key, *_]):
            return key if module.is_getenv(function) else None
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[container]):
            return key if module.is_environ(container) else None
    return None
