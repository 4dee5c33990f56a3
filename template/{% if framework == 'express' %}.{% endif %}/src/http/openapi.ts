/** The OpenAPI 3.1 document: what the routes declare, and what is done to every one of them. */

import { z } from "zod";
import { createDocument, type ZodOpenApiOperationObject } from "zod-openapi";

import { API_VERSION, DESCRIPTION, NAME } from "../about.ts";
import { IDEMPOTENCY_KEY } from "./idempotency.ts";
import { PROBLEM_MEDIA_TYPE } from "./refusals.ts";
import { mediaTypesOf, type Route } from "./route.ts";

/** A header that a request may have. */
export interface HeaderParameter {
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
  readonly schema: Schema;
}

interface Schema {
  readonly type: "string" | "integer";
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly pattern?: string;
  readonly enum?: string[];
}

type Headers = Readonly<Record<string, { readonly description: string; readonly schema: Schema }>>;

interface Response {
  readonly description: string;
  readonly content?: Record<string, { schema: z.ZodType }>;
  readonly headers?: Headers;
}

/** Replies by status. */
export type Responses = Readonly<Record<number, Response>>;

const ETAG: Headers = {
  ETag: { description: "Strong tag of the version.", schema: { type: "string" } },
};
const CREATED: Headers = {
  ...ETAG,
  Location: { description: "Path of what was made.", schema: { type: "string" } },
  "Idempotency-Replayed": {
    description: "Present when this is the stored reply to an earlier request.",
    schema: { type: "string", enum: ["true"] },
  },
};
const RETRY_AFTER: Headers = {
  "Retry-After": { description: "Seconds to wait.", schema: { type: "integer", minimum: 0 } },
};
const CHALLENGE: Headers = {
  "WWW-Authenticate": { description: "RFC 6750.", schema: { type: "string" } },
};
const REQUEST_ID: Headers = {
  "X-Request-Id": {
    description: "Of this request; the caller's own if it sent one.",
    schema: { type: "string", pattern: "^[A-Za-z0-9._-]{1,128}$" },
  },
};

const PROBLEMS: Readonly<Record<number, readonly [meaning: string, headers?: Headers]>> = {
  400: ["Malformed: JSON, query, cursor or Idempotency-Key."],
  401: ["No valid token.", CHALLENGE],
  403: ["The token lacks the scope.", CHALLENGE],
  404: ["No such thing for this tenant."],
  409: ["Conflicts with what is stored.", RETRY_AFTER],
  412: ["The resource has changed."],
  413: ["The body is too large."],
  415: ["The body's media type is not supported."],
  422: ["Well-formed but invalid."],
  428: ["If-Match is required."],
  429: ["Too many requests.", RETRY_AFTER],
  500: ["Unforeseen."],
  503: ["Overloaded, or a dependency is away.", RETRY_AFTER],
  504: ["The request took too long."],
};

const fieldError = z
  .strictObject({
    pointer: z.string().optional(),
    parameter: z.string().optional(),
    code: z.string(),
    message: z.string(),
  })
  .meta({
    id: "FieldError",
    description:
      "What is wrong with one field: `pointer` leads into the body, `parameter` names a query one.",
  });

const problem = z
  .strictObject({
    type: z.string().meta({
      description: "Stable path that names the kind of error.",
      examples: ["/problems/not-found"],
    }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string().meta({ description: "Path of the request." }),
    requestId: z.string(),
    errors: z.array(fieldError).optional(),
  })
  .meta({ id: "Problem", description: "An error (RFC 9457)." });

/** 200 with a document. */
export function ok(schema: z.ZodType): Responses {
  return { 200: success(schema, {}) };
}

/** 200 with a resource in its present version. */
export function okVersioned(schema: z.ZodType): Responses {
  return { 200: success(schema, ETAG) };
}

/** 201 with what was made. */
export function created(schema: z.ZodType): Responses {
  return { 201: success(schema, CREATED) };
}

/** 304, for a reader that has this version. */
export const NOT_MODIFIED: Responses = {
  304: { description: "The caller has this version.", headers: ETAG },
};

/** Problems that a route's own rules cause. */
export function problems(...statuses: number[]): Responses {
  return Object.fromEntries(statuses.map((status) => [status, problemResponse(status)]));
}

/** The document; the same for every environment. */
export function describeApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const declared of routes) {
    const methods = (paths[declared.path] ??= {});
    methods[declared.method.toLowerCase()] = describeRoute(declared);
  }
  return createDocument(
    {
      openapi: "3.1.0",
      info: { title: NAME, description: DESCRIPTION, version: API_VERSION },
      paths,
      components: {
        securitySchemes: {
          bearerToken: {
            type: "http",
            scheme: "bearer",
            bearerFormat: "JWT",
            description: "An access token of the OpenID Connect issuer.",
          },
        },
      },
    },
    {
      override: ({ jsonSchema }) => {
        simplify(jsonSchema);
      },
    },
  );
}

/** Leave away what zod adds to say what the type or the format has said already. */
function simplify(schema: Partial<Record<"format" | "pattern" | "minimum" | "maximum", unknown>>) {
  if (schema.format !== undefined) {
    delete schema.pattern;
  }
  if (schema.minimum === Number.MIN_SAFE_INTEGER) {
    delete schema.minimum;
  }
  if (schema.maximum === Number.MAX_SAFE_INTEGER) {
    delete schema.maximum;
  }
}

function describeRoute(declared: Route): ZodOpenApiOperationObject {
  const { operationId, summary, description, tags, scope, params, query, body } = declared;
  const headers = [...(declared.idempotent ? [IDEMPOTENCY_KEY] : []), ...(declared.headers ?? [])];
  const responses = { ...problems(...possibleProblems(declared)), ...declared.responses };
  return {
    operationId,
    summary,
    description,
    tags: [...tags],
    ...(scope !== undefined && { security: [{ bearerToken: [scope] }] }),
    ...((params ?? query) && {
      requestParams: { ...(params && { path: params }), ...(query && { query }) },
    }),
    ...(headers.length > 0 && {
      parameters: headers.map((header) => ({ in: "header", ...header })),
    }),
    ...(body && { requestBody: requestBody(declared, body) }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, response]) => [
        status,
        { ...response, headers: { ...response.headers, ...REQUEST_ID } },
      ]),
    ),
  };
}

/** What may go wrong with any route of its kind. */
function possibleProblems({ scope, params, body }: Route): number[] {
  return [
    ...[500, 504],
    ...(scope === undefined ? [] : [400, 401, 403, 429, 503]),
    ...(params ? [404] : []),
    ...(body ? [413, 415, 422] : []),
  ];
}

function requestBody(declared: Route, schema: z.ZodType) {
  const content = Object.fromEntries(mediaTypesOf(declared).map((type) => [type, { schema }]));
  return { required: true, content };
}

function success(schema: z.ZodType, headers: Headers): Response {
  return {
    description: "Successful Response",
    content: { "application/json": { schema } },
    headers,
  };
}

function problemResponse(status: number): Response {
  const [description, headers] = PROBLEMS[status] ?? [`Status ${status}.`];
  return {
    description,
    content: { [PROBLEM_MEDIA_TYPE]: { schema: problem } },
    ...(headers && { headers }),
  };
}
