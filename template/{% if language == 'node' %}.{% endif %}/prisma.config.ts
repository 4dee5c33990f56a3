/** For Prisma's own commands; `prisma generate` needs no database, `prisma migrate` does. */

import { defineConfig } from "prisma/config";

// Generating runs no engine, and would download one all the same if it were not told of a program.
if (process.argv.includes("generate")) {
  process.env["PRISMA_SCHEMA_ENGINE_BINARY"] = process.execPath;
}

const url = process.env["DATABASE_DIRECT_URL"] ?? process.env["DATABASE_URL"];

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  ...(url === undefined ? {} : { datasource: { url } }),
});
