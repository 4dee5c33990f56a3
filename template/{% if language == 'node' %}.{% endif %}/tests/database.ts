/** Databases for tests, made on the server that TEST_DATABASE_URL names. */

import { randomBytes } from "node:crypto";
import pg from "pg";

import { migrate } from "../src/database/migrations.ts";
import { parseDatabaseUrl } from "../src/database/url.ts";

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Runs one statement on a connection of its own. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** A fresh database with the newest schema. */
export async function createDatabase(): Promise<TestDatabase> {
  const database = await createEmptyDatabase();
  try {
    await migrate(database.url);
  } catch (error) {
    await database.drop();
    throw error;
  }
  return database;
}

/** A fresh database without anything in it. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const server = process.env["TEST_DATABASE_URL"];
  if (server === undefined || server === "") {
    throw new Error("TEST_DATABASE_URL is not set");
  }
  const name = `test_${randomBytes(6).toString("hex")}`;
  await queryAt(server, `create database ${name}`);
  const url = server.replace(/^([a-z]+:\/\/[^/?]*)\/[^?]*/, `$1/${name}`);
  return {
    url,
    query: (sql, values) => queryAt(url, sql, values),
    async drop() {
      await queryAt(server, `drop database ${name} with (force)`);
    },
  };
}

async function queryAt<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client(parseDatabaseUrl(url).connect);
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
