"""What names and expressions mean in one Python file, as far as its text tells."""

import ast
import re
from dataclasses import dataclass, field


@dataclass
class Module:
    """The local names, under whatever alias, of what reads the environment; and constants."""

    os: set[str] = field(default_factory=set)
    environ: set[str] = field(default_factory=set)
    getenv: set[str] = field(default_factory=set)
    base_settings: set[str] = field(default_factory=set)
    constants: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: ast.Module, nodes: list[ast.AST]) -> "Module":
        """The meanings that the imports and top-level constants among ``nodes`` give."""
        module = cls()
        for node in nodes:
            if isinstance(node, ast.Import):
                module.os |= {a.asname or "os" for a in node.names if a.name == "os"}
                # `import os.path` binds `os` as well.
                module.os |= {"os" for a in node.names if a.name == "os.path" and not a.asname}
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    name = alias.asname or alias.name
                    if node.module == "os" and alias.name in ("environ", "environb"):
                        module.environ.add(name)
                    elif node.module == "os" and alias.name == "getenv":
                        module.getenv.add(name)
                    elif alias.name == "BaseSettings":
                        module.base_settings.add(name)
        for statement in tree.body:
            target, value = assignment(statement)
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and target:
                module.constants[target] = value.value
        return module

    def is_environ(self, node: ast.expr) -> bool:
        """Whether ``node`` is ``os.environ``."""
        if isinstance(node, ast.Name):
            return node.id in self.environ
        return self._of_os(node, "environ", "environb")

    def is_getenv(self, node: ast.expr) -> bool:
        """Whether ``node`` is ``os.getenv``."""
        if isinstance(node, ast.Name):
            return node.id in self.getenv
        return self._of_os(node, "getenv", "getenvb")

    def _of_os(self, node: ast.expr, *attributes: str) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr in attributes
            and isinstance(node.value, ast.Name)
            and node.value.id in self.os
        )


def assignment(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """``name = value`` or ``name: type = value``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value:
        target, value = statement.target, statement.value
    else:
        return None, None
    return (target.id if isinstance(target, ast.Name) else None), value


def string(node: ast.expr, constants: dict[str, str]) -> str | None:
    """The string that ``node`` makes, unknown parts as ``*``; None when nothing is known."""
    text = pieces(node, constants)
    return None if not text.strip("*_") else re.sub(r"\*+", "*", text)


def pieces(node: ast.expr, constants: dict[str, str]) -> str:
    """The string that ``node`` makes, each unknown part as ``*``."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bytes(raw)):
            return raw.decode("latin-1")
        case ast.Name(id=name):
            return constants.get(name, "*")
        case ast.JoinedStr(values=values):
            return "".join(pieces(v, constants) for v in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return pieces(left, constants) + pieces(right, constants)
        case _:
            return "*"
