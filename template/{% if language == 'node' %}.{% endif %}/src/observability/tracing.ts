/** OpenTelemetry traces, only when OTEL_EXPORTER_OTLP_ENDPOINT is set; imported only then. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { RequestListener } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type pg from "pg";

import type { Database } from "../database/database.ts";
import { contextOf, type RequestContext } from "./context.ts";
import { UNKNOWN_ROUTE } from "./metrics.ts";

/** A collector that is away must not hold up the end, and the exporter retries for long. */
const STOP_TIMEOUT_MS = 2_000;

/**
 * Exports spans of requests and statements over OTLP/HTTP.
 *
 * Everything else comes from OpenTelemetry's own variables (OTEL_TRACES_SAMPLER, ...).
 */
export class Tracing {
  readonly #provider: NodeTracerProvider;
  readonly #tracer: Tracer;

  constructor(database: Database, serviceName: string) {
    this.#provider = new NodeTracerProvider({
      resource: defaultResource()
        .merge(detectResources({ detectors: [envDetector] }))
        .merge(resourceFromAttributes({ "service.name": serviceName })),
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    });
    this.#provider.register();
    this.#tracer = this.#provider.getTracer("http");
    traceStatements(database.pool, this.#provider.getTracer("database"));
  }

  /** Surround `next` with a server span for each request, a child of the caller's `traceparent`. */
  readonly surround = (next: RequestListener): RequestListener => {
    return (request, response) => {
      const current = contextOf(request);
      const parent = propagation.extract(ROOT_CONTEXT, request.headers);
      const span = this.#tracer.startSpan(current.method, { kind: SpanKind.SERVER }, parent);
      const { traceId, spanId } = span.spanContext();
      current.traceId = traceId;
      current.spanId = spanId;
      response.on("close", () => {
        endRequest(span, current, response.headersSent ? response.statusCode : 0);
      });
      context.with(trace.setSpan(parent, span), next, undefined, request, response);
    };
  };

  /** Send what is waiting, and stop. */
  async stop(): Promise<void> {
    const patience = new AbortController();
    await Promise.race([
      this.#provider.shutdown().catch(() => undefined), // logged by OpenTelemetry, if wanted
      sleep(STOP_TIMEOUT_MS, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
  }
}

function endRequest(span: Span, request: RequestContext, status: number): void {
  const route = request.route ?? UNKNOWN_ROUTE;
  span.updateName(`${request.method} ${route}`);
  span.setAttributes({
    "http.request.method": request.method,
    "http.route": route,
    "http.response.status_code": status,
    "url.path": request.path,
  });
  if (request.operation !== undefined) {
    span.setAttributes({
      "graphql.operation.type": request.operation.type,
      "graphql.operation.name": request.operation.name,
    });
  }
  if (status >= 500) {
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** A client span for each statement, with its text and never its values. */
function traceStatements(pool: pg.Pool, tracer: Tracer): void {
  // Whoever waits for a connection is called by the one who gave it back: in whose name?
  const connect = pool.connect.bind(pool) as (callback?: Callback) => unknown;
  pool.connect = ((callback?: Callback) =>
    connect(callback && AsyncLocalStorage.bind(callback))) as typeof pool.connect;

  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    const traced = (...given: unknown[]): unknown => {
      const text = textOf(given[0]);
      const span = tracer.startSpan(text.trimStart().split(/\s/, 1)[0]?.toUpperCase() ?? "", {
        kind: SpanKind.CLIENT,
        attributes: { "db.system.name": "postgresql", "db.query.text": text },
      });
      const callback = given.at(-1);
      if (typeof callback === "function") {
        return query(...given.slice(0, -1), (error: unknown, ...rest: unknown[]) => {
          endStatement(span, error);
          (callback as Callback)(error, ...rest);
        });
      }
      const result = query(...given);
      if (result instanceof Promise) {
        result.then(
          () => {
            endStatement(span);
          },
          (error: unknown) => {
            endStatement(span, error);
          },
        );
      }
      return result;
    };
    client.query = traced as typeof client.query;
  });
}

type Callback = (error: unknown, ...rest: unknown[]) => void;

function textOf(query: unknown): string {
  return typeof query === "string" ? query : String((query as { text?: unknown }).text);
}

function endStatement(span: Span, error?: unknown): void {
  if (error !== undefined && error !== null) {
    // Its message may hold values.
    const { code = "unknown" } = error as { code?: string };
    span.setAttribute("error.type", code);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
