"""Everything that is neither a table, a column, a constraint nor an index."""

from typing import Literal

from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import ColumnRead, Expression, Name, TypeName
from senior_backend.operations.operation import Operation, operation


@operation
class Drop(Operation):
    """DROP of anything but an index and what belongs to a table; one for each name.

    ``kind`` is SQL's word in lower case: table, view, materialized view, foreign table, sequence,
    schema, type, domain, function, procedure, aggregate, extension, publication, ...
    """

    kind: str
    name: Name
    cascade: bool = False
    if_exists: bool = False


@operation
class DropFromTable(Operation):
    """DROP TRIGGER, POLICY or RULE name ON table."""

    kind: Literal["trigger", "policy", "rule"]
    name: str
    table: Name
    if_exists: bool = False


@operation
class Rename(Operation):
    """RENAME of anything.

    ``kind`` as in ``Drop``, and column, constraint, enum value, attribute. ``of`` is the object
    renamed or, for a part of one (column, constraint, enum value), the object that holds it;
    ``old`` is the part's name, else the object's own.
    """

    kind: str
    of: Name
    old: str
    new: str
    if_exists: bool = False


@operation
class SetSchema(Operation):
    """SET SCHEMA of anything."""

    kind: str
    name: Name
    schema: str


@operation
class ChangeOwner(Operation):
    """OWNER TO of anything."""

    kind: str
    name: Name
    owner: str


@operation
class CreateView(Operation):
    """CREATE VIEW; ``columns`` are those of the target list whose names are certain."""

    name: Name
    replace: bool = False
    reads: tuple[Name, ...] = ()
    columns_read: tuple[ColumnRead, ...] = ()
    columns: tuple[str, ...] = ()
    temporary: bool = False


@operation
class CreateMaterializedView(Operation):
    """CREATE MATERIALIZED VIEW."""

    name: Name
    with_data: bool = True
    if_not_exists: bool = False
    reads: tuple[Name, ...] = ()
    columns_read: tuple[ColumnRead, ...] = ()


@operation
class RefreshMaterializedView(Operation):
    """REFRESH MATERIALIZED VIEW."""

    name: Name
    concurrently: bool = False
    with_data: bool = True


@operation
class CreateTrigger(Operation):
    """CREATE [CONSTRAINT] TRIGGER. ``references`` is the FROM table of a constraint trigger."""

    name: str
    table: Name
    function: Name
    replace: bool = False
    constraint: bool = False
    references: Name | None = None
    names_columns: bool = False
    """Whether it depends on columns: UPDATE OF, WHEN."""


@operation
class CreatePolicy(Operation):
    """CREATE POLICY, ALTER POLICY when ``alter``."""

    name: str
    table: Name
    alter: bool = False


@operation
class CreateRule(Operation):
    """CREATE RULE."""

    name: str
    table: Name
    replace: bool = False


@operation
class CreateEnum(Operation):
    """CREATE TYPE ... AS ENUM."""

    name: Name
    labels: tuple[str, ...] = ()


@operation
class AddEnumValue(Operation):
    """ALTER TYPE ... ADD VALUE."""

    type: Name
    label: str
    if_not_exists: bool = False
    before: str | None = None
    after: str | None = None


@operation
class CreateCompositeType(Operation):
    """CREATE TYPE ... AS (...), and other CREATE TYPE."""

    name: Name


@operation
class AlterCompositeType(Operation):
    """ALTER TYPE ... ADD / DROP / ALTER ATTRIBUTE."""

    type: Name
    cascade: bool = False


@operation
class CreateDomain(Operation):
    """CREATE DOMAIN."""

    name: Name
    type: TypeName
    not_null: bool = False
    default: Expression | None = None
    checks: tuple[Constraint, ...] = ()
    collation: Name | None = None


@operation
class AlterDomain(Operation):
    """ALTER DOMAIN. ``constraint`` is what is added; ``name`` what is dropped or validated."""

    domain: Name
    action: Literal[
        "add constraint",
        "validate constraint",
        "drop constraint",
        "set not null",
        "drop not null",
        "set default",
        "drop default",
    ]
    constraint: Constraint | None = None
    name: str | None = None


@operation
class CreateFunction(Operation):
    """CREATE FUNCTION or PROCEDURE. ``volatility`` is volatile unless said otherwise."""

    name: Name
    language: str
    volatility: Literal["volatile", "stable", "immutable"] = "volatile"
    replace: bool = False
    procedure: bool = False
    security_definer: bool = False
    sets_search_path: bool = False
    for_triggers: bool = False
    """RETURNS trigger or event_trigger: clients cannot call it."""


@operation
class AlterFunction(Operation):
    """ALTER FUNCTION, PROCEDURE or ROUTINE; ``volatility`` when it is set."""

    name: Name
    volatility: Literal["volatile", "stable", "immutable"] | None = None


@operation
class CreateSequence(Operation):
    """CREATE SEQUENCE; ``owned_by`` is the table of OWNED BY, ``owned_column`` its column."""

    name: Name
    if_not_exists: bool = False
    owned_by: Name | None = None
    owned_column: str | None = None
    temporary: bool = False


@operation
class AlterSequence(Operation):
    """ALTER SEQUENCE; ``options`` by name (restart, as, increment, owned_by, ...)."""

    name: Name
    options: tuple[str, ...] = ()
    owned_by: Name | None = None
    owned_column: str | None = None


@operation
class CreateSchema(Operation):
    """CREATE SCHEMA."""

    name: str
    if_not_exists: bool = False


@operation
class CreateExtension(Operation):
    """CREATE EXTENSION."""

    name: str
    if_not_exists: bool = False


@operation
class AlterExtension(Operation):
    """ALTER EXTENSION ... UPDATE."""

    name: str


@operation
class CreateStatistics(Operation):
    """CREATE STATISTICS."""

    name: Name | None
    table: Name


@operation
class ChangePublication(Operation):
    """CREATE or ALTER PUBLICATION; ``tables`` are those it names."""

    name: str
    create: bool = False
    tables: tuple[Name, ...] = ()
    narrowed: tuple[Name, ...] = ()
    """Those of which only some columns or rows are in it."""


@operation
class Comment(Operation):
    """COMMENT ON; ``table`` is set for a relation but an index, and for a part of a table."""

    kind: str
    table: Name | None = None
    index: Name | None = None
    """The index that it is on."""


@operation
class Grant(Operation):
    """GRANT and REVOKE of privileges on objects; of roles when ``kind`` is role."""

    kind: str
    objects: tuple[Name, ...] = ()
    privileges: tuple[str, ...] = ()
    grantees: tuple[str, ...] = ()
    """``public`` for PUBLIC."""
    revoke: bool = False
    of_columns: bool = False
    """Whether it names columns."""


@operation
class ChangeRole(Operation):
    """CREATE or ALTER ROLE; ``options`` by name (superuser, login, ...) as far as they are on."""

    name: str
    create: bool = False
    options: tuple[str, ...] = ()


@operation
class Other(Operation):
    """A statement that no other operation describes; ``kind`` is the parse tree's name of it."""

    kind: str
