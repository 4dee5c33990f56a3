import type { Database } from "../database/database.ts";
import type { DatabaseProbe } from "../database/probe.ts";
import type { Admission } from "./admission.ts";
import type { IdempotentWrites } from "./idempotency.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** What the routes are given: the long-lived parts of this process that they use. */
export interface Parts {
  readonly lifecycle: Lifecycle;
  readonly probe: DatabaseProbe;
  readonly database: Database;
  readonly writes: IdempotentWrites;
  readonly admission: Admission;
  /** The longest body that is read, in bytes. */
  readonly bodyLimit: number;
  /** Whether `/readyz` says why: not in production. */
  readonly healthDetails: boolean;
}
