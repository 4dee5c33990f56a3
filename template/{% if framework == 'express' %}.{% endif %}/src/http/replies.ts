/** Replies as values, and how they are sent. */

import type { IncomingHttpHeaders, ServerResponse } from "node:http";

import { checkMatch, entityTag, isNotModified } from "./preconditions.ts";

const REVALIDATE = "private, no-cache";

/** What a handler answers; a reply without a body is 304. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A JSON document; it is not kept by anybody. */
export function json(document: object): Reply {
  return {
    status: 200,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(document),
  };
}

/** A resource in its present version; a cache may keep it for this caller and has to ask again. */
export function versioned(document: { readonly version: number }): Reply {
  const etag = entityTag(document.version);
  return {
    status: 200,
    headers: { ETag: etag, "Cache-Control": REVALIDATE, "Content-Type": "application/json" },
    body: JSON.stringify(document),
  };
}

/**
 * The reply to a conditional GET: the resource, or 304 when the caller has it already.
 *
 * @throws Problem 412, see `checkMatch`.
 */
export function readVersioned(
  headers: IncomingHttpHeaders,
  document: { readonly version: number },
): Reply {
  const etag = entityTag(document.version);
  checkMatch(headers, etag);
  if (isNotModified(headers, etag)) {
    return { status: 304, headers: { ETag: etag, "Cache-Control": REVALIDATE } };
  }
  return versioned(document);
}

/** Answer, unless the request has an answer already. */
export function sendReply(response: ServerResponse, reply: Reply): void {
  if (response.headersSent) {
    return;
  }
  const { status, headers, body } = reply;
  if (body === undefined) {
    response.writeHead(status, headers).end();
  } else {
    response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) }).end(body);
  }
}
