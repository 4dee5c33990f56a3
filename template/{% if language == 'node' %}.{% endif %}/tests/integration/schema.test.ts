/** `prisma/schema.prisma` says of tables and columns what the migrations made. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";

import { test } from "../service.ts";

/** Tables, and of each its columns: PostgreSQL's name of the type, and `?` where it may be null. */
type Tables = Record<string, Record<string, string>>;

// What Prisma calls otherwise than PostgreSQL does inside; the rest differs in case only.
const TYPES: Readonly<Record<string, string>> = {
  BigInt: "int8",
  Boolean: "bool",
  Bytes: "bytea",
  Char: "bpchar",
  DateTime: "timestamp",
  Decimal: "numeric",
  DoublePrecision: "float8",
  Float: "float8",
  Int: "int4",
  Integer: "int4",
  Json: "jsonb",
  Real: "float4",
  SmallInt: "int2",
  String: "text",
};

function tablesOfPrisma(schema: string): Tables {
  const blocks = [...schema.matchAll(/^(model|enum) (\w+) \{\n(.*?)^\}/gms)];
  const mapped = (name = "", body = "") => /^ *@@map\("(.+?)"\)/m.exec(body)?.[1] ?? name;
  const models = blocks.filter(([, kind]) => kind === "model");
  const relations = new Set(models.map(([, , name]) => name));
  const enums = Object.fromEntries(
    blocks
      .filter(([, kind]) => kind === "enum")
      .map(([, , name = "", body]) => [name, mapped(name, body)]),
  );
  const typeOf = (scalar: string, rest: string) => {
    const type = /@db\.(\w+)/.exec(rest)?.[1] ?? scalar.replace(/Unsupported\("(.+)"\)/, "$1");
    return enums[type] ?? TYPES[type] ?? type.toLowerCase();
  };
  return Object.fromEntries(
    models.map(([, , model, body = ""]) => [
      mapped(model, body),
      Object.fromEntries(
        [...body.matchAll(/^ *(\w+) +(\w+(?:\(".+?"\))?)(\[\]|\?)?(.*)$/gm)]
          .filter(([, , type]) => !relations.has(type))
          .map(([, field = "", type = "", mark = "", rest = ""]) => [
            /(?<!@)@map\("(.+?)"\)/.exec(rest)?.[1] ?? field,
            (mark === "[]" ? "_" : "") + typeOf(type, rest) + (mark === "?" ? "?" : ""),
          ]),
      ),
    ]),
  );
}

test("the schema of Prisma has the tables and columns of the migrations", async ({ database }) => {
  const columns = await database.query<Record<"table" | "column" | "type", string>>(
    `select table_name as table, column_name as column,
            udt_name || case is_nullable when 'YES' then '?' else '' end as type
     from information_schema.columns join information_schema.tables using (table_schema, table_name)
     where table_schema = 'public' and table_type = 'BASE TABLE'
       and table_name <> '_prisma_migrations'`,
  );
  const tables: Tables = {};
  for (const { table, column, type } of columns) {
    (tables[table] ??= {})[column] = type;
  }
  expect(Object.keys(tables)).not.toEqual([]);
  const schema = readFileSync(new URL("../../prisma/schema.prisma", import.meta.url), "utf8");
  expect(tablesOfPrisma(schema)).toEqual(tables);
});
