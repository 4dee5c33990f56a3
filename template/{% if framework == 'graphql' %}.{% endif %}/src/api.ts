/** What answers requests within the layers of the application: /graphql, health, documentation. */

import { readFileSync } from "node:fs";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";

import type { GraphQLSchema } from "graphql";

import { endpoint } from "./graphql/endpoint.ts";
import { limitsOf } from "./graphql/limits/limits.ts";
import { BadManifest, PersistedOperations } from "./graphql/persisted-operations.ts";
import { DOCS_PAGE } from "./http/docs-page.ts";
import { fail } from "./http/failsafe.ts";
import type { Parts } from "./http/parts.ts";
import { METHOD_NOT_ALLOWED, NOT_FOUND, Problem } from "./http/problems.ts";
import { checkReady } from "./http/readiness.ts";
import { contextOf } from "./observability/context.ts";
import { buildSchema, printedSchema } from "./schema/index.ts";
import { ConfigurationError, type Settings } from "./settings.ts";

/** Beside package.json, wherever this runs: as src/api.ts or as dist/api.js. */
const MANIFEST = fileURLToPath(new URL("../persisted-operations.json", import.meta.url));
const READS = ["GET", "HEAD"];

/** What an API is made of. */
export type Served = GraphQLSchema;

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** What is found under a path, and by which methods. */
interface Place {
  readonly methods: readonly string[];
  readonly answer: Answer;
}

/** The places of the service, and an answer for everything else. */
export function createApi(
  parts: Parts,
  settings: Settings,
  served: Served = buildSchema(),
): RequestListener {
  const places = placesOf(parts, settings, served);
  return (request, response) => {
    answer(places, request, response).catch((error: unknown) => {
      fail(request, response, error);
    });
  };
}

async function answer(
  places: ReadonlyMap<string, Place>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "" } = request;
  const context = contextOf(request);
  const place = places.get(context.path);
  if (place === undefined) {
    throw new Problem(NOT_FOUND, "There is no such path.");
  }
  context.route = context.path;
  if (!place.methods.includes(method)) {
    throw new Problem(METHOD_NOT_ALLOWED, "The path knows other methods.", {
      headers: { Allow: place.methods.join(", ") },
    });
  }
  await place.answer(request, response);
}

function placesOf(parts: Parts, settings: Settings, schema: GraphQLSchema): Map<string, Place> {
  const places = new Map<string, Place>([
    [
      "/livez",
      {
        methods: READS,
        answer: (_, response) => {
          sendJson(response, { status: "alive" });
        },
      },
    ],
    [
      "/readyz",
      {
        methods: READS,
        answer: (_, response) => {
          sendJson(response, checkReady(parts));
        },
      },
    ],
    [
      "/graphql",
      {
        methods: [...READS, "POST"],
        answer: endpoint(parts, {
          schema,
          persisted: readManifest(settings.graphqlDocuments === "persisted"),
          onlyPersisted: settings.graphqlDocuments === "persisted",
          hidden: settings.production,
          limits: limitsOf(settings),
        }),
      },
    ],
  ]);
  if (!settings.production) {
    const sdl = printedSchema(schema);
    places.set("/schema.graphql", {
      methods: READS,
      answer: (_, response) => {
        send(response, "text/plain; charset=utf-8", sdl);
      },
    });
    places.set("/docs", {
      methods: READS,
      answer: (_, response) => {
        send(response, "text/html; charset=utf-8", DOCS_PAGE);
      },
    });
  }
  return places;
}

/** The operations that are known by their hashes. */
function readManifest(required: boolean): PersistedOperations {
  let text: string;
  try {
    text = readFileSync(MANIFEST, "utf8");
  } catch (error) {
    if (!required) {
      return new PersistedOperations({});
    }
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ConfigurationError([
      `GRAPHQL_DOCUMENTS is 'persisted' (production's default), and ${MANIFEST} cannot be read` +
        ` (${reason}): write it by 'npm run operations', or say GRAPHQL_DOCUMENTS=any`,
    ]);
  }
  try {
    return PersistedOperations.parse(text);
  } catch (error) {
    if (error instanceof BadManifest) {
      throw new ConfigurationError([`${MANIFEST}: ${error.message}`]);
    }
    throw error;
  }
}

function sendJson(response: ServerResponse, document: object): void {
  send(response, "application/json", JSON.stringify(document));
}

function send(response: ServerResponse, mediaType: string, body: string): void {
  response
    .writeHead(200, { "Content-Type": mediaType, "Content-Length": Buffer.byteLength(body) })
    .end(body);
}
