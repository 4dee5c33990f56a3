"""What a checking command found, in the shape that every renderer and machine format shares."""

from senior_backend.findings.finding import Class, Finding, Fix, NotAnalyzed, Severity, Suppression
from senior_backend.findings.outcome import CLEAN, FOUND, Outcome

__all__ = [
    "CLEAN",
    "FOUND",
    "Class",
    "Finding",
    "Fix",
    "NotAnalyzed",
    "Outcome",
    "Severity",
    "Suppression",
]
