/** Is the process alive, and should it get requests? */

import { z } from "zod";

import { ok, problems } from "../http/openapi.ts";
import { checkReady } from "../http/readiness.ts";
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
  handle: ({ parts }) => json(checkReady(parts)),
});

export const routes: readonly Route[] = [livez, readyz];
