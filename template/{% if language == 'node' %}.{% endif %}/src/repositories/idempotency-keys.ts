/** Rows of `idempotency_keys`: which write a key stands for, and the reply it got. */

import { hash } from "node:crypto";

import type { Transaction } from "../database/database.ts";

const KEPT_FOR = "24 hours";

/** Within which a key is unique; `tenant` first, as everywhere. */
export interface KeyScope {
  readonly tenant: string;
  readonly subject: string;
  readonly method: string;
  readonly route: string;
  readonly key: string;
}

/** The reply to the first request, and the hash of the body that it had. */
export interface StoredReply {
  readonly requestHash: Uint8Array<ArrayBuffer>;
  readonly status: number;
  readonly contentType: string;
  readonly location: string | null;
  readonly etag: string | null;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Take the key for this transaction and store the reply with it.
 *
 * @returns "taken": the key is ours, if the transaction commits.
 *   "in progress": another transaction has it, and may yet roll back.
 *   a stored reply: the key was taken earlier, and this is what was answered.
 */
export async function claim(
  tx: Transaction,
  scope: KeyScope,
  reply: StoredReply,
): Promise<"taken" | "in progress" | StoredReply> {
  const { tenant, subject, method, route, key } = scope;
  // One statement takes the lock of the key, for this transaction, and stores the reply. Without the
  // lock, or when the key is taken already, it does nothing; an expired key is taken over.
  const claimed = await tx.$executeRaw`
    insert into idempotency_keys as held
      (tenant_id, subject, method, route, key,
       request_hash, status, content_type, location, etag, body, expires_at)
    select
      ${tenant}, ${subject}, ${method}, ${route}, ${key},
      ${reply.requestHash}, ${reply.status}::smallint, ${reply.contentType},
      ${reply.location}, ${reply.etag}, ${reply.body}, now() + ${KEPT_FOR}::interval
     where pg_try_advisory_xact_lock(${lockNumber(scope)})
    on conflict (tenant_id, subject, method, route, key) do update
      set request_hash = excluded.request_hash, status = excluded.status,
          content_type = excluded.content_type, location = excluded.location,
          etag = excluded.etag, body = excluded.body, created_at = now(),
          expires_at = excluded.expires_at
      where held.expires_at <= now()`;
  if (claimed === 1) {
    return "taken";
  }
  // The server's clock decides here too: by that of this process a key could be both held and gone.
  const [stored] = await tx.$queryRaw<StoredReply[]>`
    select request_hash as "requestHash", status, content_type as "contentType",
           location, etag, body
      from idempotency_keys
     where tenant_id = ${tenant} and subject = ${subject} and method = ${method}
       and route = ${route} and key = ${key} and expires_at > now()`;
  return stored ?? "in progress";
}

/** Delete at most `batch` expired keys; how many. Several replicas may do so at once. */
export async function deleteExpired(tx: Transaction, batch: number): Promise<number> {
  return tx.$executeRaw`
    delete from idempotency_keys
     where ctid = any(array(
       select ctid from idempotency_keys
        where expires_at <= now()
        order by expires_at
        limit ${batch}
          for update skip locked))`;
}

/** The advisory lock of a key: 64 bits, so that two keys practically never share one. */
function lockNumber({ tenant, subject, method, route, key }: KeyScope): bigint {
  const named = [tenant, subject, method, route, key].join("\0");
  return hash("sha256", named, "buffer").readBigInt64BE();
}
