"""What the checks of a whole schema find, and what they leave alone."""

import pytest

from senior_backend.catalog import checks
from tests.catalog.truth import replayed

PARENT = "create table p (id int primary key, a int, b int, unique (a, b));"


@pytest.mark.parametrize(
    ("script", "unindexed"),
    [
        ("create table t (p int references p);", ["t_p_fkey"]),
        ("create table t (p int references p); create index on t (p);", []),
        ("create table t (p int references p, x int); create index on t (x, p);", ["t_p_fkey"]),
        ("create table t (p int references p, x int); create index on t (p, x);", []),
        ("create table t (p int references p, x int, primary key (p, x));", []),
        ("create table t (p int references p unique);", []),
        (
            "create table t (p int references p); create index on t (p) where p > 0;",
            ["t_p_fkey"],
        ),
        ("create table t (p int references p); create index on t using hash (p);", []),
        ("create table t (p int references p); create index on t using brin (p);", ["t_p_fkey"]),
        (
            (
                "create table t (x int, y int, foreign key (x, y) references p (a, b));"
                "create index on t (y, x);"
            ),
            [],
        ),
        (
            (
                "create table t (x int, y int, foreign key (x, y) references p (a, b));"
                "create index on t (x);"
            ),
            ["t_x_y_fkey"],
        ),
        ("create table t (p int references p); create index on t ((p + 1));", ["t_p_fkey"]),
        (
            (
                "create table t (p int references p) partition by list (p);"
                "create table t1 partition of t default;"
            ),
            ["t_p_fkey"],
        ),
        (
            (
                "create table t (p int references p) partition by list (p);"
                "create table t1 partition of t default; create index on only t (p);"
            ),
            ["t_p_fkey"],
        ),
    ],
)
def test_foreign_keys_without_a_supporting_index(script: str, unindexed: list[str]) -> None:
    found = checks.unindexed_foreign_keys(replayed(PARENT + script))
    assert [key.name for key in found] == unindexed


@pytest.mark.parametrize(
    ("indexes", "redundant"),
    [
        ("create index i on t (a); create index j on t (a, b);", {"i": "j"}),
        ("create index i on t (a); create index j on t (b, a);", {}),
        ("create index i on t (a); create index j on t (a);", {"j": "i"}),
        ("create index i on t (id);", {"i": "t_pkey"}),
        ("create unique index i on t (id);", {"i": "t_pkey"}),
        ("create unique index i on t (a); create index j on t (a);", {"j": "i"}),
        ("create index i on t (a); create unique index j on t (a);", {"i": "j"}),
        ("create unique index i on t (a); create index j on t (a, b);", {}),
        ("create unique index i on t (a); create unique index j on t (a, b);", {}),
        ("create index i on t (a) where b > 0; create index j on t (a, b);", {}),
        (
            "create index i on t (a) where b > 0; create index j on t (a, id) where b > 0;",
            {"i": "j"},
        ),
        ("create index i on t (a desc); create index j on t (a, b);", {}),
        ("create index i on t (a nulls last); create index j on t (a, b);", {"i": "j"}),
        ("create index i on t (c text_pattern_ops); create index j on t (c, b);", {}),
        ('create index i on t (c collate "C"); create index j on t (c, b);', {}),
        ("create index i on t (a) include (b); create index j on t (a);", {"j": "i"}),
        ("create index i on t (a) include (b); create index j on t (a, b);", {"i": "j"}),
        ("create index i on t using hash (a); create index j on t (a);", {}),
        ("create index i on t using gin (d); create index j on t using gin (d, e);", {}),
        ("create index i on t (lower(c)); create index j on t (lower(c), a);", {"i": "j"}),
        ("alter table t add unique (a); create unique index j on t (a);", {"j": "t_a_key"}),
        (
            "create unique index i on t (a) nulls not distinct; create unique index j on t (a);",
            {},
        ),
    ],
)
def test_redundant_indexes(indexes: str, redundant: dict[str, str]) -> None:
    catalog = replayed(
        "create table t (id int primary key, a int, b int, c text, d int[], e int[]);" + indexes
    )
    found = checks.redundant_indexes(catalog)
    assert {pair.index.name.name: pair.by.name.name for pair in found} == redundant


def test_tables_without_primary_key() -> None:
    catalog = replayed("""
        create table none (a int); create table one (a int primary key);
        create temp table brief (a int); create view v as select 1 as a;
        create table parted (a int) partition by list (a);
        create table part partition of parted default;
        create table late (a int); alter table late add primary key (a);
        create table lost (a int primary key); alter table lost drop column a;
    """)
    found = [str(table.name) for table in checks.tables_without_primary_key(catalog)]
    assert found == ["public.none", "public.parted", "public.lost"]
