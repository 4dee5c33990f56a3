/** Writes with a key of the caller's: one that is sent twice happens once. */

import { setTimeout as sleep } from "node:timers/promises";

import type { Database, Transaction } from "../database/database.ts";
import type { Metrics } from "../observability/metrics.ts";
import { claim, type KeyScope, type StoredReply } from "../repositories/idempotency-keys.ts";

/** What can be a key. */
export const KEY = /^[\x21-\x7e]{1,255}$/;

const PATIENCE_MS = 1_000;
const POLL_MS = 50;

/** The reply to the first request with a key, and whether this was another one. */
export interface Written {
  readonly reply: StoredReply;
  readonly replayed: boolean;
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
   * @returns "reused": the key belongs to another request; "in progress": its twin takes long.
   */
  async once(
    scope: KeyScope,
    reply: StoredReply,
    write: (tx: Transaction) => Promise<void>,
  ): Promise<Written | "reused" | "in progress"> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const claimed = await this.#database.transaction(async (tx) => {
        const outcome = await claim(tx, scope, reply);
        if (outcome === "taken") {
          await write(tx);
        }
        return outcome;
      });
      if (claimed === "taken") {
        return { reply, replayed: false };
      }
      if (claimed !== "in progress") {
        if (Buffer.compare(claimed.requestHash, reply.requestHash) !== 0) {
          return "reused";
        }
        this.#metrics.idempotentReplays.inc();
        return { reply: claimed, replayed: true };
      }
      if (performance.now() >= deadline) {
        return "in progress";
      }
      await sleep(POLL_MS); // with no connection held
    }
  }
}
