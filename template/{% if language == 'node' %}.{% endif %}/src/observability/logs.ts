/** Structured logs: one JSON object a line on standard output. */

import { type DestinationStream, pino } from "pino";

import { currentRequest, type RequestContext } from "./context.ts";

export type LogLevel = keyof typeof LEVELS;

/** What a line tells besides its event. */
export type Fields = Readonly<Record<string, unknown>>;

export const REDACTED = "[redacted]";

const LEVELS = { debug: 20, info: 30, warning: 40, error: 50 } as const;
const SECRET = /authorization|cookie|password|secret|token|api_key|apikey|dsn/;
/** What lies deeper in a field is not shown. */
const MAX_DEPTH = 6;
/** When standard output takes nothing, lines beyond this are dropped rather than memory filled. */
const MAX_WAITING_BYTES = 16_777_216;

/** Writes at once: what is urgent, and what is left at the end. */
const urgent = pino.destination({ dest: 1, sync: true });
let destination = urgent;
let logger = loggerTo(urgent, "info");
let waiting = "";

/**
 * Write lines from `level` on: those below a warning without waiting for standard output, the others
 * at once, since the process may end before a write that is handed over to a thread has begun.
 */
export function configureLogs(level: LogLevel): void {
  destination = pino.destination({ dest: 1, sync: false, maxLength: MAX_WAITING_BYTES });
  logger = loggerTo({ write: collect }, level);
  process.once("exit", flush);
}

function flush(): void {
  try {
    destination.flushSync();
    sendWaiting(urgent);
  } catch {
    // Standard output is closed, or was never opened: nobody can be told.
  }
}

/** The log of the process; a line written for a request names it. */
export const log = {
  debug: (event: string, fields: Fields = {}): void => {
    write("debug", event, fields);
  },
  info: (event: string, fields: Fields = {}): void => {
    write("info", event, fields);
  },
  warning: (event: string, fields: Fields = {}): void => {
    write("warning", event, fields);
  },
  error: (event: string, fields: Fields = {}): void => {
    write("error", event, fields);
  },
};

/** One line for a request that has been answered; never its query, which may hold secrets. */
export function accessLog(request: RequestContext, seconds: number): void {
  logger.info(
    {
      method: request.method,
      path: request.path,
      route: request.route ?? null,
      operation: request.operation, // undefined: left out
      status: request.status,
      duration_ms: Math.round(seconds * 1e6) / 1e3,
      address: request.address,
      tenant: request.tenant ?? null,
      subject: request.subject ?? null,
      ...identityOf(request),
    },
    "request",
  );
}

/** Say that something the service depends on went away, and why, or that it is back. */
export function logDependency(name: string, address: string, error: string | undefined): void {
  if (error === undefined) {
    log.info(`${name} answers`, { [name]: address });
  } else {
    log.warning(`${name} away`, { [name]: address, error });
  }
}

/** The lines of one turn of the event loop share a write, which costs more than a line. */
function collect(line: string): void {
  if (waiting === "") {
    setImmediate(() => {
      sendWaiting(destination);
    });
  }
  waiting += line;
}

function sendWaiting(to: DestinationStream): void {
  if (waiting !== "") {
    to.write(waiting);
    waiting = "";
  }
}

function loggerTo(stream: DestinationStream, level: LogLevel) {
  return pino(
    {
      base: null,
      customLevels: LEVELS,
      useOnlyCustomLevels: true,
      level,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}

function write(level: LogLevel, event: string, fields: Fields): void {
  if (!logger.isLevelEnabled(level)) {
    return;
  }
  const request = currentRequest();
  const shown = redacted(fields, 0) as Fields;
  logger[level](request === undefined ? shown : { ...shown, ...identityOf(request) }, event);
  if (LEVELS[level] >= LEVELS.warning) {
    sendWaiting(urgent);
  }
}

function identityOf({ requestId, traceId, spanId }: RequestContext): Fields {
  return { request_id: requestId, trace_id: traceId, span_id: spanId }; // undefined: left out
}

/** A copy without the values of keys that sound like secrets, at any depth, as JSON can hold it. */
function redacted(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "bigint":
    case "symbol":
      return String(value);
    case "function":
      return `[function ${value.name}]`;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "object":
      break;
    default:
      return value;
  }
  if (value === null || value instanceof Date) {
    return value;
  }
  if (value instanceof Error) {
    return stackOf(value);
  }
  if (depth === MAX_DEPTH) {
    return "[...]";
  }
  if (Array.isArray(value)) {
    return value.map((item) => redacted(item, depth + 1));
  }
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    copy[key] = isSecret(key) ? REDACTED : redacted(item, depth + 1);
  }
  return copy;
}

function stackOf(error: Error): string {
  const own = error.stack ?? String(error);
  return error.cause instanceof Error ? `${own}\ncaused by: ${stackOf(error.cause)}` : own;
}

function isSecret(key: string): boolean {
  return SECRET.test(key.toLowerCase().replaceAll("-", "_"));
}
