/**
 * Gives the tests a PostgreSQL: the server that TEST_DATABASE_URL names, in the environment or in
 * .env, else one that lives as long as they do. They never see DATABASE_URL.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { parseEnv } from "node:util";

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  delete process.env["DATABASE_URL"];
  delete process.env["DATABASE_DIRECT_URL"];
  const given = process.env["TEST_DATABASE_URL"] || fromEnvFile("TEST_DATABASE_URL");
  if (given) {
    process.env["TEST_DATABASE_URL"] = given;
    return undefined;
  }
  const { url, stop } = await startServer();
  process.env["TEST_DATABASE_URL"] = url;
  return stop;
}

function fromEnvFile(name: string): string | undefined {
  return existsSync(".env") ? parseEnv(readFileSync(".env", "utf8"))[name] : undefined;
}

async function startServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  // It ends when its standard input does, even if this process is killed.
  const server = spawn("make", ["--silent", "test-database"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  server.on("error", () => server.stdout.destroy()); // there is no make
  const url = await firstLine(server.stdout);
  if (url === undefined) {
    throw new Error(
      "No PostgreSQL could be started for the tests (that takes make, and uv or python3 with its " +
        "venv module): see above, or name a server in TEST_DATABASE_URL",
    );
  }
  return {
    url,
    async stop() {
      const ended = once(server, "exit");
      server.stdin.end();
      await ended;
    },
  };
}

/** The first line of `output`; undefined when it ends before. */
async function firstLine(output: Readable): Promise<string | undefined> {
  for await (const line of createInterface({ input: output })) {
    return line;
  }
  return undefined;
}
