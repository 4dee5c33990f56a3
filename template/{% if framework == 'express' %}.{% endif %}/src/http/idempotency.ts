/** Idempotency-Key: a write that is sent twice happens once and is answered alike. */

import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { Principal } from "../auth/principal.ts";
import type { Database, Transaction } from "../database/database.ts";
import type { Metrics } from "../observability/metrics.ts";
import { claim, type KeyScope, type StoredReply } from "../repositories/idempotency-keys.ts";
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

const KEY = /^[\x21-\x7e]{1,255}$/;
const PATIENCE_MS = 1_000;
const POLL_MS = 50;

/** What of a request decides whether it repeats an earlier one. */
export interface KeyedRequest {
  readonly method: string;
  /** The path template. */
  readonly route: string;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Principal;
  /** The body as it was sent, decoded. */
  readonly json: unknown;
}

/** The reply to a successful creation, known before it is carried out. */
export interface Created {
  readonly location: string;
  readonly document: { readonly version: number };
}

/** Carries out writes with their key in the same transaction. */
export class IdempotentWrites {
  readonly #database: Database;
  readonly #metrics: Metrics;

  constructor(database: Database, metrics: Metrics) {
    this.#database = database;
    this.#metrics = metrics;
  }

  /**
   * Carry out `write` and store the reply, or give the reply that is stored already.
   *
   * The key is taken first, so `write` never runs twice: a twin that comes meanwhile waits a little
   * for the outcome. If `write` throws, nothing is stored, and a retry executes.
   *
   * @throws Problem the key belongs to another body (422), or to a twin that takes long (409).
   */
  async create(
    request: KeyedRequest,
    created: Created,
    write: (tx: Transaction) => Promise<void>,
  ): Promise<Reply> {
    const { caller, method, route } = request;
    const scope: KeyScope = {
      tenant: caller.tenant,
      subject: caller.subject,
      method,
      route,
      key: idempotencyKey(request.headers),
    };
    const first: StoredReply = {
      requestHash: hash("sha256", canonicalJson(request.json), "buffer"),
      status: 201,
      contentType: "application/json",
      location: created.location,
      etag: entityTag(created.document.version),
      body: Buffer.from(JSON.stringify(created.document)),
    };
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const claimed = await this.#database.transaction(async (tx) => {
        const outcome = await claim(tx, scope, first);
        if (outcome === "taken") {
          await write(tx);
        }
        return outcome;
      });
      if (claimed === "taken") {
        return replyOf(first);
      }
      if (claimed !== "in progress") {
        return this.#replay(claimed, first);
      }
      if (performance.now() >= deadline) {
        throw new Problem(
          IDEMPOTENCY_IN_PROGRESS,
          "The first request with this key is still at work.",
          { headers: { "Retry-After": "1" } },
        );
      }
      await sleep(POLL_MS); // with no connection held
    }
  }

  #replay(stored: StoredReply, wanted: StoredReply): Reply {
    if (Buffer.compare(stored.requestHash, wanted.requestHash) !== 0) {
      throw new Problem(
        IDEMPOTENCY_KEY_REUSED,
        "This key was used with another body; take a new key for a new write.",
      );
    }
    this.#metrics.idempotentReplays.inc();
    const reply = replyOf(stored);
    return { ...reply, headers: { ...reply.headers, "Idempotency-Replayed": "true" } };
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
  if (typeof key !== "string" || !KEY.test(key)) {
    throw new Problem(
      IDEMPOTENCY_KEY_MISSING,
      "Send one Idempotency-Key header of 1 to 255 visible ASCII characters.",
    );
  }
  return key;
}

function replyOf({ status, contentType, location, etag, body }: StoredReply): Reply {
  return {
    status,
    headers: {
      "Content-Type": contentType,
      ...(location !== null && { Location: location }),
      ...(etag !== null && { ETag: etag }),
    },
    body,
  };
}
