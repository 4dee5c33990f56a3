"""The rivals' own test cases: where we agree, and who is right where we do not.

A case is about one hazard. In a must-fire case we agree when we name the hazard, in a must-pass
case when we do not. Cases of rules about taste are left out. A disagreement is settled in
``verdicts.toml``, beside which stands what PostgreSQL was seen to do.
"""

import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.lint.linters import Found, Linter, Setting
from benchmarks.lint.manifest import CaseSource
from benchmarks.lint.markdown import share, table
from benchmarks.lint.rust_cases import Case

VERDICTS = Path(__file__).with_name("verdicts.toml")
OLDEST, NEWEST = 14, 18
# SET NOT NULL learnt to use a CHECK in 12, so a case for 12 or 13 says the same of 14.
LIKE_OLDEST = 12


@dataclass(frozen=True)
class Verdict:
    """Who is right, and why."""

    right: str
    because: str


@dataclass(frozen=True)
class Compared:
    """A case and what we found in it."""

    source: str
    case: Case
    findings: tuple[Found, ...]
    named: bool

    @property
    def agrees(self) -> bool:
        """Whether we and they say the same of the hazard."""
        return self.named == self.case.must_fire


def verdicts(path: Path = VERDICTS) -> dict[str, Verdict]:
    """The settled disagreements by the case's id."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: Verdict(one["right"], one["because"]) for name, one in data.items()}


def comparable(case: Case, source: CaseSource) -> Case | None:
    """The case as we can be asked it; None when about taste or a PostgreSQL too old for us."""
    if case.rule in source.left_out:
        return None
    major = case.setting.major
    if major is not None:
        if major < LIKE_OLDEST:
            return None
        major = min(max(major, OLDEST), NEWEST)
    in_transaction = case.setting.in_transaction or (False if source.runs_alone else None)
    return replace(case, setting=Setting(in_transaction, major))


def compare(name: str, source: CaseSource, cases: Sequence[Case], linter: Linter) -> list[Compared]:
    """Lint every case in a folder of its own: a migration of another case is not its history."""
    found: dict[str, list[Found]] = {}
    for setting in dict.fromkeys(case.setting for case in cases):
        with tempfile.TemporaryDirectory(prefix="migration-lint-") as directory:
            root = Path(directory)
            for number, case in enumerate(cases):
                if case.setting == setting:
                    (root / f"case-{number}").mkdir()
                    (root / _path(number)).write_text(case.sql, encoding="utf-8")
            for one in linter.lint(["."], root, setting).findings:
                found.setdefault(one.path, []).append(one)
    return [
        _compared(name, source, case, tuple(found.get(_path(number), ())), linter)
        for number, case in enumerate(cases)
    ]


def _path(number: int) -> str:
    return f"case-{number}/case.sql"


def _compared(
    name: str, source: CaseSource, case: Case, findings: tuple[Found, ...], linter: Linter
) -> Compared:
    named = any(
        linter.vocabulary.name(hazard, one.rule)
        for hazard in source.hazard[case.rule]
        for one in findings
    )
    return Compared(name, case, findings, named)


def report(
    compared: Sequence[Compared],
    settled: Mapping[str, Verdict],
    seen: Callable[[Compared], str],
) -> str:
    """Shares by source and kind, then each disagreement."""
    rows = []
    for source in dict.fromkeys(one.source for one in compared):
        for must_fire in (True, False):
            mine = [
                one for one in compared if one.source == source and one.case.must_fire == must_fire
            ]
            apart = [one for one in mine if not one.agrees]
            rulings = Counter(_ruling(one, settled) for one in apart)
            right = len(mine) - len(apart) + rulings["ours"] + rulings["neither"]
            rows.append(
                (
                    source,
                    "must fire" if must_fire else "must pass",
                    share(len(mine) - len(apart), len(mine)),
                    rulings["ours"],
                    rulings["neither"],
                    rulings["theirs"],
                    rulings["open"],
                    share(right, len(mine)),
                )
            )
    header = (
        "cases of",
        "kind",
        "agree",
        "we are right",
        "taste",
        "they are right",
        "open",
        "right",
    )
    parts = [table(header, rows, numbers_from=2)]
    apart = [one for one in compared if not one.agrees]
    if apart:
        details = [
            (
                one.case.id,
                one.case.rule,
                "must fire" if one.case.must_fire else "must pass",
                ", ".join(sorted({found.rule for found in one.findings})) or "nothing",
                seen(one),
                _ruling(one, settled),
                settled[one.case.id].because if one.case.id in settled else "",
            )
            for one in apart
        ]
        columns = ("case", "their rule", "kind", "we found", "PostgreSQL", "right", "because")
        parts.append(table(columns, details, numbers_from=9))
    return "\n\n".join(parts)


def _ruling(one: Compared, settled: Mapping[str, Verdict]) -> str:
    return settled[one.case.id].right if one.case.id in settled else "open"
