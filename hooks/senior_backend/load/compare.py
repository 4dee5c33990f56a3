"""``load compare``: two sides of results, read, checked, compared, shown.

The method, its sources and its limits stand in ``comparison``.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from senior_backend.errors import InputError, NotRunError
from senior_backend.load.comparison import conditions
from senior_backend.load.comparison.difference import by_runs
from senior_backend.load.comparison.document import METRICS, Comparison, Method, Metric, Side
from senior_backend.load.comparison.verdicts import LEVELS, Sides, of_arrivals, of_endpoints
from senior_backend.load.formats import comparison as formats
from senior_backend.load.result import Result

TOLERANCE: Final = 0.05

_REPEAT: Final = (
    "{} the noise is measured within the runs only, and what differs from one run to the next is "
    "taken for a difference: make three runs a side, alternating"
)


def run_compare(
    base_paths: Sequence[Path],
    new_paths: Sequence[Path],
    metric: Metric = "p95",
    tolerance: float = TOLERANCE,
    format: str = "terminal",  # noqa: A002 - what the option is called
    *,
    width: int | None = None,
) -> tuple[str, int]:
    """The comparison as text, and the exit code.

    A path is the file of a result, or a folder of such files: repeated runs. An INVALID run in a
    folder is left out, with a warning, where its side has a valid one. Codes: 0 nothing is
    slower beyond ``tolerance`` and nothing fails more often, 1 something is or does, 3 nothing can
    be compared. Raises ``InputError`` for a file that is no result, ``NotRunError`` for a result
    that is INVALID and was named, or has no valid one beside it. ``width``: of the terminal that
    shows it, in colour.
    """
    base, new = files(base_paths), files(new_paths)
    named = {path.resolve() for path in (*base_paths, *new_paths)}
    if both := [path for path in base if path.resolve() in {other.resolve() for other in new}]:
        raise InputError(f"{both[0]}: this is on both sides; a run has no difference to itself")
    sides, left_out = [], []
    for paths in (base, new):
        runs = [(path, read(path)) for path in paths]
        valid = [(path, run) for path, run in runs if run.valid or path.resolve() in named]
        if valid:
            left_out += [(path, run) for path, run in runs if (path, run) not in valid]
        sides.append(valid or runs)
    found = compare(
        [run for _, run in sides[0]],
        [run for _, run in sides[1]],
        metric=metric,
        tolerance=tolerance,
        names=([str(path) for path, _ in sides[0]], [str(path) for path, _ in sides[1]]),
    )
    warnings = [f"left out: {path}: this run is INVALID: {_why(run)}" for path, run in left_out]
    found = found.model_copy(update={"warnings": [*warnings, *found.warnings]})
    if width is None:
        return formats.render(found, format), found.exit_code
    return formats.render(found, format, colour=True, width=width), found.exit_code


def compare(
    base: Sequence[Result],
    new: Sequence[Result],
    *,
    metric: Metric = "p95",
    tolerance: float = TOLERANCE,
    names: tuple[Sequence[str], Sequence[str]] | None = None,
) -> Comparison:
    """Compare repeated runs of two sides; ``names`` are those of their files.

    Raises ``NotRunError`` where a result is INVALID: no verdict can rest on its numbers.
    """
    if metric not in METRICS:
        raise InputError(f"--metric {metric}: there are {', '.join(METRICS)}")
    if not 0 <= tolerance < 10:
        raise InputError(f"--tolerance {tolerance:g}: between 0 and 10 (1000 %), such as 0.05")
    base_names, new_names = names or (_numbered("base", base), _numbered("new", new))
    runs = zip((*base_names, *new_names), (*base, *new), strict=True)
    if refused := [(name, run) for name, run in runs if not run.valid]:
        raise NotRunError(
            "\n".join(
                f"{name}: this run is INVALID and compares with nothing: {_why(run)}"
                for name, run in refused
            )
        )
    refusals = conditions.refusals(base, new)
    method: Method = "runs" if by_runs(len(base), len(new)) else "blocks"
    sides = Sides(
        base=base,
        new=new,
        metric=metric,
        tolerance=tolerance,
        method=method,
        steady=all(conditions.is_steady(run) for run in (*base, *new)),
        refused=bool(refusals),
    )
    endpoints = of_endpoints(sides)
    dropped = of_arrivals(sides)
    warnings = conditions.warnings(base, new, metric)
    if method == "blocks":
        few = "with one run a side" if len(base) + len(new) == 2 else "with so few runs"
        warnings.append(_REPEAT.format(few))
    failed = any(e.beyond_tolerance or e.failures.verdict == "more" for e in endpoints.values())
    failed = failed or dropped.verdict == "more"
    nothing = all(e.verdict == "not comparable" for e in endpoints.values())
    return Comparison(
        metric=metric,
        tolerance=tolerance,
        confidence=1 - LEVELS[method],
        method=method,
        base=_side(base, base_names),
        new=_side(new, new_names),
        warnings=warnings,
        not_comparable=refusals,
        endpoints=endpoints,
        dropped=dropped,
        passed=False if failed else None if nothing else True,
    )


def _why(run: Result) -> str:
    return "; ".join(run.invalid_reasons) or "it gives no reason"


def _numbered(side: str, runs: Sequence[Result]) -> list[str]:
    return [f"{side} run {number}" for number in range(1, len(runs) + 1)]


def _side(runs: Sequence[Result], names: Sequence[str]) -> Side:
    return Side(
        files=list(names),
        runs=len(runs),
        target=", ".join(dict.fromkeys(run.target for run in runs)),
        scenario=", ".join(dict.fromkeys(run.scenario for run in runs)),
        requested_rate=sum(run.requested_rate for run in runs) / len(runs),
    )


def files(paths: Sequence[Path]) -> list[Path]:
    """The files that ``paths`` name; a folder stands for its ``*.json``, by their names."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.glob("*.json") if file.is_file())
            if not inside:
                raise InputError(f"{path}: no *.json in this folder; name a folder of results")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def read(path: Path) -> Result:
    """The result in a file; ``InputError`` where it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: this is not JSON ({error}); name a result") from None
    if not isinstance(document, dict) or "achieved_rate" not in document:
        raise InputError(f"{path}: this is not the result of a load test")
    if document.get("version") != 1:
        raise InputError(f"{path}: version {document.get('version')!r} is not known here; update")
    try:
        return Result.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {where}: {first['msg']}; measure again") from None
