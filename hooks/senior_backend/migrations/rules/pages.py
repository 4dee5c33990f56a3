"""The reference page of each rule, and the list of all, as Markdown."""

from collections.abc import Iterable, Mapping
from typing import Final

from senior_backend.migrations.rules.rule import Example, Rule

_TRANSACTIONS: Final = {
    "file": "one transaction around the file",
    "run": "one transaction around all that one run applies",
    "implicit": "the whole file in one query message",
    "statement": "each statement on its own",
}


_VERBS: Final = {
    "gate": "blocks traffic, breaks running code, fails, or loses data: it fails the run",
    "hygiene": "is regretted later: it fails the run with `--fail-on hygiene`",
    "note": "is good to know: it fails the run with `--fail-on note` only",
    "style": "is a matter of taste",
}


_INTRODUCTION: Final = """\
Generated from the rules by `make docs`. The tests lint each page's examples and run them on
PostgreSQL. `senior-backend explain ID` prints a page. A rule is switched off in the settings, for a
path there, or for a statement by an [ignore comment](../references/migrations/ignore-comment.md).
*Written* means that the linter writes the safe form, as a fix or as a plan."""


def page(rule: Rule) -> str:
    """What a rule is about, why, a bad example with what PostgreSQL does for it, the good form."""
    standing = f"Class {rule.class_}: it {_VERBS[rule.class_]}."
    parts = [
        f"# {rule.id}: {rule.title}",
        f"{standing} Source: PostgreSQL documentation, {rule.source}.",
        "## Why",
        rule.why.strip(),
        "## Bad",
        _example(rule.bad),
    ]
    if rule.bad.proof:
        shown = "; ".join(f"`{proof}`" for proof in rule.bad.proof)
        parts.append(f"What PostgreSQL shows when it runs: {shown}.")
    parts.append("## Good")
    if len(rule.good) > 1:
        parts.append("Each block is a migration of its own.")
    parts += [_example(good, with_setup=good.setup != rule.bad.setup) for good in rule.good]
    if rule.silent:
        parts.append("## Not reported")
        parts += [_example(near, with_setup=near.setup != rule.bad.setup) for near in rule.silent]
    comment = f"-- senior-backend-ignore {rule.id}: why it is harmless here (until 2030-01-31)"
    parts += ["## Ignoring it", f"```sql\n{comment}\n```"]
    return "\n\n".join(parts) + "\n"


def _example(example: Example, *, with_setup: bool = True) -> str:
    lines = [f"-- run in {_TRANSACTIONS[example.transaction]}"]
    if example.transaction == "statement":
        lines = ["-- run with each statement on its own, outside a transaction"]
    if example.since > 14:
        lines.append(f"-- PostgreSQL {example.since} or newer")
    setup = ""
    if with_setup and example.setup.strip():
        setup = f"-- before\n{example.setup.strip()}\n\n"
    down = f"\n\n-- down\n{example.down.strip()}" if example.down else ""
    notes = "\n".join(lines)
    return f"```sql\n{setup}{notes}\n{example.sql.strip()}{down}\n```"


def index(rules: Mapping[str, Rule], fixable: Iterable[str]) -> str:
    """All rules by class, each with its title and whether it has a fix."""
    having = set(fixable)
    parts = ["# Rules of the migration linter", _INTRODUCTION]
    for name in ("gate", "hygiene", "note", "style"):
        chosen = [rule for rule in rules.values() if rule.class_ == name]
        if not chosen:
            continue
        parts.append(f"## {name}: {len(chosen)} rules")
        parts.append(f"Each is something that {_VERBS[name]}.")
        rows = ["| rule | what | safe form |", "|---|---|---|"]
        for rule in chosen:
            link = f"[{rule.id}](../references/migrations/{rule.id}.md)"
            title = rule.title.replace("|", "\\|")
            rows.append(f"| {link} | {title} | {'written' if rule.id in having else ''} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"
