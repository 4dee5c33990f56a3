"""The page that publishes what was measured."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime

from benchmarks.lint.markdown import table
from benchmarks.machine import processor_model

ABOUT: Mapping[str, tuple[str, str]] = {
    "throughput": (
        "Requests for each second of processor time",
        (
            "All tools send to the same nginx in the same run, in turns, over {connections} "
            "connections; medians of {rounds} rounds of {seconds} s (lowest to highest). Requests "
            "are those that the target answered. Processor time is user and system time of the "
            "tool's whole process tree, less that of a minimal run of the same tool, which is its "
            "start. *Ours is* says how many requests ours sends in the processor time in which the "
            "other sends one, taken round by round. wrk always sends one static GET, whatever the "
            "others do. Below saturation ours sleeps and wakes for each request, which costs more; "
            "who sends once a millisecond what has come due saves that, and is less punctual (next "
            "section). *Answers a second* are of wall-clock time, which other work on the machine "
            "takes from; *others* is the share of the machine that went to it."
        ),
    ),
    "pacing": (
        "How punctual each tool is",
        (
            "1,000 requests a second over {connections} connections for 5 s; medians of {rounds} "
            "rounds. Only ours tells how late it sends. What the target sees is measured against a "
            "second target, which does nothing else than to note the moment of each request: "
            "how far they come behind an even schedule that begins with the earliest of them. A "
            "tool that sends less than it was asked to falls behind that schedule."
        ),
    ),
    "freeze": (
        "A target that stands still",
        (
            "The target is stopped for one second every ten (SIGSTOP) while 1,000 requests a "
            "second are due, for 30 s. A tenth of the arrivals fall into the freezes and wait from "
            "one second down to nothing, so the percentiles are known exactly, from the measured "
            "lengths of the freezes. Right is within 3 % of p95 and p99, with a median below "
            "1 ms (nine of ten requests are answered at once) and all requests sent. wrk has no "
            "rate: it sends as fast as it can, and its percentiles are of that load."
        ),
    ),
    "rate": (
        "The highest rate held in an open model",
        (
            "On one core: the rate is doubled while it is held, and then closed in on in steps of "
            "5,000. Held: the tool says that the run is valid, at least 99 % of the requests were "
            "sent in time, none failed, and the tool's own lateness, where it tells it, is below "
            "1 ms at p99."
        ),
    ),
    "memory": (
        "Memory",
        (
            "The full features at 50,000 requests a second. Resident memory of all our processes "
            "together, looked at five times a second; what they share counts for each."
        ),
    ),
    "growth": (
        "How the cost grows",
        (
            "Our generator as fast as it goes, with one static GET for each endpoint; medians of "
            "{rounds} rounds of 3 s (lowest to highest), the start taken off. With one connection "
            "each request is waited for alone."
        ),
    ),
}


def machine() -> str:
    """What it was measured on."""
    return (
        f"{processor_model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}. The target has one core to itself, the client "
        "another; everything else on the machine shares both."
    )


def circumstances(*, first: bool) -> str:
    """When a section was measured, and how busy the machine was; ``first``: we had priority."""
    one, five, fifteen = os.getloadavg()
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d at %H:%M} UTC; load average then {one:.1f} "
        f"(1 minute), {five:.1f} (5), {fifteen:.1f} (15), the benchmark's own included"
        + ("; target and client went before everything else (chrt --rr 1)." if first else ".")
    )


def section(name: str, text: str, settings: Mapping[str, object]) -> str:
    """One section with its heading, what it is about, its table and its circumstances."""
    title, about = ABOUT[name]
    when = circumstances(first=bool(settings["first"]))
    return "\n\n".join([f"## {title}", about.format(**settings), text, when])


def page(
    sections: Mapping[str, str],
    tools: Mapping[str, str],
    missing: Mapping[str, str],
    earlier: str = "",
) -> str:
    """The whole page in Markdown.

    ``sections`` are whole ones; those that are not among them are taken from an ``earlier`` page.
    ``tools`` are versions by name, ``missing`` reasons by name.
    """
    versions = [*tools.items(), *((name, f"not measured: {why}") for name, why in missing.items())]
    kept = split(earlier)
    parts = [
        "# The load generator, measured",
        (
            "Written by `python benchmarks/load_engine.py --write docs/benchmarks/load_engine.md`. "
            "The numbers are those of this machine, over loopback, with small answers: look at "
            "the ratios."
        ),
        machine(),
        table(("tool", "version"), versions, numbers_from=9),
        *(text for name in ABOUT if (text := sections.get(name) or kept.get(name))),
    ]
    return "\n\n".join(parts) + "\n"


def split(text: str) -> dict[str, str]:
    """The sections of a page by name, each with its heading."""
    titles = {title: name for name, (title, _) in ABOUT.items()}
    sections = {}
    for part in text.split("\n## ")[1:]:
        name = titles.get(part.split("\n", 1)[0])
        if name is not None:
            sections[name] = f"## {part.strip()}"
    return sections
