/** Cross-origin requests of the origins in CORS_ALLOWED_ORIGINS. */

import type { RequestListener } from "node:http";

import { contextOf } from "../observability/context.ts";
import { BAD_REQUEST, Problem, sendProblem } from "./problems.ts";

const METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"];
const REQUEST_HEADERS = [
  "Accept",
  "Accept-Language",
  "Authorization",
  "Content-Language",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Traceparent",
  "X-Request-Id",
];
const EXPOSED_HEADERS = ["ETag", "Idempotency-Replayed", "Location", "Retry-After", "X-Request-Id"];
const MAX_AGE_S = 600;

const knownHeaders = new Set(REQUEST_HEADERS.map((name) => name.toLowerCase()));

/** Surround `next`: answers browsers that ask beforehand, and says who may read a reply. */
export function cors(next: RequestListener, origins: readonly string[]): RequestListener {
  const allowed = new Set(origins);
  return (request, response) => {
    const { origin } = request.headers;
    response.setHeader("Vary", "Origin");
    const isAllowed = origin !== undefined && allowed.has(origin);
    if (isAllowed) {
      response.setHeader("Access-Control-Allow-Origin", origin);
    }
    const method = request.headers["access-control-request-method"];
    if (origin === undefined || method === undefined || request.method !== "OPTIONS") {
      if (isAllowed) {
        response.setHeader("Access-Control-Expose-Headers", EXPOSED_HEADERS.join(", "));
      }
      next(request, response);
      return;
    }
    const faults = [
      ...(isAllowed ? [] : ["origin"]),
      ...(METHODS.includes(method) ? [] : ["method"]),
      ...(asksForUnknown(request.headers["access-control-request-headers"]) ? ["headers"] : []),
    ];
    if (faults.length > 0) {
      const problem = new Problem(BAD_REQUEST, `Disallowed CORS ${faults.join(", ")}`);
      sendProblem(response, problem, contextOf(request));
      return;
    }
    response.setHeader("Access-Control-Allow-Methods", METHODS.join(", "));
    response.setHeader("Access-Control-Allow-Headers", REQUEST_HEADERS.join(", "));
    response.setHeader("Access-Control-Max-Age", MAX_AGE_S);
    response.writeHead(204).end();
  };
}

function asksForUnknown(headers: string | string[] | undefined): boolean {
  const names = String(headers ?? "")
    .toLowerCase()
    .split(",");
  return names.some((name) => name.trim() !== "" && !knownHeaders.has(name.trim()));
}
