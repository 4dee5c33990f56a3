/** Is the process alive, should it get requests, and what does it tell about itself? */

import { expect, onTestFinished } from "vitest";

import { problemIn, send } from "../http.ts";
import { listen, test, type Environment, type Service } from "../service.ts";

const AWAY = { DATABASE_URL: "postgresql://127.0.0.1:1/nowhere" };
const PRODUCTION = {
  APP_ENV: "production",
  OIDC_ISSUER: "https://issuer.example.com",
  OIDC_JWKS_URL: "http://127.0.0.1:1/keys",
};

/** A service for this test alone. */
async function listenForTest(environment: Environment): Promise<Service> {
  const service = await listen(environment);
  onTestFinished(() => service.close());
  return service;
}

test("with its database it is alive and ready", async ({ service }) => {
  await expect
    .poll(async () => (await send("GET", `${service.url}/readyz`)).text)
    .toBe('{"status":"ready","database":{"up":true,"lastError":null}}');
  expect((await send("GET", `${service.url}/livez`)).text).toBe('{"status":"alive"}');
});

test("without its database it is alive, and says why it is not ready", async ({ environment }) => {
  const service = await listenForTest({ ...environment, ...AWAY });
  await expect
    .poll(async () => (await send("GET", `${service.url}/readyz`)).text)
    .toContain("The database does not answer (ECONNREFUSED).");
  const reply = await send("GET", `${service.url}/readyz`);
  expect([reply.status, problemIn(reply).type]).toEqual([503, "/problems/unavailable"]);
  expect(reply.headers.get("retry-after")).toBe("1");
  expect((await send("GET", `${service.url}/livez`)).status).toBe(200);
});

test("on its way out it is alive, and not ready", async ({ environment }) => {
  const service = await listenForTest(environment);
  service.application.lifecycle.draining = true;
  expect((await send("GET", `${service.url}/readyz`)).status).toBe(503);
  expect((await send("GET", `${service.url}/livez`)).status).toBe(200);
});

test("in production it gives no details", async ({ environment }) => {
  const service = await listenForTest({ ...environment, ...PRODUCTION });
  await expect
    .poll(async () => (await send("GET", `${service.url}/readyz`)).text)
    .toBe('{"status":"ready"}');
  const away = await listenForTest({ ...environment, ...PRODUCTION, ...AWAY });
  const reply = await send("GET", `${away.url}/readyz`);
  expect(reply.text).toContain("The database does not answer.");
});

test("the description is public, and its page is for development", async ({
  service,
  environment,
}) => {
  const production = await listenForTest({ ...environment, ...PRODUCTION });
  const [here, there] = [
    await send("GET", `${service.url}/openapi.json`),
    await send("GET", `${production.url}/openapi.json`),
  ];
  expect(JSON.parse(here.text)).toMatchObject({ openapi: "3.1.0" });
  expect(there.text).toBe(here.text);
  expect((await send("GET", `${service.url}/docs`)).headers.get("content-type")).toMatch(/html/);
  expect((await send("GET", `${production.url}/docs`)).status).toBe(404);
});
