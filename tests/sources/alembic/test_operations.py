"""Operations as Alembic 1.20 renders them on PostgreSQL (``alembic upgrade head --sql``)."""

from pathlib import Path

import pytest

from tests.sources.alembic.revisions import only, revision
from tests.sources.tree import sql

OPERATIONS = [
    (
        "op.add_column('t', sa.Column('c', sa.Boolean, server_default=sa.false(), nullable=False))",
        ["ALTER TABLE t ADD COLUMN c BOOLEAN DEFAULT false NOT NULL"],
    ),
    (
        (
            "op.add_column('t', sa.Column('c', sa.Integer(), "
            "sa.ForeignKey('r.id', ondelete='CASCADE'), index=True))"
        ),
        [
            "ALTER TABLE t ADD COLUMN c INTEGER",
            "ALTER TABLE t ADD FOREIGN KEY(c) REFERENCES r (id) ON DELETE CASCADE",
            "CREATE INDEX ix_t_c ON t (c)",
        ],
    ),
    (
        "op.add_column('t', sa.Column('c', sa.Uuid(), unique=True), schema='s')",
        ["ALTER TABLE s.t ADD COLUMN c UUID", "ALTER TABLE s.t ADD UNIQUE (c)"],
    ),
    ("op.drop_column('t', 'order')", ['ALTER TABLE t DROP COLUMN "order"']),
    (
        (
            "op.alter_column('t', 'x', type_=sa.Integer(), nullable=True, server_default=None, "
            "postgresql_using='x::int', new_column_name='y')"
        ),
        [
            "ALTER TABLE t ALTER COLUMN x TYPE INTEGER USING x::int",
            "ALTER TABLE t ALTER COLUMN x DROP NOT NULL",
            "ALTER TABLE t ALTER COLUMN x DROP DEFAULT",
            "ALTER TABLE t RENAME x TO y",
        ],
    ),
    (
        "op.alter_column('t', 'x', existing_type=sa.Text(), nullable=False, server_default='5')",
        [
            "ALTER TABLE t ALTER COLUMN x SET NOT NULL",
            "ALTER TABLE t ALTER COLUMN x SET DEFAULT '5'",
        ],
    ),
    (
        (
            "op.create_index(op.f('i'), 't', ['a', sa.text('lower(b)')], unique=True, "
            "postgresql_where=sa.text('a > 1'), postgresql_using='btree')"
        ),
        ["CREATE UNIQUE INDEX i ON t USING btree (a, lower(b)) WHERE a > 1"],
    ),
    (
        "op.create_index('i', 't', ['a'], postgresql_concurrently=True, if_not_exists=True)",
        ["CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"],
    ),
    (
        (
            "op.create_index('i', 't', ['a'], postgresql_using='gin', "
            "postgresql_ops={'a': 'gin_trgm_ops'})"
        ),
        ["CREATE INDEX i ON t USING gin (a gin_trgm_ops)"],
    ),
    (
        "op.drop_index('i', table_name='t', postgresql_concurrently=True, if_exists=True)",
        ["DROP INDEX CONCURRENTLY IF EXISTS i"],
    ),
    (
        (
            "op.create_foreign_key('f', 't', 'r', ['a', 'b'], ['c', 'd'], ondelete='RESTRICT', "
            "postgresql_not_valid=True, deferrable=True, initially='DEFERRED')"
        ),
        [
            (
                "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY(a, b) REFERENCES r (c, d) "
                "ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED NOT VALID"
            )
        ],
    ),
    (
        "op.create_unique_constraint('u', 't', ['a', 'b'])",
        ["ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, b)"],
    ),
    (
        "op.create_check_constraint('c', 't', sa.text('a > 1'), postgresql_not_valid=True)",
        ["ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1) NOT VALID"],
    ),
    (
        "op.create_primary_key('p', 't', ['id'])",
        ["ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY (id)"],
    ),
    ("op.drop_constraint('u', 't', type_='unique')", ["ALTER TABLE t DROP CONSTRAINT u"]),
    ("op.rename_table('a', 'b', schema='s')", ["ALTER TABLE s.a RENAME TO b"]),
    ("op.drop_table('t')", ["DROP TABLE t"]),
    (
        (
            "with op.batch_alter_table('t') as batch:\n"
            "    batch.add_column(sa.Column('z', sa.SmallInteger()))\n"
            "    batch.create_index(batch.f('i'), ['z'], unique=False)\n"
            "    batch.drop_column('n')\n"
            "    batch.create_foreign_key('f', 'r', ['z'], ['id'])\n"
            "    batch.alter_column('z', nullable=False)\n"
            "    batch.drop_constraint('u', type_='unique')"
        ),
        [
            "ALTER TABLE t ADD COLUMN z SMALLINT",
            "CREATE INDEX i ON t (z)",
            "ALTER TABLE t DROP COLUMN n",
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY(z) REFERENCES r (id)",
            "ALTER TABLE t ALTER COLUMN z SET NOT NULL",
            "ALTER TABLE t DROP CONSTRAINT u",
        ],
    ),
    (
        (
            "op.create_table('t',\n"
            "    sa.Column('id', sa.Integer(), nullable=False),\n"
            "    sa.Column('email', sa.String(9), nullable=False, unique=True, comment='it\\'s'),\n"
            "    sa.Column('kind', sa.Enum('a', 'b', name='kind'), nullable=False),\n"
            "    sa.Column('slug', sa.Text, index=True),\n"
            "    sa.Column('n', sa.Numeric(10, 2), server_default=sa.text('0')),\n"
            "    sa.Column('r', sa.BigInteger, sa.ForeignKey('r.id')),\n"
            "    sa.PrimaryKeyConstraint('id', name='pk'),\n"
            "    sa.CheckConstraint('n > 0', name='positive'),\n"
            "    sa.ForeignKeyConstraint(['r'], ['s.r.id'], name='f', ondelete='SET NULL'),\n"
            ")"
        ),
        [
            "CREATE TYPE kind AS ENUM ('a', 'b')",
            (
                "CREATE TABLE t ( id SERIAL NOT NULL, email VARCHAR(9) NOT NULL, "
                "kind kind NOT NULL, slug TEXT, n NUMERIC(10, 2) DEFAULT 0, r BIGINT, "
                "CONSTRAINT pk PRIMARY KEY (id), "
                "CONSTRAINT positive CHECK (n > 0), "
                "CONSTRAINT f FOREIGN KEY(r) REFERENCES s.r (id) ON DELETE SET NULL, "
                "UNIQUE (email), FOREIGN KEY(r) REFERENCES r (id) )"
            ),
            "CREATE INDEX ix_t_slug ON t (slug)",
            "COMMENT ON COLUMN t.email IS 'it''s'",
        ],
    ),
    (
        (
            "op.create_table('t',\n"
            "    sa.Column('id', sa.BigInteger, sa.Identity(always=True), primary_key=True),\n"
            "    sa.Column('g', sa.Integer, sa.Computed('1+1', persisted=True)))"
        ),
        [
            (
                "CREATE TABLE t ( id BIGINT GENERATED ALWAYS AS IDENTITY, "
                "g INTEGER GENERATED ALWAYS AS (1+1) STORED, PRIMARY KEY (id) )"
            )
        ],
    ),
]


@pytest.mark.parametrize(
    ("up", "expected"), OPERATIONS, ids=[up.split("(", 2)[0] for up, _ in OPERATIONS]
)
def test_operations(tmp_path: Path, up: str, expected: list[str]):
    migration = only(tmp_path, revision("1", up=up))
    found = [" ".join(text.rstrip(";").split()) for _, text in sql(migration.up) or []]
    assert (found, migration.not_read) == (expected, ())


TYPES = {
    "sa.BigInteger()": "BIGINT",
    "sa.String": "VARCHAR",
    "sa.String(20)": "VARCHAR(20)",
    "sa.DateTime(timezone=True)": "TIMESTAMP WITH TIME ZONE",
    "sa.DateTime()": "TIMESTAMP WITHOUT TIME ZONE",
    "postgresql.TIMESTAMP(True)": "TIMESTAMP WITH TIME ZONE",
    "sa.Numeric(precision=10, scale=2)": "NUMERIC(10, 2)",
    "sa.Float()": "FLOAT",
    "sa.Double()": "DOUBLE PRECISION",
    "sa.LargeBinary()": "BYTEA",
    "postgresql.UUID(as_uuid=True)": "UUID",
    "postgresql.JSONB(astext_type=sa.Text())": "JSONB",
    "postgresql.ARRAY(sa.String(length=3))": "VARCHAR(3)[]",
    "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')": "JSONB",
    "sa.Enum(Kind, name='kind')": "kind",
    "sa.Enum('a', 'long', name='kind', native_enum=False)": "VARCHAR(4)",
    "sqlmodel.sql.sqltypes.AutoString(length=9)": "VARCHAR(9)",
    "PGUUID()": "UUID",
}


@pytest.mark.parametrize(("written", "expected"), TYPES.items())
def test_types(tmp_path: Path, written: str, expected: str):
    up = f"op.alter_column('t', 'c', type_={written})"
    more = "from sqlalchemy.dialects.postgresql import UUID as PGUUID"
    migration = only(tmp_path, revision("1", up=up, more=more))
    assert sql(migration.up) == [("file", f"ALTER TABLE t ALTER COLUMN c TYPE {expected};")]
