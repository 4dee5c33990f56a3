"""The recorded list of a framework's files, and which answers give which of them.

    always
      Makefile
    ci=github
      .github/workflows/ci.yml
    license=MIT|Apache-2.0
      LICENSE
    example=orders cache=redis
      tests/unit/test_order_cache.py

A condition names one option, or several that must all be met.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from tests.template.trees import OPTIONS, Answers

ALWAYS = "always"


def holds(condition: str, answers: Answers) -> bool:
    """Whether these answers meet a condition of a list."""
    if condition == ALWAYS:
        return True
    parts = (part.split("=") for part in condition.split())
    return all(answers[option] in choices.split("|") for option, choices in parts)


def read(path: Path) -> dict[str, list[str]]:
    """Each condition of the list with its files."""
    sections: dict[str, list[str]] = {}
    files: list[str] = []
    for line in path.read_text().splitlines():
        if line.startswith("  "):
            files.append(line.strip())
        else:
            files = sections[line] = []
    return sections


def expected(sections: Mapping[str, Collection[str]], answers: Answers) -> list[str]:
    """The files that the list gives a service of these answers, sorted."""
    return sorted(
        file for condition, files in sections.items() if holds(condition, answers) for file in files
    )


def conditions() -> Iterator[str]:
    """Every condition that a list may have, the plainest first."""
    single = [
        (option, f"{option}={'|'.join(choices)}")
        for option, offered in OPTIONS.items()
        for count in range(1, len(offered))
        for choices in itertools.combinations(offered, count)
    ]
    yield ALWAYS
    yield from (condition for _, condition in single)
    for (option, one), (another, other) in itertools.combinations(single, 2):
        if option != another:
            yield f"{one} {other}"


def infer(services: Iterable[tuple[Answers, Collection[str]]]) -> dict[str, list[str]]:
    """The list that these services have in common; ValueError where no condition fits a file."""
    rendered = [(answers, set(files)) for answers, files in services]
    sections: dict[str, list[str]] = {}
    for file in sorted(set().union(*(files for _, files in rendered))):
        where = [file in files for _, files in rendered]
        for condition in conditions():
            if [holds(condition, answers) for answers, _ in rendered] == where:
                sections.setdefault(condition, []).append(file)
                break
        else:
            raise ValueError(f"{file}: no condition on two options says when it is there")
    return {key: sections[key] for key in sorted(sections, key=lambda key: (key != ALWAYS, key))}


def write(path: Path, sections: Mapping[str, Collection[str]]) -> None:
    """The list as text that people and diffs can read."""
    lines = [
        line
        for condition, files in sections.items()
        for line in (condition, *(f"  {file}" for file in files))
    ]
    path.write_text("\n".join(lines) + "\n")
