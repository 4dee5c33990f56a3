"""TypeScript and JavaScript: ``process.env`` in all its spellings, and ``import.meta.env``.

A zod object in a file that hands the whole of ``process.env`` to something describes variables.
"""

import re
from collections.abc import Iterator

from senior_backend.checks.environment.read import Read

_ENV = r"(?:\bprocess\??\.env|\bimport\.meta\.env)\b"
_ASSIGNED = r"(?!\w)(?!\s*=(?![=>]))"
_CALLED = r"(?!\(|\?\.\()"  # hasOwnProperty() and its like; a variable is a string
_MEMBER = re.compile(rf"(?<!delete ){_ENV}[?!]?\.([A-Za-z_]\w*){_ASSIGNED}{_CALLED}")
_SUBSCRIPT = re.compile(
    rf"""(?<!delete ){_ENV}(?:\?\.)?\[\s*(['"])([A-Za-z_]\w*)\1\s*\]{_ASSIGNED}"""
)
_TEMPLATE = re.compile(rf"{_ENV}(?:\?\.)?\[\s*`([^`]*)`\s*\]")
_DESTRUCTURED = re.compile(rf"\{{([^{{}}]*)\}}\s*(?::[^={{}};]+)?=\s*{_ENV}(?!\s*[\w.?\[(])")
_ALIAS = re.compile(rf"\b(?:const|let|var)\s+(\w+)\s*(?::[^=;]{1, 200})?=\s*{_ENV}\s*(?=[;\n,]|$)")
_IMPORTED = re.compile(
    r"""\bimport\s*\{[^{}]*\benv(?:\s+as\s+(\w+))?\b[^{}]*\}\s*from\s*['"](?:node:)?process['"]"""
)
_ZOD = re.compile(r"""\bfrom\s*(['"])zod(/[\w-]+)?\1|\brequire\(\s*(['"])zod\3\s*\)""")
_WHOLE = re.compile(rf"(?<!delete ){_ENV}(?!\s*(?:[!?]?\.|\?\.\[|\[|=(?!=)))")
_ZOD_OBJECT = re.compile(r"\b(?:z|zod)\s*\.\s*(?:strictObject|looseObject|object)\s*\(\s*(?=\{)")
_NAMED_MEMBER = re.compile(r"""\s*(['"]?)([A-Z_][A-Z0-9_]*)\1\s*:""")
_BRACKET = re.compile(r"[()\[\]{}]")
_SET_BY_BUNDLER = frozenset({"MODE", "DEV", "PROD", "SSR", "BASE_URL"})
_CONSTANT_CASE = re.compile(r"[A-Z_][A-Z0-9_]*")
_WORD = re.compile(r"[A-Za-z_]\w*")
_TOKEN = re.compile(r"//|/\*|['\"`{}]")


def reads(text: str) -> Iterator[Read]:
    """Every read whose name, or part of it, stands in the file."""
    if "process" not in text and "import.meta" not in text:
        return
    code = blank(text)

    def line(offset: int) -> int:
        return code.count("\n", 0, offset) + 1

    for match in _MEMBER.finditer(code):
        if match[1] not in _SET_BY_BUNDLER or "import.meta" not in match[0]:
            yield Read((match[1],), line(match.start()))
    for match in _SUBSCRIPT.finditer(code):
        yield Read((match[2],), line(match.start()))
    for match in _DESTRUCTURED.finditer(code):
        for part in re.finditer(r"[^,]+", match[1]):
            name = re.split(r"[:=]", part[0])[0].strip()
            if _CONSTANT_CASE.fullmatch(name):
                start = match.start(1) + part.start() + part[0].index(name)
                yield Read((name,), line(start))
    aliases = {match[1] for match in _ALIAS.finditer(code)}
    aliases |= {match[1] or "env" for match in _IMPORTED.finditer(text)}
    for alias in sorted(aliases):
        for match in re.finditer(rf"(?<![\w.]){alias}\.([A-Z_][A-Z0-9_]*){_ASSIGNED}", code):
            yield Read((match[1],), line(match.start()))
    if _ZOD.search(text) and _WHOLE.search(code):
        end = 0
        while described := _ZOD_OBJECT.search(code, end):
            end = _end_of_brackets(code, described.end())
            for name, offset in _members(code, described.end(), end):
                yield Read((name,), line(offset))
    for match in _TEMPLATE.finditer(text):
        name = re.sub(r"\$\{[^}]*\}", "*", match[1])
        yield Read((name,), text.count("\n", 0, match.start()) + 1)


def _end_of_brackets(code: str, start: int) -> int:
    """The offset after the bracket that closes the one at ``start``."""
    depth = 0
    for bracket in _BRACKET.finditer(code, start):
        depth += 1 if bracket[0] in "([{" else -1
        if depth == 0:
            return bracket.end()
    return len(code)


def _members(code: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    """The constants that name members of the object literal at ``start``, with their offsets."""
    position = start + 1
    while position < end:
        if member := _NAMED_MEMBER.match(code, position, end):
            yield member[2], member.start(2)
        # On to the comma that ends this member.
        while position < end and code[position] != ",":
            opens = code[position] in "([{"
            position = _end_of_brackets(code, position) if opens else position + 1
        position += 1


def blank(text: str) -> str:
    """``text`` with comments, and strings that are not one word, overwritten by spaces.

    The code in ``${}`` of a template string stays, and so do all line breaks and offsets. Regular
    expression literals are not told from divisions: a quote or ``//`` in one can hide the rest of
    its line, which loses a read and never invents one.
    """
    out = list(text)

    def erase(start: int, end: int) -> None:
        out[start:end] = ["\n" if c == "\n" else " " for c in text[start:end]]

    position, depth = 0, [0]  # depth[-1]: open braces since the innermost `${`
    while token := _TOKEN.search(text, position):
        start, one = token.start(), token[0]
        end = token.end()
        if one == "//":
            end = _find(text, "\n", start)
            erase(start, end)
        elif one == "/*":
            end = _find(text, "*/", end) + 2
            erase(start, end)
        elif one in "'\"":
            end = _end_of_string(text, start)
            if not _WORD.fullmatch(text[start + 1 : end - 1]):
                erase(start, end)
        elif one == "`" or (one == "}" and depth[-1] == 0 and len(depth) > 1):
            if one == "}":
                depth.pop()
            end = _end_of_template(text, end)
            erase(start, end)
            if text[end - 2 : end] == "${":
                depth.append(0)
        else:
            depth[-1] += 1 if one == "{" else -1
        position = end
    return "".join(out)


def _find(text: str, what: str, start: int) -> int:
    found = text.find(what, start)
    return len(text) if found < 0 else found


def _end_of_string(text: str, start: int) -> int:
    """The offset after the closing quote; one after ``start`` when the line ends without one."""
    position = start + 1
    while position < len(text) and text[position] != "\n":
        if text[position] == text[start]:
            return position + 1
        position += 2 if text[position] == "\\" else 1
    return start + 1


def _end_of_template(text: str, start: int) -> int:
    """The offset after the closing backtick or after the next ``${``."""
    position = start
    while position < len(text):
        if text[position] == "`":
            return position + 1
        if text.startswith("${", position):
            return position + 2
        position += 2 if text[position] == "\\" else 1
    return len(text)
