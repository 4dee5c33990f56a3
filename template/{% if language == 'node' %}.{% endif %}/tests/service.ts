/**
 * What tests start from: a database of their own, an application that listens on it, and tokens
 * that it believes. Tests of one file share the database: each takes a tenant of its own, so nothing
 * has to be cleaned up between them.
 */

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as plain } from "vitest";

import { createApplication, type Application } from "../src/application.ts";
import { mintToken } from "../src/auth/development.ts";
import { readSettings } from "../src/settings.ts";
import { createDatabase } from "./database.ts";

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
  .extend("databaseUrl", { scope: "file" }, async ({}, { onCleanup }) => {
    const database = await createDatabase();
    onCleanup(() => database.drop());
    return database.url;
  })
  .extend("keyDirectory", { scope: "file" }, async ({}, { onCleanup }) => {
    const directory = await mkdtemp(join(tmpdir(), "keys-"));
    onCleanup(() => rm(directory, { recursive: true }));
    await mintToken(directory, RULES, { tenant: "t", subject: "s", scopes: [] });
    return directory;
  })
  .extend("environment", { scope: "file" }, ({ databaseUrl, keyDirectory }): Environment => ({
    APP_ENV: "test",
    LOG_LEVEL: "error",
    DATABASE_URL: databaseUrl,
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

/** Starts an application as a process with this environment would. */
export async function listen(environment: Environment): Promise<Service> {
  const application = createApplication(readSettings(environment));
  await application.start();
  const server = createServer((request, response) => {
    application.listener(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    application,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await application.close();
    },
  };
}

/** A reply, read to its end. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it stands when it is text, else as JSON. */
  readonly body?: unknown;
}

/** Sends one request over HTTP; a redirect would be a reply like any other. */
export async function send(method: string, url: string, sent: Sent = {}): Promise<Reply> {
  const headers = new Headers(sent.headers);
  let body: string | null = null;
  if (typeof sent.body === "string") body = sent.body;
  else if (sent.body !== undefined) {
    body = JSON.stringify(sent.body);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
  }
  const reply = await fetch(url, { method, headers, body, redirect: "manual" });
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}

/** What an error reply says (RFC 9457). */
export interface ProblemDocument {
  readonly type: string;
  readonly status: number;
  readonly instance: string;
  readonly requestId: string;
  readonly errors?: readonly { pointer?: string; parameter?: string; code: string }[];
}

export function problemIn(reply: Reply): ProblemDocument {
  return JSON.parse(reply.text) as ProblemDocument;
}
