/** Errors as problems: one table of kinds, one place that makes replies of them. */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

import { InvalidToken } from "../auth/principal.ts";
import { asUnavailable } from "../database/errors.ts";
import {
  Conflict,
  InvalidReference,
  InvalidTransition,
  NotFound,
  Unavailable,
} from "../domain/errors.ts";
import type { RequestContext } from "../observability/context.ts";
import { log } from "../observability/logs.ts";
import { refusalOf } from "./refusals.ts";

// A body of wrong names alone would otherwise be answered by one ten times as large.
export const MAX_FIELD_ERRORS = 100;
/** RFC 6750, section 3; the name of a claim may be any text. */
const NOT_IN_A_DESCRIPTION = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;
// A longer body that nobody will read costs more than a new connection.
const MAX_DISCARDED_BYTES = 65_536;

/** What is wrong with one field: `pointer` leads into the body, `parameter` names a query one. */
export interface FieldError {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly code: string;
  readonly message: string;
}

/** A kind of error; `slug` is its stable name. */
export interface ProblemType {
  readonly slug: string;
  readonly status: number;
  readonly title: string;
}

export const BAD_REQUEST = problemType("bad-request", 400, "The request is malformed");
export const IDEMPOTENCY_KEY_MISSING = problemType(
  "idempotency-key-missing",
  400,
  "An Idempotency-Key header is required",
);
export const UNAUTHORIZED = problemType("unauthorized", 401, "A valid bearer token is required");
export const FORBIDDEN = problemType("forbidden", 403, "The token does not permit this");
export const NOT_FOUND = problemType("not-found", 404, "There is nothing here");
export const METHOD_NOT_ALLOWED = problemType(
  "method-not-allowed",
  405,
  "The method is not allowed here",
);
export const CONFLICT = problemType("conflict", 409, "The change conflicts with what is stored");
export const INVALID_TRANSITION = problemType(
  "invalid-transition",
  409,
  "The state does not permit this change",
);
export const IDEMPOTENCY_IN_PROGRESS = problemType(
  "idempotency-in-progress",
  409,
  "A request with this Idempotency-Key is being processed",
);
export const PRECONDITION_FAILED = problemType(
  "precondition-failed",
  412,
  "The resource has changed",
);
export const PAYLOAD_TOO_LARGE = problemType(
  "payload-too-large",
  413,
  "The request body is too large",
);
export const UNSUPPORTED_MEDIA_TYPE = problemType(
  "unsupported-media-type",
  415,
  "The body's media type is not supported",
);
export const VALIDATION = problemType("validation", 422, "The request is well-formed but invalid");
export const IDEMPOTENCY_KEY_REUSED = problemType(
  "idempotency-key-reused",
  422,
  "The Idempotency-Key belongs to another request",
);
export const PRECONDITION_REQUIRED = problemType(
  "precondition-required",
  428,
  "An If-Match header is required",
);
export const RATE_LIMITED = problemType("rate-limited", 429, "Too many requests");
export const INTERNAL = problemType("internal", 500, "Something went wrong");
export const UNAVAILABLE = problemType("unavailable", 503, "The service is not available now");
export const TIMEOUT = problemType("timeout", 504, "The request took too long");

/** What a problem has besides its kind and detail. */
export interface ProblemExtras extends ErrorOptions {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal that only makes sense in HTTP; thrown anywhere in the HTTP layers. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly kind: ProblemType;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: ProblemType, detail: string, extras: ProblemExtras = {}) {
    const { errors = [], headers = {}, ...options } = extras;
    super(detail, options);
    this.kind = kind;
    this.errors = errors;
    this.headers = headers;
  }

  /** The sentence for the caller. */
  get detail(): string {
    return this.message;
  }
}

/** What a refused request is answered; `headers` are those of the request. */
export type Refuse = (
  problem: Problem,
  context: RequestContext | undefined,
  headers: IncomingHttpHeaders,
) => { mediaType: string; document: object };

/** A query parameter that cannot be used. */
export function badParameter(name: string, code: string, message: string): Problem {
  return new Problem(BAD_REQUEST, `The query parameter '${name}' cannot be used.`, {
    errors: [{ parameter: name, code, message }],
  });
}

/** The problem that an error amounts to; what nobody foresaw is logged and called internal. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) {
    return error;
  }
  if (error instanceof NotFound) {
    return new Problem(NOT_FOUND, error.message);
  }
  if (error instanceof Conflict) {
    return new Problem(CONFLICT, error.message);
  }
  if (error instanceof InvalidTransition) {
    return new Problem(INVALID_TRANSITION, error.message);
  }
  if (error instanceof InvalidReference) {
    const { field, message } = error;
    return new Problem(VALIDATION, "The body names something unknown.", {
      errors: [{ pointer: `/${field}`, code: "unknown-reference", message }],
    });
  }
  if (error instanceof InvalidToken) {
    const description = error.message.replace(NOT_IN_A_DESCRIPTION, "?");
    const challenge = `Bearer error="invalid_token", error_description="${description}"`;
    return new Problem(UNAUTHORIZED, `The bearer token was refused: ${error.message}.`, {
      headers: { "WWW-Authenticate": challenge },
    });
  }
  if (error instanceof Unavailable) {
    return new Problem(UNAVAILABLE, error.message, {
      headers: { "Retry-After": String(error.retryAfter) },
    });
  }
  const unavailable = asUnavailable(error);
  if (unavailable !== undefined) {
    log.warning("dependency unavailable", { error: String(error) });
    return problemOf(unavailable);
  }
  log.error("unhandled exception", { error });
  return new Problem(INTERNAL, "An unexpected error occurred; the request id leads to its cause.");
}

/** Answer with a problem, unless the request has an answer already. */
export function sendProblem(
  response: ServerResponse,
  problem: Problem,
  context: RequestContext | undefined,
): void {
  if (response.headersSent) {
    return;
  }
  if (isLongUnread(response.req)) {
    response.shouldKeepAlive = false;
  }
  const { mediaType, document } = refusalOf(problem, context, response.req.headers);
  const body = JSON.stringify(document);
  response
    .writeHead(problem.kind.status, {
      ...problem.headers,
      "Content-Type": mediaType,
      "Content-Length": Buffer.byteLength(body),
    })
    .end(body);
}

/** Whether a long body is still to come; Node reads the rest of a short one, and throws it away. */
function isLongUnread({ complete, headers }: IncomingMessage): boolean {
  return (
    !complete &&
    (headers["transfer-encoding"] !== undefined ||
      Number(headers["content-length"] ?? 0) > MAX_DISCARDED_BYTES)
  );
}

/** RFC 6901. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path
    .map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}

function problemType(slug: string, status: number, title: string): ProblemType {
  return { slug, status, title };
}
