/** Idempotency-Key: a write that is sent twice happens once and is answered alike. */

import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import type { Principal } from "../auth/principal.ts";
import type { Transaction } from "../database/database.ts";
import type { StoredReply } from "../repositories/idempotency-keys.ts";
import * as writes from "../services/idempotent-writes.ts";
import { canonicalJson } from "./json-body.ts";
import type { HeaderParameter } from "./openapi.ts";
import { entityTag } from "./preconditions.ts";
import {
  IDEMPOTENCY_IN_PROGRESS,
  IDEMPOTENCY_KEY_MISSING,
  IDEMPOTENCY_KEY_REUSED,
  Problem,
} from "./problems.ts";
import type { Reply } from "./replies.ts";

/** A route that is `idempotent` demands this header. */
export const IDEMPOTENCY_KEY: HeaderParameter = {
  name: "Idempotency-Key",
  required: true,
  description:
    "Chosen by the caller, unique for each write. A repetition with the same key and body gets" +
    " the first reply again, for 24 hours.",
  schema: {
    type: "string",
    minLength: 1,
    maxLength: 255,
    pattern: String.raw`^[\x21-\x7e]+$`,
  },
};

/** What of a request decides whether it repeats an earlier one. */
export interface KeyedRequest {
  readonly method: string;
  /** The path template. */
  readonly route: string;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Principal;
  /** What stands in the path for its names; undefined when it has none. */
  readonly params: unknown;
  /** The body as it was sent, decoded. */
  readonly json: unknown;
}

/** The reply to a successful creation, known before it is carried out. */
export interface Created {
  readonly location: string;
  readonly document: { readonly version: number };
}

/** Carries out creations with their key in the same transaction. */
export class IdempotentWrites extends writes.IdempotentWrites {
  /**
   * Carry out `write` and store the reply, or give the reply that is stored already.
   *
   * @throws Problem the key belongs to another write (422), or to a twin that takes long (409).
   */
  async create(
    request: KeyedRequest,
    created: Created,
    write: (tx: Transaction) => Promise<void>,
  ): Promise<Reply> {
    const { caller, method, route } = request;
    const key = idempotencyKey(request.headers);
    const scope = { tenant: caller.tenant, subject: caller.subject, method, route, key };
    const written = await this.once(scope, firstReply(request, created), write);
    switch (written) {
      case "in progress":
        throw new Problem(
          IDEMPOTENCY_IN_PROGRESS,
          "The first request with this key is still at work.",
          { headers: { "Retry-After": "1" } },
        );
      case "reused":
        throw new Problem(
          IDEMPOTENCY_KEY_REUSED,
          "This key was used for another write; take a new key for a new one.",
        );
      default:
        return replyOf(written);
    }
  }
}

/**
 * The key of a request, exactly as it was sent.
 *
 * @throws Problem 400 when it is missing or malformed.
 */
export function idempotencyKey(headers: IncomingHttpHeaders): string {
  // Node joins repeated headers with ", ", and a key has no space.
  const key = headers["idempotency-key"];
  if (typeof key !== "string" || !writes.KEY.test(key)) {
    throw new Problem(
      IDEMPOTENCY_KEY_MISSING,
      "Send one Idempotency-Key header of 1 to 255 visible ASCII characters.",
    );
  }
  return key;
}

function firstReply(request: KeyedRequest, { location, document }: Created): StoredReply {
  const { params, json } = request;
  // The same body elsewhere is another write.
  const written = params === undefined ? json : [params, json];
  return {
    requestHash: hash("sha256", canonicalJson(written), "buffer"),
    status: 201,
    contentType: "application/json",
    location,
    etag: entityTag(document.version),
    body: Buffer.from(JSON.stringify(document)),
  };
}

function replyOf({ reply, replayed }: writes.Written): Reply {
  const { status, contentType, location, etag, body } = reply;
  return {
    status,
    headers: {
      "Content-Type": contentType,
      ...(location !== null && { Location: location }),
      ...(etag !== null && { ETag: etag }),
      ...(replayed && { "Idempotency-Replayed": "true" }),
    },
    body,
  };
}
