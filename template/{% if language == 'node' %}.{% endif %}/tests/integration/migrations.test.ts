/** Migrations: each is applied once, as a whole, whoever else is at it. */

import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished } from "vitest";
import { test as plain } from "vitest";

import { migrate, MigrationError, type MigrationOptions } from "../../src/database/migrations.ts";
import { createEmptyDatabase } from "../database.ts";

const TABLES = "select tablename as name from pg_tables where schemaname = 'public' order by 1";
const LEDGER =
  "select migration_name as name, finished_at is not null as finished, logs from _prisma_migrations" +
  " where rolled_back_at is null order by started_at, name";

const test = plain.extend("database", async ({}, { onCleanup }) => {
  const database = await createEmptyDatabase();
  onCleanup(() => database.drop());
  return database;
});

/** Writes migrations: their up and down scripts, by number. */
async function folderOf(scripts: Record<string, [up: string, down?: string]>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "migrations-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await write(folder, scripts);
  return folder;
}

async function write(folder: string, scripts: Record<string, [up: string, down?: string]>) {
  for (const [number, [up, down]] of Object.entries(scripts)) {
    const directory = join(folder, nameOf(number));
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "migration.sql"), up);
    if (down !== undefined) {
      await writeFile(join(directory, "down.sql"), down);
    }
  }
}

function nameOf(number: string): string {
  return `2026010100000${number}_step`;
}

async function refusal(url: string, options: MigrationOptions): Promise<string> {
  const error: unknown = await migrate(url, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MigrationError);
  const { message } = error as MigrationError;
  expect(message).not.toContain("\n");
  return message;
}

test("the service's own go up, down and up again", async ({ database }) => {
  await migrate(database.url);
  const tables = await database.query(TABLES);
  await migrate(database.url, { downTo: "base" });
  expect(await database.query(TABLES)).toEqual([{ name: "_prisma_migrations" }]);
  await migrate(database.url);
  expect(await database.query(TABLES)).toEqual(tables);
});

test("what is applied is told, once", async ({ database }) => {
  const folder = await folderOf({ 1: ["create table a ()"], 2: ["create table b ()"] });
  const told: string[] = [];
  const report = (line: string) => told.push(line);
  await migrate(database.url, { folder, report });
  await migrate(database.url, { folder, report });
  expect(told).toEqual([`applied ${nameOf("1")}`, `applied ${nameOf("2")}`]);
});

test("runs at the same time wait for each other, also for an index built concurrently", async ({
  database,
}) => {
  const folder = await folderOf({
    1: ["create table a (n int)"],
    2: ["create index concurrently a_n_idx on a (n)"],
  });
  await Promise.all(Array.from({ length: 3 }, () => migrate(database.url, { folder })));
  expect(await database.query(LEDGER)).toHaveLength(2);
});

describe("a script that fails", () => {
  test("leaves nothing, says where, and is applied when it is mended", async ({ database }) => {
    const folder = await folderOf({
      1: ["create table a ()"],
      2: ["create table b ();\n\nselect n from a;\n"],
    });
    expect(await refusal(database.url, { folder })).toBe(
      `${nameOf("2")}/migration.sql, line 3: column "n" does not exist`,
    );
    expect(await database.query(TABLES)).toEqual([{ name: "_prisma_migrations" }, { name: "a" }]);
    await write(folder, { 2: ["create table b ()"] });
    await migrate(database.url, { folder });
    expect(await database.query(LEDGER)).toMatchObject([{ finished: true }, { finished: true }]);
  });

  test("outside a transaction stops later runs, until it is taken back", async ({ database }) => {
    const folder = await folderOf({
      1: ["create table a (n int); insert into a values (1), (1)"],
      2: [
        "create unique index concurrently a_n_idx on a (n)",
        "drop index concurrently if exists a_n_idx",
      ],
    });
    expect(await refusal(database.url, { folder })).toContain("could not create unique index");
    expect(await database.query(LEDGER)).toMatchObject([
      { finished: true },
      { finished: false, logs: expect.stringContaining("a_n_idx") as string },
    ]);
    await database.query("delete from a");
    expect(await refusal(database.url, { folder })).toContain(`migrate --down ${nameOf("1")}`);
    await migrate(database.url, { folder, downTo: nameOf("1") });
    await migrate(database.url, { folder });
    expect(await database.query("select indisvalid from pg_index")).toContainEqual({
      indisvalid: true,
    });
  });
});

test("a script that was edited after it had been applied is refused", async ({ database }) => {
  const folder = await folderOf({ 1: ["create table a ();\n"] });
  await migrate(database.url, { folder });
  await write(folder, { 1: ["create table a ();\r\n"] });
  await migrate(database.url, { folder }); // only its line ends
  await write(folder, { 1: ["create table b ();\n"], 2: ["create table c ()"] });
  expect(await refusal(database.url, { folder })).toContain(`${nameOf("1")} was edited`);
  expect(await database.query(LEDGER)).toHaveLength(1);
});

test("an older release leaves alone what a newer one has applied", async ({ database }) => {
  const folder = await folderOf({ 1: ["create table a ()"], 2: ["create table b ()"] });
  await migrate(database.url, { folder });
  const older = await folderOf({ 1: ["create table a ()"] });
  await migrate(database.url, { folder: older });
  expect(await refusal(database.url, { folder: older, downTo: "base" })).toContain(
    `${nameOf("2")} has no down.sql here`,
  );
  expect(await database.query(LEDGER)).toHaveLength(2);
});

test("the way back ends at the migration that is named", async ({ database }) => {
  const folder = await folderOf({
    1: ["create table a ()", "drop table a"],
    2: ["create table b ()", "drop table b"],
    3: ["create table c ()", "drop table c"],
  });
  await migrate(database.url, { folder });
  await migrate(database.url, { folder, downTo: nameOf("1") });
  expect(await database.query(LEDGER)).toMatchObject([{ name: nameOf("1") }]);
  expect(await refusal(database.url, { folder, downTo: nameOf("3") })).toContain(
    "is no applied migration",
  );
});

test("a script may change the search path, quote in dollars and end without a semicolon", async ({
  database,
}) => {
  const folder = await folderOf({
    1: [
      "set local search_path = pg_catalog;\ndo $$ begin perform ';'; end $$;\n" +
        "set local lock_timeout = '5s';\nselect 1 -- the end",
    ],
  });
  await migrate(database.url, { folder });
  expect(await database.query(LEDGER)).toMatchObject([{ finished: true, logs: null }]);
});
