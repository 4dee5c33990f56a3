/** What the service does by itself: deletes expired idempotency keys. */

import type { Database } from "./database/database.ts";
import { asUnavailable } from "./database/errors.ts";
import { log } from "./observability/logs.ts";
import { deleteExpired } from "./repositories/idempotency-keys.ts";

const INTERVAL_MS = 60_000;
const BATCH = 1_000;

/** Work that goes on until it is stopped. */
export interface Maintenance {
  stop(): Promise<void>;
}

/** Clean up until stopped, at slightly irregular times so that replicas do not march in step. */
export function startMaintenance(
  database: Database,
  { intervalMs = INTERVAL_MS }: { intervalMs?: number } = {},
): Maintenance {
  let timer: NodeJS.Timeout;
  let round = Promise.resolve();
  let stopped = false;
  const schedule = () => {
    timer = setTimeout(
      () => {
        round = cleanUp(database).then(() => {
          if (!stopped) {
            schedule();
          }
        });
      },
      intervalMs * (0.8 + 0.4 * Math.random()),
    );
  };
  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}

/** Delete all expired keys, `batch` in a transaction; how many. */
export async function deleteExpiredKeys(database: Database, batch = BATCH): Promise<number> {
  let total = 0;
  let deleted: number;
  do {
    deleted = await database.transaction((tx) => deleteExpired(tx, batch));
    total += deleted;
  } while (deleted === batch);
  return total;
}

async function cleanUp(database: Database): Promise<void> {
  try {
    const count = await deleteExpiredKeys(database);
    if (count > 0) {
      log.info("expired idempotency keys deleted", { count });
    }
  } catch (error) {
    // The next round may do better.
    if (asUnavailable(error) === undefined) {
      log.error("maintenance failed", { error });
    }
  }
}
