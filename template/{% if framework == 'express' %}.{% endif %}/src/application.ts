/** The composition: which parts there are, and in which order they surround a request. */

import type { RequestListener } from "node:http";

import express from "express";

import { FileKeySource, HttpKeySource, KeySet, type KeySource } from "./auth/keys.ts";
import { TokenVerifier } from "./auth/tokens.ts";
import { Database } from "./database/database.ts";
import { DatabaseProbe } from "./database/probe.ts";
import { parseDatabaseUrl } from "./database/url.ts";
import { Admission } from "./http/admission.ts";
import { cors } from "./http/cors.ts";
import { edge } from "./http/edge.ts";
import { fail, failsafe } from "./http/failsafe.ts";
import { IdempotentWrites } from "./http/idempotency.ts";
import { Lifecycle } from "./http/lifecycle.ts";
import type { Parts } from "./http/parts.ts";
import { NOT_FOUND, Problem } from "./http/problems.ts";
import { mountRoutes, type Route } from "./http/route.ts";
import { type Maintenance, startMaintenance } from "./maintenance.ts";
import { currentRequest } from "./observability/context.ts";
import { accessLog, logDatabase } from "./observability/logs.ts";
import { Metrics } from "./observability/metrics.ts";
import type { Tracing } from "./observability/tracing.ts";
import { LocalRateLimiter } from "./rate-limit.ts";
import { documentationOf } from "./routes/documentation.ts";
import { routes } from "./routes/index.ts";
import type { Settings } from "./settings.ts";

/** Surrounds a listener with another one. */
type Layer = (next: RequestListener) => RequestListener;

/** The application as it runs in production; nothing in it connects before `start`. */
export function createApplication(
  settings: Settings,
  served: readonly Route[] = routes,
): Application {
  return new Application(settings, served);
}

/** An API inside its layers, and the long-lived parts that they use. */
export class Application {
  readonly lifecycle = new Lifecycle();
  readonly metrics = new Metrics();
  readonly parts: Parts;
  /** Answers every request. */
  listener: RequestListener;

  readonly #settings: Settings;
  readonly #keys: KeySet;
  readonly #api: RequestListener;
  #maintenance: Maintenance | undefined;
  #tracing: Tracing | undefined;

  constructor(settings: Settings, served: readonly Route[]) {
    this.#settings = settings;
    this.#keys = new KeySet(keySource(settings), { refuseDevelopmentKeys: settings.production });
    this.parts = this.#createParts();
    this.#api = createApi(this.parts, served, { docs: !settings.production });
    this.listener = this.#surround();
  }

  /** Start what runs beside the requests. */
  async start(): Promise<void> {
    if (this.#settings.otelExporterOtlpEndpoint !== undefined) {
      const { Tracing } = await import("./observability/tracing.ts"); // costs half a second
      this.#tracing = new Tracing(this.parts.database, this.#settings.otelServiceName);
      this.listener = this.#surround(this.#tracing.surround);
    }
    this.#keys.refreshSoon();
    this.parts.probe.start();
    this.#maintenance = startMaintenance(this.parts.database);
  }

  /** Stop it, and close all connections. */
  async close(): Promise<void> {
    await this.#maintenance?.stop();
    await this.parts.probe.stop();
    await this.parts.database.close();
    await this.#tracing?.stop();
  }

  #createParts(): Parts {
    const settings = this.#settings;
    const address = parseDatabaseUrl(settings.databaseUrl);
    const pool = {
      maxConnections: settings.databasePoolMax,
      acquireTimeoutMs: settings.databasePoolAcquireTimeoutMs,
      statementTimeoutMs: settings.databaseStatementTimeoutMs,
      pooled: settings.databasePooled || address.pooled,
    };
    const database = new Database(address, pool, () => currentRequest()?.givenUp === true);
    this.metrics.observeDatabase(database);
    const verifier = new TokenVerifier(this.#keys, {
      issuer: settings.oidcIssuer,
      audience: settings.oidcAudience,
      tenantClaim: settings.tenantClaim,
      scopeClaim: settings.scopeClaim,
    });
    const perMinute = settings.rateLimitPerMinute;
    const limiter = perMinute === 0 ? undefined : new LocalRateLimiter(perMinute);
    return {
      lifecycle: this.lifecycle,
      probe: new DatabaseProbe(address, {
        onChange: (error) => {
          logDatabase(String(address), error);
        },
      }),
      database,
      writes: new IdempotentWrites(database, this.metrics),
      admission: new Admission(verifier, limiter, this.metrics),
      bodyLimit: settings.bodyLimitBytes,
      healthDetails: !settings.production,
    };
  }

  /** The API in its layers, the innermost first. */
  #surround(tracing?: Layer): RequestListener {
    const settings = this.#settings;
    const logging = settings.logLevel === "debug" || settings.logLevel === "info";
    let listener = failsafe(this.#api, { timeoutMs: settings.requestTimeoutMs });
    if (settings.corsAllowedOrigins.length > 0) {
      listener = cors(listener, settings.corsAllowedOrigins);
    }
    if (tracing !== undefined) {
      listener = tracing(listener);
    }
    return edge(listener, {
      lifecycle: this.lifecycle,
      observers: [this.metrics.observeRequest, ...(logging ? [accessLog] : [])],
      trustProxyHops: settings.trustProxyHops,
    });
  }
}

/** The routes, and an answer for what matches none or is refused by the framework itself. */
function createApi(
  parts: Parts,
  served: readonly Route[],
  { docs }: { docs: boolean },
): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag"); // made from versions
  app.disable("query parser"); // queries are read strictly, by their schemas
  app.enable("case sensitive routing");
  app.enable("strict routing");
  mountRoutes(app, [...served, ...documentationOf(served, { page: docs })], parts);
  return (request, response) => {
    app(request as express.Request, response as express.Response, (error: unknown) => {
      fail(request, response, isNotFound(error) ? nothingHere() : error);
    });
  };
}

/** No route matches, or the path holds what is no percent-encoding (of Express's own errors). */
function isNotFound(error: unknown): boolean {
  return error === undefined || error === null || error instanceof URIError;
}

function nothingHere(): Problem {
  return new Problem(NOT_FOUND, "There is no such path.");
}

function keySource({ oidcIssuer, oidcJwksUrl }: Settings): KeySource {
  return oidcJwksUrl?.startsWith("file:") === true
    ? new FileKeySource(oidcJwksUrl)
    : new HttpKeySource(oidcIssuer, oidcJwksUrl);
}
