/** Requests of GraphQL over HTTP: what a body or a query says, read strictly. */

import type { IncomingMessage, ServerResponse } from "node:http";

import {
  checkContentCoding,
  checkDeclaredLength,
  checkMediaType,
  decodeJson,
  readBody,
} from "./json-body.ts";
import { BAD_REQUEST, Problem, type ProblemType } from "./problems.ts";

const BATCH_NOT_ALLOWED: ProblemType = {
  slug: "batch-not-allowed",
  status: 400,
  title: "A request holds one operation",
};
const DOCUMENT_ID = /^sha256:([0-9a-f]{64})$/;
const IN_A_QUERY = ["query", "variables", "operationName", "extensions", "documentId"] as const;
const JSON_IN_A_QUERY: ReadonlySet<string> = new Set(["variables", "extensions"]);

/** What is to be executed; at least one of `document` and `hash` is there. */
export interface OperationRequest {
  readonly document: string | undefined;
  /** Of a persisted operation: SHA-256 in hexadecimal, or what can be the hash of none. */
  readonly hash: string | undefined;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Read a request, by POST from its body, else from the query of its URL.
 *
 * @throws Problem 400, 413, 415.
 */
export async function readOperation(
  request: IncomingMessage,
  response: ServerResponse,
  bodyLimit: number,
): Promise<OperationRequest> {
  const { headers, method, url = "" } = request;
  checkDeclaredLength(headers["content-length"], bodyLimit);
  if (method !== "POST") {
    return operationIn(membersOf(url));
  }
  checkContentCoding(headers["content-encoding"]);
  checkMediaType(headers["content-type"], ["application/json"]);
  const body = decodeJson(await readBody(request, response, bodyLimit));
  if (Array.isArray(body)) {
    throw new Problem(BATCH_NOT_ALLOWED, "Send one operation a request.");
  }
  if (!isObject(body)) {
    throw new Problem(BAD_REQUEST, "The body is a JSON object with a 'query'.");
  }
  return operationIn(body);
}

/** The members of a request that a URL's query holds; others are none of ours. */
function membersOf(url: string): Record<string, unknown> {
  const start = url.indexOf("?");
  const given = new URLSearchParams(start === -1 ? "" : url.slice(start + 1));
  const members: Record<string, unknown> = {};
  for (const name of IN_A_QUERY) {
    const [value, ...more] = given.getAll(name);
    if (more.length > 0) {
      throw new Problem(BAD_REQUEST, `The parameter '${name}' may be given once.`);
    }
    if (value !== undefined) {
      members[name] = JSON_IN_A_QUERY.has(name) ? decodeParameter(name, value) : value;
    }
  }
  return members;
}

function decodeParameter(name: string, value: string): unknown {
  try {
    return decodeJson(Buffer.from(value));
  } catch (error) {
    throw error instanceof Problem
      ? new Problem(BAD_REQUEST, `The parameter '${name}' is not valid JSON.`)
      : error;
  }
}

function operationIn(members: Readonly<Record<string, unknown>>): OperationRequest {
  const document = text(members, "query");
  const documentId = text(members, "documentId");
  const persisted = hashIn(object(members, "extensions"));
  const hash = documentId === undefined ? persisted : hashOf(documentId);
  if (persisted !== undefined && persisted !== hash) {
    throw new Problem(BAD_REQUEST, "'documentId' and 'extensions' name different operations.");
  }
  if (hash === undefined && !document) {
    throw new Problem(BAD_REQUEST, "The request has no document: send 'query' or 'documentId'.");
  }
  return {
    document: document === "" ? undefined : document,
    hash,
    operationName: text(members, "operationName"),
    variables: object(members, "variables") ?? {},
  };
}

/** Names of another kind are no error: nothing is stored under them. */
function hashOf(documentId: string): string {
  return DOCUMENT_ID.exec(documentId)?.[1] ?? "";
}

/** Of `{"persistedQuery": {"version": 1, "sha256Hash": ...}}`, as Apollo's and other clients send. */
function hashIn(extensions: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const persisted = extensions && object(extensions, "persistedQuery");
  if (persisted === undefined) {
    return undefined;
  }
  const hash = text(persisted, "sha256Hash");
  if (persisted["version"] !== 1 || hash === undefined) {
    throw new Problem(BAD_REQUEST, "'persistedQuery' has a 'version' of 1 and a 'sha256Hash'.");
  }
  return hash.toLowerCase();
}

function text(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = member(members, name);
  if (value === undefined || typeof value === "string") {
    return value;
  }
  throw new Problem(BAD_REQUEST, `'${name}' is a string.`);
}

function object(
  members: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> | undefined {
  const value = member(members, name);
  if (value === undefined || isObject(value)) {
    return value;
  }
  throw new Problem(BAD_REQUEST, `'${name}' is an object.`);
}

/** null is as good as nothing. */
function member(members: Readonly<Record<string, unknown>>, name: string): unknown {
  return (Object.hasOwn(members, name) ? members[name] : undefined) ?? undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
