"""What the floors above read from parse trees, so that a new parser cannot change it unseen."""

from typing import Any

import pytest

from tests.sql.test_read import script

ALTER = "cmds.0.alter_table_cmd"
COLUMN = "table_elts.0.column_def"


def at(node: Any, path: str) -> Any:
    for step in path.split("."):
        node = node[int(step)] if step.isdigit() else getattr(node, step)
    return node


@pytest.mark.parametrize(
    ("sql", "kind", "values"),
    [
        ("ALTER TABLE s.t ADD COLUMN a int NOT NULL DEFAULT f()", "AlterTableStmt",
         {"relation.schemaname": "s", "relation.relname": "t", f"{ALTER}.subtype": 1,
          f"{ALTER}.def.column_def.colname": "a"}),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "AlterTableStmt",
         {f"{ALTER}.def.constraint.conname": "c", f"{ALTER}.def.constraint.skip_validation": True}),
        ("CREATE TABLE IF NOT EXISTS t (a numeric(3,1)[] PRIMARY KEY)", "CreateStmt",
         {"if_not_exists": True, f"{COLUMN}.type_name.names.1.string.sval": "numeric",
          f"{COLUMN}.type_name.typmods.0.a_const.ival.ival": 3}),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t USING gin (lower(a)) WHERE b", "IndexStmt",
         {"idxname": "i", "unique": True, "concurrent": True, "access_method": "gin",
          "index_params.0.index_elem.expr.func_call.funcname.0.string.sval": "lower",
          "where_clause.column_ref.fields.0.string.sval": "b"}),
        ("DROP TABLE IF EXISTS s.t CASCADE", "DropStmt",
         {"missing_ok": True, "objects.0.list.items.1.string.sval": "t"}),
        ("ALTER TABLE t RENAME COLUMN a TO b", "RenameStmt",
         {"relation.relname": "t", "subname": "a", "newname": "b"}),
        ("BEGIN", "TransactionStmt", {"kind": 1}),
        ("SET LOCAL lock_timeout = '5s'", "VariableSetStmt",
         {"name": "lock_timeout", "is_local": True, "args.0.a_const.sval.sval": "5s"}),
        ("UPDATE t SET a = 1 WHERE b", "UpdateStmt",
         {"relation.relname": "t", "target_list.0.res_target.name": "a"}),
        ("INSERT INTO t (a) VALUES (1), (2)", "InsertStmt",
         {"relation.relname": "t", "cols.0.res_target.name": "a",
          "select_stmt.select_stmt.values_lists.1.list.items.0.a_const.ival.ival": 2}),
        ("ALTER TYPE e ADD VALUE 'x'", "AlterEnumStmt", {"new_val": "x"}),
        ("DO LANGUAGE plpgsql $$BEGIN END$$", "DoStmt",
         {"args.0.def_elem.arg.string.sval": "plpgsql", "args.1.def_elem.defname": "as",
          "args.1.def_elem.location": 20}),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'x'", "CreateFunctionStmt",
         {"options.1.def_elem.arg.list.items.0.string.sval": "x",
          "options.1.def_elem.location": 45}),
        ("COPY t FROM stdin", "CopyStmt", {"is_from": True, "filename": ""}),
    ],
)  # fmt: skip
def test_fields_have_their_names_and_places(sql: str, kind: str, values: dict[str, Any]) -> None:
    [statement] = script(sql).statements
    assert statement.kind == kind
    assert {path: at(statement.node, path) for path in values} == values
