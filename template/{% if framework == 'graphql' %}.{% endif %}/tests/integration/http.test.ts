/** GraphQL over HTTP: who is let in, what is refused in which order, and what nobody is told. */

import { createHash, randomUUID } from "node:crypto";
import { describe, expect, onTestFinished } from "vitest";
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";

import { refusalIn, send, type Reply } from "../http.ts";
import { listen, test } from "../service.ts";

const GRAPHQL = "application/graphql-response+json";
const PRODUCTION = {
  APP_ENV: "production",
  OIDC_ISSUER: "https://issuer.example.com",
  OIDC_JWKS_URL: "http://127.0.0.1:1/keys",
};
/** Knows its own things, and is given another one. */
const THING = new GraphQLObjectType({
  name: "Thing",
  fields: { name: { type: GraphQLString } },
  isTypeOf: () => false,
});
/** Fails in every way that a resolver can. */
const FAILING = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: "Query",
    fields: {
      name: { type: GraphQLString, resolve: () => "a" },
      bug: {
        type: GraphQLString,
        resolve() {
          throw new TypeError("secret");
        },
      },
      shape: { type: GraphQLString, resolve: () => ({ secret: true }) },
      thing: { type: THING, resolve: () => ({ name: "secret" }) },
    },
  }),
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** One request with a token, as a client of this service sends it. */
const post = (url: string, token: string, body: unknown, headers: Record<string, string> = {}) =>
  send("POST", `${url}/graphql`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    body,
  });

const codeOf = (reply: Reply) => [reply.status, refusalIn(reply).code];

describe("before a document is looked at", () => {
  test("a caller without a token is told so, whatever else is wrong", async ({ service }) => {
    const url = `${service.url}/graphql`;
    for (const body of ["{", "[]", { query: "{" }, { query: "{ __typename }" }]) {
      const reply = await send("POST", url, { body, headers: { accept: "text/html" } });
      expect(codeOf(reply)).toEqual([401, "unauthorized"]);
      expect(reply.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  test.for<[string, unknown, Record<string, string>, number, string]>([
    ["another media type", "x", { "content-type": "text/plain" }, 415, "unsupported-media-type"],
    ["no media type that is there", "{", { accept: "text/html" }, 406, "not-acceptable"],
    ["no JSON", "{", { "content-type": "application/json" }, 400, "bad-request"],
    [
      "a name twice",
      '{"query":"{b}","query":"{b}"}',
      { "content-type": "application/json" },
      400,
      "bad-request",
    ],
    ["a batch", [{ query: "{ __typename }" }], {}, 400, "batch-not-allowed"],
    ["no document", { variables: {} }, {}, 400, "bad-request"],
    ["variables in a list", { query: "{ __typename }", variables: [] }, {}, 400, "bad-request"],
  ])("%s is refused", async ([, body, headers, status, code], { service, token }) => {
    for (const accept of [GRAPHQL, "application/json"]) {
      const reply = await post(service.url, await token([]), body, { accept, ...headers });
      expect(codeOf(reply)).toEqual([status, code]);
    }
  });

  test("another method or path is refused without a token", async ({ service }) => {
    const put = await send("PUT", `${service.url}/graphql`);
    expect([...codeOf(put), put.headers.get("allow")]).toEqual([
      405,
      "method-not-allowed",
      "GET, HEAD, POST",
    ]);
    expect(codeOf(await send("GET", `${service.url}/graphql/`))).toEqual([404, "not-found"]);
  });
});

describe("documents", () => {
  test.for<[string, object, number, string]>([
    ["invalid", { query: "{ nothing }" }, 400, "invalid-document"],
    ["empty", { query: "{ }" }, 400, "invalid-document"],
    [
      "of another name",
      { query: "query A { __typename }", operationName: "B" },
      400,
      "invalid-document",
    ],
    [
      "of two names",
      { query: "query A { __typename } query B { __typename }" },
      400,
      "invalid-document",
    ],
    ["deep", { query: `${"{ a ".repeat(12)}${"}".repeat(12)}` }, 400, "document-too-deep"],
    ["long", { query: `{ ${"__typename ".repeat(1_000)}}` }, 400, "document-too-large"],
    ["unknown", { documentId: `sha256:${sha256("")}` }, 404, "persisted-operation-not-found"],
    [
      "of another hash",
      {
        query: "{ __typename }",
        extensions: { persistedQuery: { version: 1, sha256Hash: sha256("") } },
      },
      400,
      "bad-request",
    ],
    [
      "of variables that do not fit",
      { query: "query ($a: Boolean!) { __typename @skip(if: $a) }" },
      400,
      "bad-request",
    ],
  ])("%s are refused, in JSON with 200", async ([, body, status, code], { service, token }) => {
    const bearer = await token([]);
    expect(codeOf(await post(service.url, bearer, body))).toEqual([status, code]);
    const json = await post(service.url, bearer, body, { accept: "application/json" });
    expect(codeOf(json)).toEqual([200, code]);
    expect(json.headers.get("content-type")).toMatch(/^application\/json/);
  });

  test("are measured and validated anew for each request, though parsed once", async ({
    service,
    token,
  }) => {
    const bearer = await token([]);
    const query = `query A { __typename } query B { ${"a { ".repeat(11)}b${" }".repeat(11)} }`;
    const asked = (operationName: string) => post(service.url, bearer, { query, operationName });
    for (let round = 0; round < 2; round += 1) {
      expect(codeOf(await asked("A"))).toEqual([400, "invalid-document"]);
      expect(codeOf(await asked("B"))).toEqual([400, "document-too-deep"]);
    }
  });
});

describe("what fails while it is executed", () => {
  test("is masked, and the rest is answered", async ({ environment, token }) => {
    const service = await listen(environment, FAILING);
    onTestFinished(() => service.close());
    const id = randomUUID();
    const headers = { "x-request-id": id };
    const reply = await post(
      service.url,
      await token([]),
      { query: "{ name bug shape thing { name } }" },
      headers,
    );
    expect(reply.status).toBe(200);
    expect(reply.text).not.toContain("secret");
    const { errors, data } = JSON.parse(reply.text) as { errors: object[]; data: object };
    expect(data).toEqual({ name: "a", bug: null, shape: null, thing: null });
    expect(errors).toMatchObject([
      { path: ["bug"], extensions: { code: "internal", requestId: id } },
      { path: ["shape"], extensions: { code: "internal", requestId: id } },
      { path: ["thing"], extensions: { code: "internal", requestId: id } },
    ]);
  });
});

describe("in production", () => {
  test("the schema has no page", async ({ environment, service }) => {
    const production = await listen({ ...environment, ...PRODUCTION });
    onTestFinished(() => production.close());
    for (const path of ["/docs", "/schema.graphql"]) {
      expect((await send("GET", service.url + path)).status).toBe(200);
      expect((await send("GET", production.url + path)).status).toBe(404);
    }
  });

  test("only persisted operations are taken, if that is wanted", async ({ environment, token }) => {
    const service = await listen({ ...environment, GRAPHQL_DOCUMENTS: "persisted" });
    onTestFinished(() => service.close());
    const reply = await post(service.url, await token([]), { query: "{ __typename }" });
    expect(codeOf(reply)).toEqual([400, "persisted-operation-required"]);
  });
});
