"""The result of one run of a checking command, and the exit code that follows from it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from senior_backend.errors import NotRunError
from senior_backend.findings.finding import Class, Finding, NotAnalyzed

CLEAN: Final = 0
FOUND: Final = 1

_CLASSES: Final[tuple[Class, ...]] = get_args(Class)
_SEVERITIES: Final = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that one run of ``tool`` has to say, and how much of what (``unit``) was checked."""

    tool: str
    findings: tuple[Finding, ...]
    checked: int
    unit: str = "file"
    not_analyzed: tuple[NotAnalyzed, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What a tool adds to the summary of the machine format."""

    def ordered(self) -> list[Finding]:
        """The findings, gravest first, then by place."""
        return sorted(
            self.findings,
            key=lambda f: (_SEVERITIES[f.severity], f.path, f.line, f.column, f.rule),
        )

    def exit_code(self, fail_on: Class = "gate") -> int:
        """``FOUND`` when an unsuppressed finding is of class ``fail_on`` or graver.

        Else that of ``NotRunError`` when a whole file could not be checked: never reported as
        clean.
        """
        failing = _CLASSES[: _CLASSES.index(fail_on) + 1]
        found = any(f.class_ in failing and f.suppressed is None for f in self.findings)
        if found:
            return FOUND
        return NotRunError.exit_code if any(n.whole for n in self.not_analyzed) else CLEAN

    def summary(self) -> dict[str, Any]:
        """Counts for people and machines: what was checked, what was found, by class."""
        classes = Counter(f.class_ for f in self.findings if f.suppressed is None)
        return {
            "checked": self.checked,
            "unit": self.unit,
            **{name: classes[name] for name in _CLASSES},
            "suppressed": sum(f.suppressed is not None for f in self.findings),
            "not_analyzed": len(self.not_analyzed),
            **self.extra,
        }
