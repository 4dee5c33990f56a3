"""Test cases of linters that are written in Rust, read from their sources.

A case is a call such as ``lint_ok(sql, ...)``, ``assert!(!fires("...", "rule"))`` or
``findings("...").iter().any(|f| f.rule_id == "rule")`` in a function under ``#[test]``. The SQL is
a literal, or a variable or constant that is bound to one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lint.linters import Setting

TOKEN = re.compile(
    r"""
      //[^\n]* | /\*.*?\*/
    | r(?P<hashes>\#*)"(?P<raw>.*?)"(?P=hashes)
    | "(?P<plain>(?:[^"\\]|\\.)*)"
    | '(?:[^'\\\n]|\\.)'
    | (?P<word>[A-Za-z_]\w*)
    | (?P<mark>[^\s\w])
    """,
    re.DOTALL | re.VERBOSE,
)
ESCAPE = re.compile(r"\\(\n\s*|u\{[0-9a-fA-F]+\}|.)", re.DOTALL)
ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", '"': '"', "'": "'"}

MUST_PASS = re.compile(r"lint_ok\w*$")
MUST_FIRE = re.compile(r"(lint|lint_errors\w*|fix\w*)$")
FIRES = re.compile(r"fires\w*$")
FINDINGS = re.compile(r"(findings|lint_sql)$")
MAJOR_FUNCTION = re.compile(r"pg(\d+)$")


@dataclass(frozen=True)
class Token:
    """A string literal (its value), a word, or a punctuation mark."""

    value: str
    is_string: bool = False


@dataclass(frozen=True)
class Case:
    """SQL in which a rule must, or must not, find something. ``id`` is unique and stable."""

    id: str
    rule: str
    sql: str
    must_fire: bool
    setting: Setting


def read(source: str, paths: Sequence[Path]) -> list[Case]:
    """All cases of the files, each once."""
    cases: dict[tuple[str, str, bool, Setting], Case] = {}
    for path in paths:
        tokens = list(tokenize(path.read_text(encoding="utf-8")))
        helpers = dict(_helpers(tokens))
        constants = dict(_constants(tokens))
        for name, body in test_functions(tokens):
            for at, case in enumerate(_cases(body, helpers, constants), start=1):
                rule, sql, must_fire, setting = case
                if not rule:
                    continue
                whole = Case(f"{source}/{path.stem}/{name}/{at}", rule, sql, must_fire, setting)
                cases.setdefault((rule, sql.strip(), must_fire, setting), whole)
    return list(cases.values())


def tokenize(text: str) -> Iterator[Token]:
    """The tokens of a Rust source, without comments, numbers and white space."""
    for match in TOKEN.finditer(text):
        if match["raw"] is not None:
            yield Token(match["raw"], is_string=True)
        elif match["plain"] is not None:
            yield Token(ESCAPE.sub(_unescaped, match["plain"]), is_string=True)
        elif match["word"] or match["mark"]:
            yield Token(match["word"] or match["mark"])


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "\n":
        return ""
    return chr(int(code[2:-1], 16)) if code[0] == "u" else ESCAPED.get(code, code)


def test_functions(tokens: Sequence[Token]) -> Iterator[tuple[str, Sequence[Token]]]:
    """Name and body of each function under ``#[test]``."""
    words = [token.value if not token.is_string else "" for token in tokens]
    at = 0
    while at < len(words):
        if words[at : at + 5] == ["#", "[", "test", "]", "fn"]:
            name = words[at + 5]
            start = words.index("{", at)
            end = _closing(words, start)
            yield name, tokens[start + 1 : end]
            at = end
        at += 1


def _helpers(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Functions of the file that fix the rule themselves, and that rule."""
    words = [token.value if not token.is_string else "" for token in tokens]
    for at, word in enumerate(words[:-1]):
        if word == "fn" and "{" in words[at:]:
            start = words.index("{", at)
            inside = tokens[start : _closing(words, start)]
            calls = [n for n, token in enumerate(inside) if FINDINGS.match(token.value)]
            expected = _expected(inside[calls[0] + 1 :]) if calls else None
            if rule := _first_rule(inside) or (expected[0] if expected else ""):
                yield words[at + 1], rule


def _closing(words: Sequence[str], start: int) -> int:
    """Where the bracket that opens at ``start`` closes."""
    opening, closing = words[start], {"{": "}", "(": ")"}[words[start]]
    depth = 0
    for at in range(start, len(words)):
        depth += (words[at] == opening) - (words[at] == closing)
        if depth == 0:
            return at
    return len(words)


def _cases(
    body: Sequence[Token], helpers: Mapping[str, str], constants: Mapping[str, str]
) -> Iterator[tuple[str, str, bool, Setting]]:
    words = [token.value if not token.is_string else "" for token in body]
    bound = dict(constants)
    for at, word in enumerate(words):
        if word == "let" and words[at + 2] == "=" and body[at + 3].is_string:
            bound[words[at + 1]] = body[at + 3].value
        if at + 2 >= len(words) or words[at + 1] != "(":
            continue
        end = _closing(words, at + 1)
        first = body[at + 2]
        sql = first.value if first.is_string else bound.get(first.value)
        if sql is None:
            continue
        arguments = body[at + 3 : end]
        names = [token.value for token in arguments if token.is_string]
        if MUST_PASS.match(word) or MUST_FIRE.match(word):
            rule = _first_rule(arguments) or helpers.get(word, "")
            yield rule, sql, bool(MUST_FIRE.match(word)), _setting(arguments, body)
        elif FIRES.match(word):
            rule = names[0] if names else helpers.get(word, "")
            assumed = Setting(in_transaction=word.endswith("assumed") or None)
            yield rule, sql, words[at - 1] != "!", assumed
        elif FINDINGS.match(word) and (expected := _expected(body[end:])):
            rule, must_fire = expected
            yield rule, sql, must_fire != (words[at - 1] == "!"), Setting()


def _expected(after: Sequence[Token]) -> tuple[str, bool] | None:
    """What is said of a call's findings: ``any`` has the rule, or ``all`` have another."""
    words = [token.value if not token.is_string else "" for token in after]
    for at, word in enumerate(words):
        if FINDINGS.match(word) or word == "filter":
            return None
        if word == "rule_id" and words[at + 2 : at + 3] == ["="] and after[at + 3].is_string:
            return after[at + 3].value, words[at + 1] == "="
    return None


def _constants(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """``const NAME: &str = "..."``."""
    for at, token in enumerate(tokens[:-6]):
        if token.value == "const" and tokens[at + 6].is_string:
            yield tokens[at + 1].value, tokens[at + 6].value


def _first_rule(tokens: Sequence[Token]) -> str:
    """The first ``Rule::SomeName``, as ``some-name``."""
    for at, token in enumerate(tokens[:-3]):
        if token.value == "Rule" and tokens[at + 1].value == tokens[at + 2].value == ":":
            return re.sub(r"(?<!^)(?=[A-Z])", "-", tokens[at + 3].value).lower()
    return ""


def _setting(arguments: Sequence[Token], body: Sequence[Token]) -> Setting:
    """From the call's own arguments, or from the variable ``settings`` that they name."""
    words = [token.value for token in arguments]
    where = _bound_settings(body) if "settings" in words else arguments
    values = [token.value for token in where]
    majors = [int(match[1]) for word in words if (match := MAJOR_FUNCTION.match(word))]
    if "pg_version" in values:
        text = next(token for token in where[values.index("pg_version") :] if token.is_string)
        majors = [int(text.value.split(".")[0])]
    assumed = "assume_in_transaction" in values
    if assumed:
        assumed = values[values.index("assume_in_transaction") + 2] == "true"
    return Setting(assumed or None, majors[0] if majors else None)


def _bound_settings(body: Sequence[Token]) -> Sequence[Token]:
    """What ``let settings = LinterSettings { ... }`` holds."""
    words = [token.value if not token.is_string else "" for token in body]
    for at, word in enumerate(words):
        if word == "let" and words[at + 1] == "settings":
            start = words.index("{", at)
            return body[start : _closing(words, start)]
    return ()
