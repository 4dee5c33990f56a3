"""Go: ``os.Getenv``, ``os.LookupEnv``, and struct tags ``env:"NAME"`` (caarlos0/env, cleanenv)."""

import re
from collections.abc import Iterator

from senior_backend.checks.environment.read import Read

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      |(?P<rune>'(?:\\.|[^'\\\n])+')
      |(?P<text>"(?:\\.|[^"\\\n])*")
      |(?P<raw>`[^`]*`)""",
    re.VERBOSE | re.DOTALL,
)
_LOOKUP = re.compile(r"\b(?:os|syscall)\.(?:Getenv|LookupEnv)\(\s*$")
_LOOKUP_BY_CONSTANT = re.compile(r"\b(?:os|syscall)\.(?:Getenv|LookupEnv)\(\s*(\w+)\s*\)")
_CONSTANT = re.compile(r'\b(\w+)(?:\s+string)?\s*=\s*"([A-Za-z_]\w*)"')
_PREFIX_CALL = re.compile(r"\b(?:SetEnvPrefix|envconfig\.(?:Must)?Process)\(\s*$")
_TAG = re.compile(r'\benv:"([^"]*)"')
_TAG_PREFIX = re.compile(r'\benvPrefix:"|\benv-prefix:"|,\s*prefix=|\bPrefix:\s*"')
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")


def reads(text: str) -> Iterator[Read]:
    """Every read whose name stands in the file."""
    prefixed = bool(_TAG_PREFIX.search(text))
    code = []  # what is left without comments and literals, to follow constants
    line, end = 1, 0
    for token in _TOKEN.finditer(text):
        before = text[max(0, token.start() - 80) : token.start()]
        after = text[token.end() : token.end() + 8]
        line += text.count("\n", end, token.start())
        if token["text"]:
            value = token["text"][1:-1]
            if _LOOKUP.search(before):
                yield Read((f"{value}*" if after.lstrip().startswith("+") else value,), line)
            elif _PREFIX_CALL.search(before) and value:
                yield Read((f"{value.upper()}_*",), line)
        elif token["raw"]:
            yield from _tag(token["raw"], line, prefixed=prefixed)
        code.append(text[end : token.start()])
        breaks = token[0].count("\n")
        code.append("\n" * breaks)
        line, end = line + breaks, token.end()
    code.append(text[end:])
    yield from _by_constant(text, "".join(code))


def _tag(tag: str, line: int, *, prefixed: bool) -> Iterator[Read]:
    """The names of a struct tag; a prefix anywhere in the file may stand before any of them."""
    for match in _TAG.finditer(tag):
        names = tuple(n for n in re.split(r"\s*,\s*", match[1]) if _NAME.fullmatch(n))
        if names:
            yield Read(tuple(f"*{n}" for n in names) if prefixed else names, line)


def _by_constant(text: str, code: str) -> Iterator[Read]:
    constants = {match[1]: match[2] for match in _CONSTANT.finditer(text)}
    for match in _LOOKUP_BY_CONSTANT.finditer(code):
        if name := constants.get(match[1]):
            yield Read((name,), code.count("\n", 0, match.start()) + 1)
