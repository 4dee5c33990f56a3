/** What the service does by itself, until it is stopped. */

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";

import { Database } from "../../src/database/database.ts";
import { parseDatabaseUrl } from "../../src/database/url.ts";
import { startMaintenance } from "../../src/maintenance.ts";
import { log } from "../../src/observability/logs.ts";
import { test as base } from "../service.ts";

const LIMITS = {
  maxConnections: 1,
  acquireTimeoutMs: 200,
  statementTimeoutMs: 1000,
  pooled: false,
};

const test = base
  .extend("pool", ({ database }, { onCleanup }) => {
    const pool = new Database(parseDatabaseUrl(database.url), LIMITS);
    onCleanup(() => pool.close());
    return pool;
  })
  .extend("addExpiredKey", ({ database, tenant }) => async () => {
    await database.query(
      `insert into idempotency_keys
         (tenant_id, subject, method, route, key, request_hash, status, content_type, body, expires_at)
       values ($1, 's', 'POST', '/', 'k', '', 201, 'text/plain', '', now() - interval '1 second')`,
      [tenant],
    );
  })
  .extend("countKeys", ({ database, tenant }) => async () => {
    const keys = "select from idempotency_keys where tenant_id = $1";
    return (await database.query(keys, [tenant])).length;
  });

test("expired keys are deleted again and again, until it is stopped", async ({
  pool,
  addExpiredKey,
  countKeys,
}) => {
  const maintenance = startMaintenance(pool, { intervalMs: 20 });
  for (let round = 0; round < 2; round++) {
    await addExpiredKey();
    await expect.poll(countKeys, { timeout: 5000 }).toBe(0);
  }
  await maintenance.stop();
  await addExpiredKey();
  await sleep(100);
  expect(await countKeys()).toBe(1);
});

test("a round that fails is told and is not the last one", async ({
  pool,
  database,
  addExpiredKey,
  countKeys,
}) => {
  const maintenance = startMaintenance(pool, { intervalMs: 10 });
  await database.query("alter table idempotency_keys rename to elsewhere");
  await sleep(100);
  await database.query("alter table elsewhere rename to idempotency_keys");
  await addExpiredKey();
  await expect.poll(countKeys, { timeout: 5000 }).toBe(0);
  await maintenance.stop();
  expect(log.error).toHaveBeenCalledWith("maintenance failed", {
    error: expect.any(Error) as Error,
  });
});
