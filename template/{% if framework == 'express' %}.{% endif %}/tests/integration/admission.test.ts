/** Who comes in, and in which order a request is refused. */

import { describe, expect } from "vitest";
import { z } from "zod";

import { ok } from "../../src/http/openapi.ts";
import { json } from "../../src/http/replies.ts";
import { route, type Method } from "../../src/http/route.ts";
import { routes as health } from "../../src/routes/health.ts";
import { exchange, problemIn, send } from "../http.ts";
import { listen, test as base } from "../service.ts";

const thing = z.strictObject({ name: z.string() }).meta({ id: "Thing" });

function writing(method: Method) {
  return route({
    method,
    path: "/v1/things",
    operationId: `${method}Thing`,
    summary: "A thing",
    description: "Say whose thing it is.",
    tags: ["things"],
    scope: "things:write",
    body: thing,
    responses: ok(z.strictObject({ tenant: z.string(), name: z.string() })),
    handle: ({ caller, body }) => json({ tenant: caller.tenant, name: body.name }),
  });
}

const EVERY: readonly Method[] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const every = EVERY.map((method) =>
  route({
    method,
    path: "/v1/every",
    operationId: `${method}Every`,
    summary: "Every method",
    description: "Say which method was meant.",
    tags: ["things"],
    responses: ok(z.looseObject({})),
    handle: (call) => json({ method: call.method }),
  }),
);

const reading = route({
  method: "GET",
  path: "/v1/things/{thingId}",
  operationId: "getThing",
  summary: "Read a thing",
  description: "Say which thing was meant.",
  tags: ["things"],
  params: z.object({ thingId: z.string() }),
  query: z.object({ shade: z.string().optional() }),
  responses: ok(z.looseObject({})),
  handle: ({ params, query }) => json({ ...params, ...query }),
});

const test = base
  .extend("service", { scope: "file" }, async ({ environment }, { onCleanup }) => {
    const changed = { ...environment, BODY_LIMIT_BYTES: "100" };
    const routes = [writing("POST"), writing("PATCH"), reading, ...every, ...health];
    const service = await listen(changed, routes);
    onCleanup(() => service.close());
    return service;
  })
  .extend("things", ({ service }) => `${service.url}/v1/things`)
  .extend("authorized", async ({ token }) => ({
    authorization: `Bearer ${await token(["things:write"])}`,
  }));

test("the first fault that counts is answered", async ({ service, token, authorized, tenant }) => {
  const forbidden = { authorization: `Bearer ${await token(["things:read"])}` };
  const [inJson, asText] = [
    { "content-type": "application/json" },
    { "content-type": "text/plain" },
  ];
  const [large, broken, wrong] = ["x".repeat(101), "{", '{"nam": 1}'];
  // Each request has all the faults of the next one, and one more.
  const requests: [string, string, Record<string, string>, string, number][] = [
    ["POST", "/v1/thingz?x=1", asText, large, 404],
    ["PUT", "/v1/things?x=1", asText, large, 405],
    ["POST", "/v1/things?x=1", asText, large, 401],
    ["POST", "/v1/things?x=1", { ...forbidden, ...asText }, large, 403],
    ["POST", "/v1/things?x=1", { ...authorized, ...asText }, large, 413],
    ["POST", "/v1/things?x=1", { ...authorized, ...asText }, broken, 415],
    ["POST", "/v1/things?x=1", { ...authorized, ...inJson }, broken, 400],
    ["POST", "/v1/things", { ...authorized, ...inJson }, broken, 400],
    ["POST", "/v1/things", { ...authorized, ...inJson }, wrong, 422],
  ];
  for (const [method, path, headers, body, status] of requests) {
    const reply = await send(method, service.url + path, { headers, body });
    expect(reply.status, `${method} ${path} ${body}`).toBe(status);
    expect(problemIn(reply).status).toBe(status);
  }
  const sound = { headers: { ...authorized, ...inJson }, body: '{"name": "a"}' };
  const reply = await send("POST", `${service.url}/v1/things`, sound);
  expect(JSON.parse(reply.text)).toEqual({ tenant, name: "a" });
});

test("405 names every method of the path", async ({ service, things }) => {
  expect((await send("DELETE", things)).headers.get("allow")).toBe("PATCH, POST");
  expect((await send("POST", `${service.url}/livez`)).headers.get("allow")).toBe("GET, HEAD");
  const every = await send("OPTIONS", `${service.url}/v1/every`);
  expect([every.status, every.headers.get("allow")]).toEqual([
    405,
    "DELETE, GET, HEAD, PATCH, POST, PUT",
  ]);
});

test.for(["/v1/things/", "//v1/things", "/v1/Things", "/", "/v1/things%2F", "/v1/things/%zz"])(
  "%s is another path",
  async (path, { service }) => {
    const reply = await send("POST", service.url + path);
    expect([reply.status, problemIn(reply).type]).toEqual([404, "/problems/not-found"]);
  },
);

test("HEAD is GET without the body", async ({ things }) => {
  const [get, head] = [await send("GET", `${things}/1`), await send("HEAD", `${things}/1`)];
  expect([head.status, head.text]).toEqual([200, ""]);
  expect(head.headers.get("content-length")).toBe(String(get.text.length));
  expect(head.headers.get("content-type")).toBe("application/json");
});

test.for<[string | undefined, string]>([
  [undefined, "Bearer"],
  ["Basic YTpi", "Bearer"],
  ["Bearer", "Bearer"],
  ["Bearer x", 'Bearer error="invalid_token", error_description="not a JSON Web Token"'],
])("401 says to %j how to authenticate", async ([authorization, challenge], { things }) => {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const reply = await send("POST", things, { headers });
  expect(reply.status).toBe(401);
  expect(reply.headers.get("www-authenticate")).toBe(challenge);
});

test("403 names the scope", async ({ things, token }) => {
  const headers = { authorization: `Bearer ${await token([])}` };
  const reply = await send("POST", things, { headers });
  expect(reply.status).toBe(403);
  expect(reply.headers.get("www-authenticate")).toBe(
    'Bearer error="insufficient_scope", scope="things:write"',
  );
});

test("a problem tells where it lies", async ({ things, authorized }) => {
  const reply = await send("POST", things, { headers: authorized, body: { "a/b": 1, name: 1 } });
  const problem = problemIn(reply);
  expect(Object.keys(problem).sort()).toEqual(
    ["type", "title", "status", "detail", "instance", "requestId", "errors"].sort(),
  );
  expect(reply.headers.get("content-type")).toBe("application/problem+json");
  expect(problem).toMatchObject({
    status: 422,
    instance: "/v1/things",
    requestId: reply.headers.get("x-request-id"),
  });
  expect(problem.errors?.map(({ pointer }) => pointer).sort()).toEqual(["/a~1b", "/name"]);
});

test.for<[Method, string, number]>([
  ["POST", "application/json", 200],
  ["POST", "application/merge-patch+json", 415],
  ["PATCH", "application/json", 200],
  ["PATCH", "application/merge-patch+json", 200],
  ["PATCH", "application/json-patch+json", 415],
])("%s takes %s: %i", async ([method, contentType, status], { things, authorized }) => {
  const headers = { ...authorized, "content-type": contentType };
  expect((await send(method, things, { headers, body: '{"name": "a"}' })).status).toBe(status);
});

test.for(EVERY)("%s is routed", async (method, { service }) => {
  expect((await send(method, `${service.url}/v1/every`)).text).toBe(`{"method":"${method}"}`);
});

describe("a query", () => {
  test.for<[string, number]>([
    ["", 200],
    ["?", 200],
    ["?shade=", 200],
    ["?shade=a%26b+c", 200],
    ["?shade=1&shade=1", 400],
    ["?shad=1", 400],
    ["?__proto__=1", 400],
    ["?shade=%ff", 400],
    ["?shade=%", 400],
  ])("%s: %i", async ([query, status], { things }) => {
    const reply = await send("GET", `${things}/1${query}`);
    expect(reply.status, reply.text).toBe(status);
  });

  test("is decoded once", async ({ things }) => {
    const reply = await send("GET", `${things}/a%2Fb?shade=a%2526+b`);
    expect(JSON.parse(reply.text)).toEqual({ thingId: "a/b", shade: "a%26 b" });
  });
});

describe("a body that nobody may send", () => {
  const HEAD = "POST /v1/things HTTP/1.1\r\nHost: x\r\n";

  test("is refused before it arrives", async ({ service }) => {
    const { text, closed } = await exchange(service.url, [
      `${HEAD}Content-Length: 5000000\r\n\r\n`,
    ]);
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toMatch(/\r\nconnection: close\r\n/i);
    expect(closed).toBe(true);
  });

  test("hides no request in it", async ({ service }) => {
    const hidden = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    const length = `Content-Length: ${hidden.length}\r\n\r\n`;
    const { text } = await exchange(service.url, [HEAD + length, hidden]);
    expect(text.match(/^HTTP/gm)).toHaveLength(1);
  });
});

test("an address pays for failed logins, on this path as on any other", async ({
  environment,
  onTestFinished,
}) => {
  const service = await listen({ ...environment, RATE_LIMIT_PER_MINUTE: "3" }, [writing("POST")]);
  onTestFinished(() => service.close());
  const headers = { authorization: "Bearer x" };
  const guess = () => send("POST", `${service.url}/v1/things`, { headers });
  const guesses = [await guess(), await guess(), await guess(), await guess()];
  expect(guesses.map((reply) => reply.status)).toEqual([401, 401, 401, 429]);
  expect(problemIn(guesses[3]!).type).toBe("/problems/rate-limited");
  expect(Number(guesses[3]!.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect((await send("POST", `${service.url}/v1/thingz`, { headers })).status).toBe(404);
});
