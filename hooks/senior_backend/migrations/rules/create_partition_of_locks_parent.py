"""CREATE TABLE ... PARTITION OF."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import CreateTable

_PARENT = """
CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
"""

RULE = Rule(
    id="create-partition-of-locks-parent",
    title="CREATE TABLE PARTITION OF locks the parent, and reads the whole DEFAULT partition",
    class_="gate",
    severity="error",
    why="""
`CREATE TABLE ... PARTITION OF` takes ACCESS EXCLUSIVE on the partitioned table, so that every read
and write of any partition waits for it. When there is a DEFAULT partition, it is locked too and
**all its rows are read** meanwhile, to see that none belongs into the new partition: the wait then
grows with the DEFAULT partition.

Create the table on its own (`LIKE` the parent) and attach it: `ATTACH PARTITION` takes only SHARE
UPDATE EXCLUSIVE on the parent. A valid `CHECK` constraint on the DEFAULT partition that excludes
the new bound spares the scan; add it `NOT VALID` and validate it before. Without a DEFAULT
partition the lock is brief, and this is advice only.
""",
    source="5.12.2.2 Partition Maintenance; ALTER TABLE, ATTACH PARTITION",
    bad=Example(
        sql="""
CREATE TABLE events_2026 PARTITION OF events
    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
""",
        setup=_PARENT,
        proof=("events ACCESS EXCLUSIVE", "events_rest ACCESS EXCLUSIVE", "events_rest scan"),
    ),
    good=(
        Example(
            sql="""
ALTER TABLE events_rest ADD CONSTRAINT events_rest_not_2026
    CHECK (at < DATE '2026-01-01' OR at >= DATE '2027-01-01') NOT VALID;
""",
            setup=_PARENT,
        ),
        Example(sql="ALTER TABLE events_rest VALIDATE CONSTRAINT events_rest_not_2026;"),
        Example(
            sql="""
CREATE TABLE events_2026 (LIKE events INCLUDING ALL);
ALTER TABLE events ATTACH PARTITION events_2026
    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
""",
        ),
    ),
    operations=(CreateTable,),
    silent=(
        Example(
            "CREATE TABLE logs (id int) PARTITION BY LIST (id); "
            "CREATE TABLE logs_rest PARTITION OF logs DEFAULT; "
            "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN (1);"
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A partition made in place, under a parent in use."""
    create = step.the(CreateTable)
    parent = create.partition_of
    if parent is None or step.is_new(parent):
        return
    if create.if_not_exists and step.catalog.table(create.table) is not None:
        return
    default = step.catalog.default_partition(parent)
    scanned = step.effect_on(default.name) if default is not None else None
    if default is None or (scanned is not None and scanned.scan is False):
        yield Hazard(
            f"Takes ACCESS EXCLUSIVE on {parent} as a whole for a moment: reads and writes of all "
            "its partitions wait; CREATE TABLE and then ATTACH PARTITION would not stop them.",
            class_="hygiene",
            severity="info",
        )
        return
    if scanned is not None and scanned.scan is None:
        yield Hazard(
            f"Takes ACCESS EXCLUSIVE on {parent} as a whole and, unless a CHECK constraint of it "
            f"excludes the bound, reads every row of the DEFAULT partition {default.name.name}: "
            f"reads and writes of {parent} wait.",
            class_="hygiene",
            severity="warning",
        )
        return
    small = step.is_small(default.name)
    yield Hazard(
        f"Reads every row of the DEFAULT partition {default.name.name}, under ACCESS EXCLUSIVE on "
        f"it and on {parent} as a whole: every read and write of {parent} waits until the scan "
        "ends.",
        class_="hygiene" if small else None,
        severity="info" if small else None,
    )
