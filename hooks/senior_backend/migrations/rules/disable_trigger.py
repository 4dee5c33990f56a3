"""DISABLE TRIGGER, session_replication_role = replica."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.session import SetVariable
from senior_backend.operations.tables import SetTriggers

_SETUP = """
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER invoices_touch BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION touch();
"""

RULE = Rule(
    id="disable-trigger",
    title="Disabled triggers let wrong rows in, and nothing looks at them again",
    class_="gate",
    severity="error",
    why="""
Foreign keys are triggers. `DISABLE TRIGGER ALL` and `session_replication_role = replica` turn them
off together with the others, so rows can come in that reference nothing. `ENABLE TRIGGER ALL`
checks none of them: the constraint still counts as valid, and the planner and later migrations rely
on it.

Any other trigger that is off does not do its work for writes of all sessions until it is on again;
within one transaction only the migration itself can write (SHARE ROW EXCLUSIVE is held), so that
form is not reported.

Disable by name, or with `USER`, what must not fire, and enable it in the same transaction. To load
rows in any order, make the foreign key `DEFERRABLE` or drop it and add it `NOT VALID`.
""",
    source="ALTER TABLE, DISABLE TRIGGER; session_replication_role",
    bad=Example(
        sql="""
ALTER TABLE invoices DISABLE TRIGGER ALL;
INSERT INTO invoices VALUES (1, 42);
ALTER TABLE invoices ENABLE TRIGGER ALL;
""",
        setup=_SETUP,
        proof=("invoices SHARE ROW EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="""
ALTER TABLE invoices DISABLE TRIGGER invoices_touch;
UPDATE invoices SET customer_id = NULL WHERE id = 1;
ALTER TABLE invoices ENABLE TRIGGER invoices_touch;
""",
            setup=_SETUP,
        ),
    ),
    operations=(SetTriggers, SetVariable),
    silent=(
        Example(
            "CREATE TABLE scratch (id int REFERENCES customers (id)); "
            "ALTER TABLE scratch DISABLE TRIGGER ALL;",
            setup=_SETUP,
        ),
        Example("SET LOCAL session_replication_role = origin;"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """Triggers are turned off for others, or those that enforce foreign keys."""
    operation = step.operation
    if isinstance(operation, SetVariable):
        if operation.name == "session_replication_role" and operation.value == "replica":
            yield Hazard(
                "Turns off all triggers of this session, foreign keys included: rows that break "
                "them come in unnoticed and are not checked afterwards."
            )
        return
    if not isinstance(operation, SetTriggers) or operation.enable or operation.rule:
        return
    if step.is_new(operation.table):
        return
    if operation.name is None and not operation.user:
        yield Hazard(
            f"Turns off all triggers of {operation.table}, those that enforce its foreign keys "
            "included: rows that break them come in unnoticed, and enabling the triggers again "
            "checks none."
        )
    elif step.transaction is None or not _is_enabled_again(step, operation):
        what = "the triggers" if operation.name is None else f"the trigger {operation.name}"
        yield Hazard(
            f"Turns off {what} of {operation.table} for all sessions: what they write from the "
            "commit on goes without the trigger's work.",
            severity="warning",
        )


def _is_enabled_again(step: Step, off: SetTriggers) -> bool:
    return any(
        isinstance(o, SetTriggers)
        and o.enable
        and o.table == off.table
        and o.name in (None, off.name)
        for o in step.later
    )
