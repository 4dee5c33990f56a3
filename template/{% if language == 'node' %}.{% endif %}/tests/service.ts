/**
 * What tests start from: a database of their own, an application that listens on it, and tokens
 * that it believes. Tests of one file share the database: each takes a tenant of its own, so nothing
 * has to be cleaned up between them.
 */

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as plain } from "vitest";

import { createApplication, type Application } from "../src/application.ts";
import { mintToken } from "../src/auth/development.ts";
import { readSettings } from "../src/settings.ts";
import { createDatabase } from "./database.ts";
import { serve } from "./http.ts";

const RULES = {
  issuer: "http://localhost/development",
  audience: "service",
  tenantClaim: "tenant",
  scopeClaim: "scope",
};

export type Environment = Readonly<Record<string, string>>;

/** Makes a token that a service with the `environment` of the tests believes. */
export type Mint = (
  scopes: readonly string[],
  claims?: { tenant?: string; subject?: string },
) => Promise<string>;

/** An application, listening. */
export interface Service {
  readonly url: string;
  readonly application: Application;
  close(): Promise<void>;
}

export const test = plain
  .extend("database", { scope: "file" }, async ({}, { onCleanup }) => {
    const database = await createDatabase();
    onCleanup(() => database.drop());
    return database;
  })
  .extend("keyDirectory", { scope: "file" }, async ({}, { onCleanup }) => {
    const directory = await mkdtemp(join(tmpdir(), "keys-"));
    onCleanup(() => rm(directory, { recursive: true }));
    await mintToken(directory, RULES, { tenant: "t", subject: "s", scopes: [] });
    return directory;
  })
  .extend("environment", { scope: "file" }, ({ database, keyDirectory }): Environment => ({
    APP_ENV: "test",
    LOG_LEVEL: "error",
    DATABASE_URL: database.url,
    DATABASE_POOL_ACQUIRE_TIMEOUT_MS: "10000", // a busy machine is no overload of the service
    OIDC_ISSUER: RULES.issuer,
    OIDC_AUDIENCE: RULES.audience,
    OIDC_JWKS_URL: `file:${join(keyDirectory, "jwks.json")}`,
    RATE_LIMIT_PER_MINUTE: "0",
  }))
  .extend("service", { scope: "file" }, async ({ environment }, { onCleanup }) => {
    const service = await listen(environment);
    onCleanup(() => service.close());
    return service;
  })
  .extend("tenant", () => `tenant-${randomUUID()}`)
  .extend(
    "token",
    ({ keyDirectory, tenant }): Mint =>
      (scopes, claims) =>
        mintToken(keyDirectory, RULES, { tenant, subject: "tester", ...claims, scopes }),
  );

/** Starts an application as a process with this environment would; `served`: with other routes. */
export async function listen(
  environment: Environment,
  ...served: Parameters<typeof createApplication> extends [unknown, ...infer Rest] ? Rest : never
): Promise<Service> {
  const application = createApplication(readSettings(environment), ...served);
  await application.start();
  const server = await serve((request, response) => {
    application.listener(request, response);
  });
  return {
    url: server.url,
    application,
    async close() {
      await server.close();
      await application.close();
    },
  };
}
