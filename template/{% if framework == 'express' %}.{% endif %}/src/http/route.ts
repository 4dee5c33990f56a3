/**
 * Routes as data, and the order in which every one of them refuses a request.
 *
 * A request is admitted before anything of it is read or parsed, so that nobody without a token
 * makes the service hold megabytes, and so that a caller gets 401 before 413, 413 before 415, 415
 * before 400, and 400 before 422.
 */

import type { IncomingHttpHeaders } from "node:http";

import type { Express, Request, Response } from "express";
import type { z } from "zod";

import type { Principal } from "../auth/principal.ts";
import { contextOf } from "../observability/context.ts";
import { bodyErrors, queryErrors } from "./field-errors.ts";
import { idempotencyKey } from "./idempotency.ts";
import {
  checkContentCoding,
  checkDeclaredLength,
  checkMediaType,
  decodeJson,
  readBody,
} from "./json-body.ts";
import type { HeaderParameter, Responses } from "./openapi.ts";
import type { Parts } from "./parts.ts";
import {
  BAD_REQUEST,
  badParameter,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  Problem,
  problemOf,
  sendProblem,
  VALIDATION,
} from "./problems.ts";
import { type Reply, sendReply } from "./replies.ts";

const JSON_BODY = ["application/json"] as const;
const MERGE_PATCH_BODY = ["application/json", "application/merge-patch+json"] as const;

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What a handler is given: a request that has been admitted, read and validated. */
export interface Call<Params = unknown, Query = unknown, Body = unknown, Caller = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Who asks; undefined on a route without a scope. */
  readonly caller: Caller;
  readonly method: Method;
  /** The path template. */
  readonly route: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as it was sent, decoded. */
  readonly json: unknown;
  readonly parts: Parts;
}

/** One operation of the API: all that validates, documents and carries it out. */
export interface Route {
  readonly method: Method;
  /** A template such as `/v1/things/{thingId}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  /** What a token must allow; without it the route is public. */
  readonly scope?: string;
  /** The names in the path; what does not fit them is 404. */
  readonly params?: z.ZodObject;
  /** All parameters that the query may have; none without. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Headers that the handler reads by itself. */
  readonly headers?: readonly HeaderParameter[];
  /** Whether an Idempotency-Key is demanded; the handler creates with `parts.writes`. */
  readonly idempotent?: true;
  /** What may be answered beside the problems that every such route can cause. */
  readonly responses: Responses;
  handle(call: Call): Reply | Promise<Reply>;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

interface TypedRoute<Scope, Params, Query, Body> extends Route {
  readonly scope?: Scope & string;
  readonly params?: Params & z.ZodObject;
  readonly query?: Query & z.ZodObject;
  readonly body?: Body & z.ZodType;
  handle(
    call: Call<
      Parsed<Params>,
      Parsed<Query>,
      Parsed<Body>,
      Scope extends string ? Principal : undefined
    >,
  ): Reply | Promise<Reply>;
}

/** Declare a route: what its handler is given has the types of its schemas. */
export function route<
  Scope extends string | undefined = undefined,
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(declared: TypedRoute<Scope, Params, Query, Body>): Route {
  return declared;
}

/** Every scope that any route asks for. */
export function scopesOf(routes: readonly Route[]): string[] {
  return [...new Set(routes.flatMap(({ scope }) => scope ?? []))].sort();
}

/** The media types in which a route takes its body. */
export function mediaTypesOf({ method }: Route): readonly string[] {
  return method === "PATCH" ? MERGE_PATCH_BODY : JSON_BODY;
}

/** Let `app` answer these routes, and other methods of their paths with 405. */
export function mountRoutes(app: Express, routes: readonly Route[], parts: Parts): void {
  for (const [path, sharing] of Map.groupBy(routes, (declared) => declared.path)) {
    const mounted = app.route(path.replaceAll(/\{(\w+)\}/g, ":$1"));
    for (const declared of sharing) {
      const answer = answerer(declared, parts);
      switch (declared.method) {
        case "GET": // answers HEAD too: Node leaves the body away
          mounted.get(answer);
          break;
        case "POST":
          mounted.post(answer);
          break;
        case "PUT":
          mounted.put(answer);
          break;
        case "PATCH":
          mounted.patch(answer);
          break;
        case "DELETE":
          mounted.delete(answer);
          break;
      }
    }
    mounted.all(methodNotAllowed(path, sharing));
  }
}

type Answer = (request: Request, response: Response) => Promise<void>;

function answerer(declared: Route, parts: Parts): Answer {
  const receive = receiver(declared, parts);
  return async (request, response) => {
    contextOf(request).route = declared.path;
    try {
      sendReply(response, await declared.handle(await receive(request, response)));
    } catch (error) {
      sendProblem(response, problemOf(error), contextOf(request));
    }
  };
}

type Receive = (request: Request, response: Response) => Promise<Call>;

/** Checks a request in the order of refusals, and gives what is left for the handler. */
function receiver(declared: Route, parts: Parts): Receive {
  const { method, path, scope, params, query, body, idempotent } = declared;
  const { admission, bodyLimit } = parts;
  const scopes = scope === undefined ? undefined : [scope];
  const parameters = new Set(Object.keys(query?.shape ?? {}));
  const mediaTypes = mediaTypesOf(declared);

  return async (request, response) => {
    const { headers } = request;
    const caller =
      scopes && (await admission.admit(contextOf(request), headers.authorization, scopes));
    checkDeclaredLength(headers["content-length"], bodyLimit);
    if (body) {
      checkContentCoding(headers["content-encoding"]);
      checkMediaType(headers["content-type"], mediaTypes);
    }
    const given = readQuery(request.url, parameters);
    const validQuery = query && valid(query, given, invalidQuery);
    if (idempotent) {
      idempotencyKey(headers);
    }
    const json = body && decodeJson(await readBody(request, response, bodyLimit));
    return {
      query: validQuery,
      body: body && valid(body, json, invalidBody),
      params: params && valid(params, request.params, noSuchId),
      caller,
      method,
      route: path,
      headers,
      json,
      parts,
    };
  };
}

/** The values of a query, each name once and none that the route would silently ignore. */
function readQuery(url: string, known: ReadonlySet<string>): Record<string, string> {
  const values: Record<string, string> = {};
  const start = url.indexOf("?");
  if (start === -1) {
    return values;
  }
  for (const pair of url.slice(start + 1).split("&")) {
    if (pair === "") {
      continue;
    }
    const [name, value] = decodePair(pair);
    if (!known.has(name)) {
      throw badParameter(name, "unknown", "There is no such parameter.");
    }
    if (Object.hasOwn(values, name)) {
      throw badParameter(name, "repeated", "The parameter may be given once.");
    }
    values[name] = value;
  }
  return values;
}

function decodePair(pair: string): [name: string, value: string] {
  const spaced = pair.replaceAll("+", " ");
  const end = spaced.includes("=") ? spaced.indexOf("=") : spaced.length;
  try {
    return [decodeURIComponent(spaced.slice(0, end)), decodeURIComponent(spaced.slice(end + 1))];
  } catch {
    throw new Problem(BAD_REQUEST, "The query is not valid.");
  }
}

function valid<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  problem: (error: z.core.$ZodError, value: unknown) => Problem,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) {
    return result.data;
  }
  throw problem(result.error, value);
}

function invalidQuery({ issues }: z.core.$ZodError): Problem {
  return new Problem(BAD_REQUEST, "A query parameter cannot be used.", {
    errors: queryErrors(issues),
  });
}

function invalidBody({ issues }: z.core.$ZodError, body: unknown): Problem {
  return new Problem(VALIDATION, "The body is not valid.", { errors: bodyErrors(issues, body) });
}

function noSuchId(): Problem {
  return new Problem(NOT_FOUND, "There is nothing by that id.");
}

function methodNotAllowed(path: string, sharing: readonly Route[]) {
  const methods = new Set<string>(sharing.map(({ method }) => method));
  if (methods.has("GET")) {
    methods.add("HEAD");
  }
  const problem = new Problem(METHOD_NOT_ALLOWED, "The path knows other methods.", {
    headers: { Allow: [...methods].sort().join(", ") },
  });
  return (request: Request, response: Response) => {
    const context = contextOf(request);
    context.route = path;
    sendProblem(response, problem, context);
  };
}
