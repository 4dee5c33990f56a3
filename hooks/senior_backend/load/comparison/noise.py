"""The noise floor: the base compared with itself (A/A), in many splits."""

import math
import random
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from senior_backend.load.comparison.samples import Sample

_SHARE: Final = 0.95
_MOST_SPLITS: Final = 1000

RESOLUTION: Final = math.log(1 + 1 / 256)
"""Half a bucket of a histogram: what is closer than that was not measured apart."""


def floor(base: Sequence[Sample], new_runs: int) -> float:
    """What 19 of 20 splits of the base differ by at most, as a logarithm.

    With several runs they are split in two groups, in all ways; with one, its blocks are split into
    two halves of the run, beginning anywhere, so that what is slow shows. Parts are smaller than
    the whole and differ more; each difference is scaled by the standard error that whole sides of
    these sizes have to that of the parts.
    """
    if len(base) > 1:
        found = sorted(_of_runs([run.value for run in base], new_runs))
    else:
        found = sorted(_of_blocks(base[0], new_runs))
    if not found:
        return RESOLUTION
    return max(found[math.ceil(_SHARE * len(found)) - 1], RESOLUTION)


def _of_runs(values: Sequence[float], new_runs: int) -> Iterator[float]:
    count = len(values)
    first = count // 2
    whole = math.sqrt(1 / count + 1 / new_runs)
    parts = math.sqrt(1 / first + 1 / (count - first))
    for group in _groups(count, first):
        chosen = sum(values[i] for i in group)
        rest = sum(values) - chosen
        yield abs(chosen / first - rest / (count - first)) * whole / parts


def _groups(count: int, size: int) -> Iterator[tuple[int, ...]]:
    if math.comb(count, size) <= _MOST_SPLITS:
        yield from combinations(range(count), size)
        return
    chance = random.Random(count)  # noqa: S311 - the same splits each time, and no secret
    for _ in range(_MOST_SPLITS):
        yield tuple(chance.sample(range(count), size))


def _of_blocks(run: Sample, new_runs: int) -> Iterator[float]:
    count = len(run.moves)
    half = count // 2
    total = sum(run.sizes)
    # The difference of two halves has twice the standard error of the whole run.
    scale = math.sqrt(1 + 1 / new_runs) / 2
    for start in range(half if count % 2 == 0 else count):
        chosen = [(start + i) % count for i in range(half)]
        size = sum(run.sizes[i] for i in chosen)
        if 0 < size < total:
            moved = sum(run.moves[i] for i in chosen)
            yield abs(moved * total / size + moved * total / (total - size)) * scale
