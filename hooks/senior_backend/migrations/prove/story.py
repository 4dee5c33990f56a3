"""A proof in the order in which people read it: what both views share."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from senior_backend.findings import Finding
from senior_backend.migrations.prove import verdict
from senior_backend.migrations.prove.pairs import Pair, pair, unplaced
from senior_backend.migrations.prove.proof import Proof, WayBack
from senior_backend.migrations.prove.seen import follow
from senior_backend.migrations.prove.verdict import Grade, Verdict

LEGEND: Final = "blocks: what a second session was seen to wait for; took: on empty tables"
Mark = Literal["yes", "no", "aside"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the summary: whether it is as one wants it, and of what it speaks."""

    mark: Mark
    label: str
    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """The pairs of statements, the findings that stand at none of them, and the summary."""

    pairs: tuple[Pair, ...]
    beside: tuple[Finding, ...]
    summary: tuple[Line, ...]
    two_sided: bool


def story(proof: Proof) -> Story:
    """A proof as it is told."""
    written = follow(proof.written.migrations)
    fixed = proof.fixed
    offered = fixed is not None
    theirs = follow(fixed.side.migrations) if fixed is not None else ()
    return Story(
        pairs=pair(written, theirs, proof.findings),
        beside=unplaced(written, proof.findings),
        summary=tuple(_summary(proof)),
        two_sided=offered,
    )


def verdicts(pair: Pair) -> tuple[Verdict | None, Verdict | None]:
    """Of both sides."""
    return verdict.of(pair.written), verdict.of(pair.fixed)


def heading(proof: Proof) -> str:
    """What was done, in a sentence."""
    earlier = f"{proof.earlier} earlier migration{'' if proof.earlier == 1 else 's'}"
    return (
        f"Linted for PostgreSQL {proof.linted_for} and newer; run on {proof.postgres}, after "
        f"{earlier}, in databases of its own"
    )


def fix_title(proof: Proof) -> str:
    """What stands over the fixed side."""
    fixed = proof.fixed
    if fixed is None:
        return ""
    if fixed.failure is not None:
        return "as fixed: FAILED, not offered"
    if not fixed.in_steps:
        return "as fixed by --fix" if fixed.automatic else "as fixed"
    return "as planned: deploy between the steps" if fixed.deploys else "as planned"


def command(proof: Proof, path: str = "") -> str:
    """What writes the fix; empty where nothing is offered.

    ``path`` is the file as the reader names it, by default from the root of the repository.
    """
    fixed = proof.fixed
    if fixed is None or fixed.failure is not None:
        return ""
    how = "lint --fix" if fixed.automatic else "plan"
    return f"senior-backend migrations {how} {shlex.quote(path or proof.path)}"


def _summary(proof: Proof) -> Iterator[Line]:
    fixed = proof.fixed
    written = proof.written
    for one in proof.not_analyzed:
        yield Line(
            "no" if one.whole else "aside", "not linted", f"{one.path}:{one.line}: {one.reason}"
        )
    if not written.statements:
        yield Line("aside", "as written", "there is no statement in it")
    if written.failed is not None:
        failed = written.failed
        yield Line("no", "as written", f"does not run: {failed.path}:{failed.line}: {failed.error}")
    if fixed is None:
        yield from _without_fix(proof)
        return
    if fixed.failure is not None:
        yield Line(
            "no",
            "fix",
            f"FAILED on the server, so it is not offered; please report it: {fixed.failure}",
        )
        return
    yield from (Line("aside", "note", note) for note in proof.notes)
    yield from _traffic(proof)
    if fixed.end is None:
        runs = "runs" if fixed.side.failed is None else "does not run either"
        yield Line("yes" if fixed.side.failed is None else "no", "as fixed", runs)
    elif fixed.end.differences:
        yield Line("aside", "schema", "ends in another one:", fixed.end.differences)
    else:
        aside = f" (physically: {'; '.join(fixed.end.residue)})" if fixed.end.residue else ""
        yield Line("yes", "schema", f"ends the same{aside}")
    yield from _ways_back(written.way_back, fixed.side.way_back)
    yield from _still_found(proof)
    yield from (Line("aside", "note", " ".join(text.split())) for text in fixed.remarks)
    yield from (Line("aside", "by hand", reason) for reason in fixed.reasons)


_PAYS: Final[Mapping[Grade, str]] = {
    "fails": "it does not run",
    "all wait": "reads and writes wait for work that grows with the table",
    "writes wait": "writes wait for work that grows with the table",
    "for an instant": "nobody waits longer than an instant",
    "nobody waits": "nobody waits",
}


def _traffic(proof: Proof) -> Iterator[Line]:
    """What both sides cost those who use the database meanwhile."""
    fixed = proof.fixed
    if fixed is None or not proof.written.statements:
        return
    before = verdict.of(follow(proof.written.migrations))
    after = verdict.of(follow(fixed.side.migrations))
    if before is None or after is None:
        return
    if before.grade == after.grade:
        yield Line("aside", "traffic", f"as written and as fixed {_PAYS[before.grade]}")
        return
    better = verdict.gravest((before.grade, after.grade)) == before.grade
    text = f"as written {_PAYS[before.grade]}; as fixed {_PAYS[after.grade]}"
    yield Line("yes" if better else "no", "traffic", text)


def _still_found(proof: Proof) -> Iterator[Line]:
    """What the linter says of the fixed form: new findings in full, the others by their reason."""
    known = {one.rule for one in proof.open}
    fixed = proof.fixed
    left = [one for one in fixed.found if one.class_ in ("gate", "hygiene")] if fixed else []
    if not left:
        yield Line("yes", "linter", "finds nothing more in it")
    for one in left:
        reason = proof.no_fix.get((one.rule, one.line), "")
        text = reason if one.rule in known and reason else one.message
        mark: Mark = "no" if one.class_ == "gate" else "aside"
        where = f"line {one.line}" if one.path == proof.path else f"{one.path}:{one.line}"
        yield Line(mark, "still found", f"{one.rule}, {where}: {text}")


def _without_fix(proof: Proof) -> Iterator[Line]:
    if proof.not_analyzed and not proof.open:
        yield Line("aside", "linter", "finds nothing in what it could look at")
    elif not proof.findings:
        yield Line("yes", "linter", "finds nothing")
    elif not proof.open:
        yield Line("yes", "linter", "finds nothing that is not suppressed")
    yield from (Line("aside", "note", note) for note in proof.notes)
    way_back = proof.written.way_back
    if way_back.outcome != "not tried":
        yield _way_back("way back", way_back)
    for (rule, line), reason in sorted(proof.no_fix.items(), key=lambda one: one[0][1]):
        yield Line("no", "no fix", f"{rule}, line {line}: {reason}")


_WAYS = {
    "leads back": "leads back to the schema before",
    "others differ": "leads back but for what the migrations after it leave:",
    "differs": "leads elsewhere:",
    "failed": "fails:",
    "missing": "is missing:",
    "not tried": "not tried",
}


def _ways_back(written: WayBack, fixed: WayBack) -> Iterator[Line]:
    if written == fixed:
        if written.outcome != "not tried":
            yield _way_back("way back", written, "both ")
        return
    for label, way in (("as written", written), ("as fixed", fixed)):
        if way.outcome != "not tried":
            yield _way_back("way back", way, f"{label}: ")


def _way_back(label: str, way: WayBack, whose: str = "") -> Line:
    mark: Mark = "yes" if way.outcome == "leads back" else "no"
    if way.outcome in ("missing", "others differ"):
        mark = "aside"
    text = _WAYS[way.outcome]
    if whose == "both ":
        text = text.replace("leads", "lead").replace("is ", "are ").replace("fails", "fail")
    return Line(mark, label, f"{whose}{text}", way.details)
