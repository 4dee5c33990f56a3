/** Should this process get requests? */

import type { Parts } from "./parts.ts";
import { Problem, UNAVAILABLE } from "./problems.ts";

/** What a process that is ready says of itself. */
export interface Ready {
  readonly status: "ready";
  readonly database?: { readonly up: boolean; readonly lastError: string | null };
}

/**
 * No while the process drains, and no while the database does not answer its probe.
 *
 * @throws Problem 503.
 */
export function checkReady({ lifecycle, probe, healthDetails }: Parts): Ready {
  const { lastError = null } = probe;
  if (lifecycle.draining) {
    throw notReady("The process is shutting down.");
  }
  if (!probe.up) {
    const reason = healthDetails ? ` (${String(lastError)})` : "";
    throw notReady(`The database does not answer${reason}.`);
  }
  return { status: "ready", ...(healthDetails && { database: { up: true, lastError } }) };
}

function notReady(detail: string): Problem {
  return new Problem(UNAVAILABLE, detail, { headers: { "Retry-After": "1" } });
}
