/** Prometheus metrics: rate, errors and duration for each route, and the state of the pool. */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

import type { Database } from "../database/database.ts";
import type { RequestContext } from "./context.ts";

export const UNKNOWN_ROUTE = "unmatched";

const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const REQUEST_LABELS = ["method", "route", "status"] as const;

/** All metrics of one process, in a registry of their own. */
export class Metrics {
  readonly registry = new Registry();
  readonly #durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time from the request's head to the end of its reply, by route template.",
    labelNames: REQUEST_LABELS,
    buckets: DURATION_BUCKETS_S,
    registers: [this.registry],
  });
  readonly #requests = new Counter({
    name: "http_requests_total",
    help: "Requests answered, by route template.",
    labelNames: REQUEST_LABELS,
    registers: [this.registry],
  });
  readonly rateLimited = new Counter({
    name: "rate_limited_requests_total",
    help: "Requests refused by the rate limit.",
    labelNames: ["by"],
    registers: [this.registry],
  });
  readonly limiterFailures = new Counter({
    name: "rate_limiter_failures_total",
    help: "Requests let through since the rate limiter itself did not answer.",
    registers: [this.registry],
  });
  readonly idempotentReplays = new Counter({
    name: "idempotent_replays_total",
    help: "Writes answered with the reply stored for their Idempotency-Key.",
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Show the pool's gauges whenever the metrics are read. */
  observeDatabase(database: Database): void {
    const { pool, settings } = database;
    new Gauge({
      name: "database_pool_connections",
      help: "Open connections of the pool.",
      labelNames: ["state"],
      registers: [this.registry],
      collect() {
        this.set({ state: "in_use" }, pool.totalCount - pool.idleCount);
        this.set({ state: "idle" }, pool.idleCount);
      },
    });
    new Gauge({
      name: "database_pool_max_connections",
      help: "Most connections that the pool may open (DATABASE_POOL_MAX).",
      registers: [this.registry],
    }).set(settings.maxConnections);
  }

  /** Count a request that has been answered. */
  readonly observeRequest = (request: RequestContext, seconds: number): void => {
    const labels = {
      // A client may invent methods without end.
      method: METHODS.has(request.method) ? request.method : "other",
      route: request.route ?? UNKNOWN_ROUTE,
      status: request.status ?? 0,
    };
    this.#requests.inc(labels);
    this.#durations.observe(labels, seconds);
  };

  /** The text that Prometheus scrapes. */
  async text(): Promise<string> {
    const text = await this.registry.metrics();
    return text.replaceAll(/ Nan$/gm, " NaN"); // the format's own spelling
  }

  /** Of `text`. */
  get contentType(): string {
    return this.registry.contentType;
  }
}
