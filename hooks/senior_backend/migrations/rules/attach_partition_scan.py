"""ATTACH PARTITION reads rows under lock to see that they belong there."""

from collections.abc import Iterator

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import Name
from senior_backend.operations.tables import AttachPartition

_PARENT = """
CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2026_09 (id bigint NOT NULL, at date NOT NULL);
"""

RULE = Rule(
    id="attach-partition-scan",
    title="ATTACH PARTITION reads the new and the DEFAULT partition under ACCESS EXCLUSIVE",
    class_="gate",
    severity="error",
    why="""
Every row of the new partition must fit its bound, and no row of the DEFAULT partition may: so
PostgreSQL reads both tables, under ACCESS EXCLUSIVE on both. While the DEFAULT partition is locked,
queries of the parent wait that cannot exclude it when they are planned.

A valid `CHECK` constraint that implies the bound (columns of the key `NOT NULL` as well) spares
the scan of the new partition; one on the DEFAULT partition that excludes the bound spares that of
the DEFAULT. Add it `NOT VALID`, validate it in a later migration, under a lock that lets writes
pass, then attach; drop it afterwards. The parent itself is locked only SHARE UPDATE EXCLUSIVE.
""",
    source="ALTER TABLE, ATTACH PARTITION; 5.12.2.2 Partition Maintenance",
    bad=Example(
        sql="""
ALTER TABLE events ATTACH PARTITION events_2026_09
    FOR VALUES FROM ('2026-09-01') TO ('2026-10-01');
""",
        setup=_PARENT,
        proof=("events_2026_09 ACCESS EXCLUSIVE", "events_2026_09 scan"),
    ),
    good=(
        Example(
            sql="""
ALTER TABLE events_2026_09 ADD CONSTRAINT events_2026_09_bound
    CHECK (at >= DATE '2026-09-01' AND at < DATE '2026-10-01') NOT VALID;
""",
            setup=_PARENT,
        ),
        Example(sql="ALTER TABLE events_2026_09 VALIDATE CONSTRAINT events_2026_09_bound;"),
        Example(
            sql="""
ALTER TABLE events ATTACH PARTITION events_2026_09
    FOR VALUES FROM ('2026-09-01') TO ('2026-10-01');
""",
        ),
    ),
    operations=(AttachPartition,),
    silent=(
        Example(
            "CREATE TABLE events_2026_10 (id bigint NOT NULL, at date NOT NULL); "
            "ALTER TABLE events ATTACH PARTITION events_2026_10 "
            "FOR VALUES FROM ('2026-10-01') TO ('2026-11-01');",
            setup=_PARENT,
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """Tables in use that are read under ACCESS EXCLUSIVE."""
    attach = step.the(AttachPartition)
    child = step.catalog.key(attach.partition)
    default = step.catalog.default_partition(attach.table)
    read = []
    certain = proved = False
    for effect in step.existing:
        name = step.catalog.key(effect.name)
        if effect.scan is False or effect.lock != Lock.ACCESS_EXCLUSIVE or step.is_small(name):
            continue
        if effect.scan is None and _is_checked(step, name):
            proved = True
        certain = certain or bool(effect.scan)
        if name == child:
            read.append(f"{effect.relation} to see that each fits the bound")
        elif default is not None and name == default.name:
            read.append(f"the DEFAULT partition {effect.relation} to see that none does")
        else:
            read.append(effect.relation)
    if not read:
        return
    unless = ", unless its CHECK constraint spares the scan" if proved else ""
    also = f", those of {attach.table} that need the DEFAULT partition as well" if default else ""
    yield Hazard(
        f"Reads every row of {' and of '.join(read)}, under ACCESS EXCLUSIVE{unless}: reads and "
        f"writes wait until the scan ends{also}.",
        severity="error" if certain else "warning",
        class_="hygiene" if proved and not certain else None,
    )


def _is_checked(step: Step, name: Name) -> bool:
    """Whether a valid CHECK may prove what the scan would look for."""
    known = step.catalog.table(name)
    return known is not None and any(
        c.kind == "check" and not c.not_valid for c in known.constraints.values()
    )
