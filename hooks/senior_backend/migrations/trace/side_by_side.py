"""The same migrations on one PostgreSQL or on several: a trace each."""

import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from senior_backend.errors import NotRunError
from senior_backend.migrations.trace import flow, selection
from senior_backend.migrations.trace.observed import Trace
from senior_backend.migrations.trace.scratch.prepare import Progress
from senior_backend.migrations.trace.scratch.server import Scratch, Where, open_scratch
from senior_backend.migrations.trace.selection import Part
from senior_backend.migrations.trace.sizes.estimate import estimate
from senior_backend.migrations.trace.sizes.statistics import Size, names

AT_ONCE: Final = 2
"""Servers: more would only take each other's time."""


def run(
    parts: Sequence[Part],
    where: Where,
    timeout_s: float,
    python: Sequence[str],
    schema: Path | None,
    progress: Progress,
    sizes: Mapping[str, Size] | None = None,
    *,
    told: Collection[str] = (),
    together: bool = False,
) -> list[Trace]:
    """Trace the parts on each major that is asked for, in that order.

    ``python`` runs Alembic, where a part is of it. With production's ``sizes`` it is estimated how
    long each blocking lock would be held there; of the tables in ``told`` it is said where there is
    none of that name. ``together``: the migrations are one change.

    Raises:
        InputError: what was asked for contradicts itself.
        NotRunError: a server does not start or answer.
    """
    rendered, notes = [], []
    for part in parts:
        folder, note = selection.rendered(part.folder, python)
        rendered.append(replace(part, folder=folder))
        notes += [note] if note else []
    work = _Work(rendered, tuple(notes), where, timeout_s, schema, progress, sizes or {}, told)
    work.settings = replace(work.settings, together=together)
    if len(where.majors) < 2:
        return [work.on(None)]
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        return [future.result() for future in [pool.submit(work.on, m) for m in where.majors]]
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        work.stop()
        raise
    finally:
        pool.shutdown()


class _Work:
    def __init__(
        self,
        parts: Sequence[Part],
        notes: tuple[str, ...],
        where: Where,
        timeout_s: float,
        schema: Path | None,
        progress: Progress,
        sizes: Mapping[str, Size],
        told: Collection[str],
    ) -> None:
        self._parts = parts
        self._told = told
        self._sizes = sizes
        self._notes = notes
        self._where = where
        self.settings = flow.session_settings(where.production, timeout_s)
        self._schema = schema
        self._progress = progress
        self._open: set[Scratch] = set()
        self._is_stopped = False
        self._turn = threading.Lock()

    def on(self, major: int | None) -> Trace:
        name = f"PostgreSQL {major}: " if major is not None else ""
        self._progress(f"{name}starting the server")
        with open_scratch(self._where, major) as scratch:
            self._keep(scratch)
            there: set[str] = set()
            traces = [
                self._one(part, scratch, there, lambda step: self._progress(f"{name}{step}"))
                for part in self._parts
            ]
        seen = flow.together(traces)
        unknown = [f"--rows: there is no table {one}" for one in self._told if one not in there]
        return replace(seen, notes=(*self._notes, *unknown, *seen.notes))

    def _one(self, part: Part, scratch: Scratch, there: set[str], progress: Progress) -> Trace:
        folder, settings = part.folder, self.settings
        seen = flow.trace_each(
            folder,
            part.directions,
            scratch,
            settings,
            self._schema,
            progress,
            look=(lambda url: there.update(names(url))) if self._told else flow.away,
        )
        if not self._sizes:
            return seen
        try:
            return estimate(
                seen, folder, scratch, self._sizes, settings, schema=self._schema, progress=progress
            )
        except NotRunError as error:  # what was observed is worth having without them
            return replace(seen, notes=(*seen.notes, f"nothing could be estimated: {error}"))

    def stop(self) -> None:
        """End the servers under those who wait for them."""
        with self._turn:
            self._is_stopped = True
            scratches = list(self._open)
        for scratch in scratches:
            scratch.close()

    def _keep(self, scratch: Scratch) -> None:
        with self._turn:
            if self._is_stopped:
                raise NotRunError("stopped")
            self._open.add(scratch)
