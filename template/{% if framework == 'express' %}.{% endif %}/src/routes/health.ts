/** Is the process alive, and should it get requests? */

import { z } from "zod";

import { ok, problems } from "../http/openapi.ts";
import { Problem, UNAVAILABLE } from "../http/problems.ts";
import { json } from "../http/replies.ts";
import { type Route, route } from "../http/route.ts";

const ready = z.strictObject({
  status: z.literal("ready"),
  database: z.strictObject({ up: z.boolean(), lastError: z.string().nullable() }).optional(),
});

const livez = route({
  method: "GET",
  path: "/livez",
  operationId: "livez",
  summary: "Is the process alive?",
  description: "Knows only yes: restarting a process cures no database.",
  tags: ["health"],
  responses: ok(z.strictObject({ status: z.literal("alive") })),
  handle: () => json({ status: "alive" }),
});

const readyz = route({
  method: "GET",
  path: "/readyz",
  operationId: "readyz",
  summary: "Should the process get requests?",
  description: "No while the process drains, and no while the database does not answer its probe.",
  tags: ["health"],
  responses: { ...ok(ready), ...problems(503) },
  handle({ parts: { lifecycle, probe, healthDetails } }) {
    const { lastError = null } = probe;
    if (lifecycle.draining) {
      throw notReady("The process is shutting down.");
    }
    if (!probe.up) {
      const reason = healthDetails ? ` (${String(lastError)})` : "";
      throw notReady(`The database does not answer${reason}.`);
    }
    const details = { database: { up: true, lastError } };
    return json({ status: "ready", ...(healthDetails && details) });
  },
});

export const routes: readonly Route[] = [livez, readyz];

function notReady(detail: string): Problem {
  return new Problem(UNAVAILABLE, detail, { headers: { "Retry-After": "1" } });
}
