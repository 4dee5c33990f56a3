/** What a database error means: who was refused, and whether trying again may help. */

import { Unavailable } from "../domain/errors.ts";

/**
 * Prisma's codes for a server that cannot be reached or has closed the connection
 * (https://www.prisma.io/docs/orm/reference/error-reference), and of a pool without a free one.
 */
const PRISMA_AWAY = new Set(["P1001", "P1002", "P1008", "P1011", "P1017", "P2037"]);
/** What the adapter calls the same (a statement of one's own fails with P2010, whatever the cause). */
const ADAPTER_AWAY = new Set([
  "ConnectionClosed",
  "DatabaseNotReachable",
  "SocketTimeout",
  "TooManyConnections",
]);
const PRISMA_TRANSACTION = "P2028";
const PRISMA_POOL_TIMEOUT = "P2024";

/** SQLSTATE of a server that starts, stops, or has too many connections; and class 08. */
const SQLSTATE_AWAY = /^(?:08...|57P0[1-5]|53300|25P03)$/;
const SQLSTATE_TOO_SLOW = "57014";
/** lock_not_available, deadlock_detected, serialization_failure. */
const SQLSTATE_LOCKED = new Set<unknown>(["55P03", "40P01", "40001"]);

/** Errors of a socket; not every one of the system's: a file that is missing is no outage. */
const SOCKET_AWAY = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

/** What node-postgres says without any code. */
const POOL_TIMEOUT = "timeout exceeded when trying to connect";
const DRIVER_AWAY =
  /^(?:Connection terminated|timeout expired|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end)/;

/** The members that errors of the driver, of its adapter and of Prisma's client have, if any. */
interface ErrorParts {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly meta?: { readonly driverAdapterError?: { readonly cause?: DriverCause } };
}

interface DriverCause {
  readonly code?: string;
  readonly originalCode?: string;
  readonly kind?: string;
  readonly constraint?: { readonly index?: string };
  detail?: string | undefined;
}

/** The name of the constraint or unique index that refused a row. */
export function violatedConstraint(error: unknown): string | undefined {
  return driverCause(error)?.constraint?.index;
}

/** The passing condition behind an error, or undefined when it is a bug or a refused statement. */
export function asUnavailable(error: unknown): Unavailable | undefined {
  if (!(error instanceof Error)) {
    return undefined;
  }
  const { code, message } = error as ErrorParts & Error;
  const { kind, ...driver } = driverCause(error) ?? {};
  const state = driver.originalCode ?? driver.code ?? code;
  const cause = { cause: error };
  if (message.includes(POOL_TIMEOUT) || code === PRISMA_POOL_TIMEOUT) {
    return new Unavailable("All database connections are in use.", cause);
  }
  if (state === SQLSTATE_TOO_SLOW || code === PRISMA_TRANSACTION) {
    return new Unavailable("The database took too long to answer.", cause);
  }
  if (SQLSTATE_LOCKED.has(state)) {
    return new Unavailable("Another request holds the data that this one needs.", cause);
  }
  const away =
    (typeof code === "string" && (PRISMA_AWAY.has(code) || SOCKET_AWAY.has(code))) ||
    (kind !== undefined && ADAPTER_AWAY.has(kind)) ||
    (typeof state === "string" && SQLSTATE_AWAY.test(state)) ||
    DRIVER_AWAY.test(message);
  return away
    ? new Unavailable("The database is not available.", { retryAfter: 2, ...cause })
    : undefined;
}

/** The same error without the row that the server quotes in DETAIL: it ends in the log. */
export function forgetValues(error: unknown): unknown {
  const cause = driverCause(error);
  if (cause?.detail !== undefined) {
    cause.detail = undefined;
  }
  return error;
}

function driverCause(error: unknown): DriverCause | undefined {
  return (error as ErrorParts | undefined)?.meta?.driverAdapterError?.cause;
}
