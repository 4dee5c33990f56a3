/** The outermost layer: gives a request its identity, and every reply its common headers. */

import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener } from "node:http";

import { type RequestContext, runInContext } from "../observability/context.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** Is told of each request that has been answered, and its duration in seconds. */
export type Observer = (request: RequestContext, seconds: number) => void;

export interface EdgeOptions {
  readonly lifecycle: Lifecycle;
  readonly observers?: readonly Observer[];
  /**
   * How many proxies of our own stand before us. Each appends the address it saw to
   * X-Forwarded-For; what is further left was written by the caller.
   */
  readonly trustProxyHops?: number;
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
/** More than any address has; whoever is not behind all those proxies may have written more. */
const MAX_ADDRESS_LENGTH = 64;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/** Surround `next`, which answers; whatever makes the reply, it has these headers. */
export function edge(
  next: RequestListener,
  { lifecycle, observers = [], trustProxyHops = 0 }: EdgeOptions,
): RequestListener {
  return (request, response) => {
    const context = identify(request, trustProxyHops);
    response.setHeader("X-Request-Id", context.requestId);
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-store"); // a handler that knows better replaces it
    if (context.secure) {
      response.setHeader("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
    }
    if (lifecycle.draining) {
      response.setHeader("Connection", "close");
    }
    response.on("close", () => {
      context.status = response.headersSent ? response.statusCode : 0;
      const seconds = (performance.now() - context.started) / 1000;
      for (const observe of observers) {
        observe(context, seconds);
      }
    });
    runInContext(context, request, next, response);
  };
}

function identify(request: IncomingMessage, trustProxyHops: number): RequestContext {
  const { headers, method = "", socket, url = "" } = request;
  const given = headers["x-request-id"];
  const forwardedFor = headers["x-forwarded-for"];
  const forwardedProto = headers["x-forwarded-proto"];
  const trusting = trustProxyHops > 0;
  return {
    requestId: typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID(),
    method,
    path: pathOf(url),
    started: performance.now(),
    address:
      trusting && forwardedFor !== undefined
        ? forwardedAddress(String(forwardedFor), trustProxyHops)
        : (socket.remoteAddress ?? ""),
    secure: trusting && forwardedProto !== undefined && lastOf(String(forwardedProto)) === "https",
    traceId: traceOf(headers["traceparent"]),
    spanId: undefined,
    route: undefined,
    status: 0,
    tenant: undefined,
    subject: undefined,
    givenUp: false,
  };
}

/** The path of a request's target, which is a whole URL when the caller takes us for a proxy. */
function pathOf(target: string): string {
  const path = target.startsWith("/")
    ? target
    : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
  const query = path.indexOf("?");
  return query < 0 ? path : path.slice(0, query);
}

/** The address that the outermost of `hops` trusted proxies saw. */
function forwardedAddress(forwardedFor: string, hops: number): string {
  const addresses = forwardedFor.split(",");
  const address = addresses[Math.max(addresses.length - hops, 0)]?.trim() ?? "";
  // A copy: V8 keeps a whole header for the sake of a part of it, and the rate limit keeps addresses.
  return Buffer.from(address.slice(0, MAX_ADDRESS_LENGTH), "latin1").toString("latin1");
}

function lastOf(list: string): string {
  return list
    .slice(list.lastIndexOf(",") + 1)
    .trim()
    .toLowerCase();
}

function traceOf(traceparent: string | string[] | undefined): string | undefined {
  return typeof traceparent === "string" ? TRACEPARENT.exec(traceparent)?.[1] : undefined;
}
