/** The pool, its limits, and what becomes of requests when the database is away. */

import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

import {
  Database,
  type PoolSettings,
  type Reader,
  type Work,
} from "../../src/database/database.ts";
import { asUnavailable } from "../../src/database/errors.ts";
import { DatabaseProbe } from "../../src/database/probe.ts";
import { parseDatabaseUrl } from "../../src/database/url.ts";
import type { Unavailable } from "../../src/domain/errors.ts";
import { createDatabase, type TestDatabase } from "../database.ts";

const SETTINGS = { maxConnections: 2, acquireTimeoutMs: 5_000, statementTimeoutMs: 500 };
const NOWHERE = "postgresql://127.0.0.1:1/nowhere";

let server: TestDatabase;

beforeAll(async () => {
  server = await createDatabase();
});

afterAll(async () => {
  await server.drop();
});

function opened(
  changes: Partial<PoolSettings> = {},
  url = server.url,
  present?: () => Work | undefined,
): Database {
  const settings = { ...SETTINGS, pooled: false, ...changes };
  const database = new Database(parseDatabaseUrl(url), settings, present);
  onTestFinished(() => database.close());
  return database;
}

async function unavailable(work: Promise<unknown>): Promise<Unavailable> {
  const error = await work.then(
    () => new Error("nothing was unavailable"),
    (reason: unknown) => reason,
  );
  const condition = asUnavailable(error);
  if (condition === undefined) {
    throw error as Error;
  }
  return condition;
}

async function pidOf(db: Reader): Promise<number> {
  const rows = await db.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return rows[0]?.pid ?? 0;
}

async function setting(db: Reader, name: string): Promise<string | undefined> {
  const rows = await db.$queryRaw<{ value: string }[]>`select current_setting(${name}) as value`;
  return rows[0]?.value;
}

/** A way to the server that can be made silent: nothing arrives any more, and nothing is closed. */
async function relay(): Promise<{ url: string; silent: (is: boolean) => void }> {
  const { host = "127.0.0.1", port = 5432 } = parseDatabaseUrl(server.url).connect;
  let silent = false;
  const sockets: net.Socket[] = [];
  const listener = net.createServer((client) => {
    const upstream = net.connect(port, host);
    sockets.push(client, upstream);
    client.on("data", (data) => !silent && upstream.write(data)).on("error", () => undefined);
    upstream.on("data", (data) => !silent && client.write(data)).on("error", () => undefined);
    client.on("close", () => upstream.destroy());
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => {
    sockets.forEach((socket) => socket.destroy());
    listener.close();
  });
  const url = new URL(server.url.replace(/^postgres(ql)?:/, "http:"));
  url.host = `127.0.0.1:${(listener.address() as net.AddressInfo).port}`;
  return {
    url: url.href.replace("http:", "postgresql:"),
    silent: (is) => {
      silent = is;
    },
  };
}

describe.each([{ pooled: false }, { pooled: true }])("with pooled: $pooled", ({ pooled }) => {
  it("one request leaves connections of the pool to others", async () => {
    let present: Work = {};
    const database = opened({ pooled, maxConnections: 3 }, server.url, () => present);
    let running = 0;
    let most = 0;
    const read = () =>
      database.read(async (db) => {
        most = Math.max(most, ++running);
        await db.$queryRaw`select 1 from (select pg_sleep(0.02)) as slept`;
        running -= 1;
      });
    await Promise.all(Array.from({ length: 6 }, read));
    expect(most).toBe(1);
    const both = Promise.withResolvers<undefined>();
    let inside = 0;
    const meet = () =>
      database.read(() => {
        inside += 1;
        if (inside === 2) both.resolve(undefined);
        return both.promise;
      });
    const first = meet();
    present = {}; // another request
    await Promise.all([first, meet()]);
  });

  it("a read that fails gives its turn to the next", async () => {
    const present = {};
    const database = opened({ pooled, maxConnections: 1 }, server.url, () => present);
    const failing = database.read(() => Promise.reject(new Error("of the work")));
    const next = database.read((db) => pidOf(db));
    await expect(failing).rejects.toThrow("of the work");
    expect(await next).toBeGreaterThan(0);
  });

  it("a slow statement is cancelled", async () => {
    const database = opened({ pooled });
    const started = performance.now();
    await unavailable(database.read((db) => db.$queryRaw`select pg_sleep(10)`));
    await unavailable(database.transaction((tx) => tx.$queryRaw`select pg_sleep(10)`));
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("a transaction is rolled back on any error", async () => {
    const database = opened({ pooled });
    const error = new Error("of the work");
    const work = database.transaction(async (tx) => {
      await tx.$executeRaw`create table kept (n int)`;
      throw error;
    });
    await expect(work).rejects.toBe(error);
    expect(await server.query("select from pg_class where relname = 'kept'")).toEqual([]);
  });

  it("times are UTC, whatever the server's own zone is", async () => {
    await server.query(`do $$ begin
      execute format('alter database %I set timezone = ''Asia/Kathmandu''', current_database());
    end $$`);
    const database = opened({ pooled });
    const moment = new Date("2026-01-02T03:04:05.678Z");
    const rows = await database.read(
      (db) => db.$queryRaw<{ there: Date; seconds: number }[]>`
        select t as there, extract(epoch from t)::float8 as seconds
          from (select ${moment}::timestamptz as t) as given`,
    );
    expect(rows).toEqual([{ there: moment, seconds: moment.getTime() / 1_000 }]);
  });

  it("settings of the URL hold", async () => {
    const database = opened(
      { pooled },
      `${server.url}?options=-c%20work_mem%3D5MB&application_name=shop`,
    );
    const values = await database.transaction(async (tx) => [
      await setting(tx, "work_mem"),
      await setting(tx, "application_name"),
      await setting(tx, "statement_timeout"),
    ]);
    expect(values).toEqual(["5MB", "shop", "500ms"]);
  });

  it("a server that falls silent is given up, and so is the connection", async () => {
    const { url, silent } = await relay();
    const database = opened({ pooled, maxConnections: 1 }, url);
    await database.read(pidOf);
    silent(true);
    await unavailable(database.read(pidOf));
    silent(false);
    await database.read(pidOf);
    const work = database.transaction(async (tx) => {
      await pidOf(tx);
      silent(true);
      await pidOf(tx);
    });
    await unavailable(work);
    silent(false);
    await database.read(pidOf);
  });
});

it("behind a pooler limits end with the transaction, and no statement is kept by name", async () => {
  const database = opened({ pooled: true, maxConnections: 1 });
  expect(await database.transaction((tx) => setting(tx, "statement_timeout"))).toBe("500ms");
  await database.read((db) => db.idempotencyKey.findMany({ take: 1 }));
  const client = await database.pool.connect();
  try {
    const shown = await client.query("show statement_timeout");
    expect(shown.rows).toEqual([{ statement_timeout: "0" }]);
    expect((await client.query("select from pg_prepared_statements")).rowCount).toBe(0);
  } finally {
    client.release();
  }
});

it("a full pool refuses quickly, and recovers", async () => {
  const database = opened({ maxConnections: 1, acquireTimeoutMs: 1_000 });
  const held = await database.pool.connect();
  const started = performance.now();
  const refusals = [database.read(pidOf), database.transaction(pidOf)].map(unavailable);
  for (const refusal of await Promise.all(refusals)) {
    expect(refusal.retryAfter).toBeGreaterThanOrEqual(1);
  }
  expect(performance.now() - started).toBeGreaterThan(900);
  expect(performance.now() - started).toBeLessThan(2_500);
  held.release();
  await database.transaction(pidOf);
});

it("a connection that the server closed is replaced unnoticed", async () => {
  const database = opened({ maxConnections: 1 });
  const before = await database.read(pidOf);
  await server.query("select pg_terminate_backend($1)", [before]);
  await sleep(100);
  expect(await database.read(pidOf)).not.toBe(before);
});

it.each(["a read", "a transaction"])("%s that the server ends is unavailable", async (kind) => {
  const database = opened();
  const work = async (db: Reader) => {
    const pid = await pidOf(db);
    void server.query("select pg_terminate_backend($1)", [pid]);
    await db.$queryRaw`select pg_sleep(0.4)`;
  };
  await unavailable(kind === "a read" ? database.read(work) : database.transaction(work));
});

it("a server that cannot be reached is unavailable", async () => {
  const database = opened({}, NOWHERE);
  await unavailable(database.read(pidOf));
  await unavailable(database.transaction(pidOf));
});

it("of transactions that wait for each other one is unavailable", async () => {
  const database = opened({ statementTimeoutMs: 10_000 });
  const met = Array.from({ length: 2 }, () => Promise.withResolvers<undefined>());
  const locking = async (own: number, other: number) =>
    database.transaction(async (tx) => {
      await tx.$queryRaw`select pg_advisory_xact_lock(${own}::bigint)::text`;
      met[own]?.resolve(undefined);
      await met[other]?.promise;
      await tx.$queryRaw`select pg_advisory_xact_lock(${other}::bigint)::text`;
    });
  const outcomes = await Promise.allSettled([locking(0, 1), locking(1, 0)]);
  const failures = outcomes.filter((outcome) => outcome.status === "rejected");
  expect(failures.map(({ reason }) => asUnavailable(reason)?.message)).toEqual([
    "Another request holds the data that this one needs.",
  ]);
});

it("a bug in a statement is no outage", async () => {
  const database = opened();
  const error: unknown = await database
    .read((db) => db.$queryRaw`select * from nowhere`)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(asUnavailable(error)).toBeUndefined();
});

it.each(["ENOENT", "EACCES", "EMFILE"])("%s elsewhere is no outage of the database", (code) => {
  expect(asUnavailable(Object.assign(new Error(code), { code }))).toBeUndefined();
});

it("an error does not quote the row that was refused", async () => {
  const database = opened();
  const refused = database.read(
    (db) => db.$executeRaw`
      insert into idempotency_keys
      values ('t', 'hidden', 'm', 'r', 'k', '', 70000, 'c', null, null, '', now(), now())`,
  );
  const unchecked = database.transaction(async (tx) => {
    await tx.$executeRaw`create table checked (name text check (name <> 'hidden'))`;
    await tx.$executeRaw`insert into checked values (${"hidden"})`;
  });
  for (const outcome of await Promise.allSettled([refused, unchecked])) {
    const error: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error, { depth: 10 })).not.toMatch(/Failing row|hidden/);
  }
});

it("closing does not wait for a server that is silent", async () => {
  const { url, silent } = await relay();
  const database = new Database(parseDatabaseUrl(url), { ...SETTINGS, pooled: false });
  const work = database.read((db) => db.$queryRaw`select pg_sleep(0.1)`).catch(() => undefined);
  await sleep(50);
  silent(true);
  const started = performance.now();
  await database.close();
  expect(performance.now() - started).toBeLessThan(4_000);
  await work;
});

describe("the probe", () => {
  it("goes down after three failures, and up after one answer", async () => {
    const { url, silent } = await relay();
    const told: (string | undefined)[] = [];
    const probe = new DatabaseProbe(parseDatabaseUrl(url), {
      timeoutMs: 500,
      onChange: (error) => told.push(error),
    });
    onTestFinished(() => probe.stop());
    expect(probe.up).toBe(false);
    await probe.ask();
    expect([probe.up, probe.lastError]).toEqual([true, undefined]);
    silent(true);
    const states = [];
    for (let question = 0; question < 3; question += 1) {
      await probe.ask();
      states.push(probe.up);
    }
    expect(states).toEqual([true, true, false]);
    silent(false);
    await probe.ask();
    expect(probe.up).toBe(true);
    expect(told).toEqual([undefined, expect.stringContaining("time"), undefined]);
  });

  it("answers within its time when the server does not", async () => {
    const { url, silent } = await relay();
    const probe = new DatabaseProbe(parseDatabaseUrl(url), { timeoutMs: 300 });
    onTestFinished(() => probe.stop());
    await probe.ask();
    silent(true);
    for (let question = 0; question < 2; question += 1) {
      const started = performance.now();
      await probe.ask();
      expect(performance.now() - started).toBeLessThan(1_000);
    }
  });

  it("names what is wrong when nobody listens", async () => {
    const probe = new DatabaseProbe(parseDatabaseUrl(NOWHERE));
    await probe.ask();
    expect([probe.up, probe.lastError]).toEqual([false, "ECONNREFUSED"]);
    await probe.stop();
  });
});
