/** The OpenAPI document is committed, and says what the code does. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { describeApi } from "../../src/http/openapi.ts";
import { scopesOf } from "../../src/http/route.ts";
import { routes } from "../../src/routes/index.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, { content?: object; headers: object }>>;
  readonly security?: readonly Record<string, readonly string[]>[];
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { type?: string; additionalProperties?: unknown }>>;
  };
}

const document = JSON.parse(JSON.stringify(describeApi(routes))) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation })),
);

test("the committed document is current", () => {
  const committed: unknown = JSON.parse(
    readFileSync(new URL("../../openapi.json", import.meta.url), "utf8"),
  );
  expect(committed, "run `npm run openapi` and commit the result").toEqual(document);
});

test("every route is in it, by a name of its own", () => {
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    routes.map(({ method, path }) => `${method.toLowerCase()} ${path}`).sort(),
  );
  expect(new Set(routes.map(({ operationId }) => operationId)).size).toBe(routes.length);
});

describe.for(operations)("$method $path", (operation) => {
  const statuses = Object.keys(operation.responses);

  test("says what it does", () => {
    expect(operation.summary).not.toBe("");
    expect(operation.description).not.toBe("");
  });

  test("has problems for errors, and names the request in every reply", () => {
    for (const [status, response] of Object.entries(operation.responses)) {
      if (Number(status) >= 400) {
        expect(Object.keys(response.content ?? {})).toEqual(["application/problem+json"]);
      }
      expect(response.headers).toHaveProperty("X-Request-Id");
    }
  });

  test("names every refusal", () => {
    expect(statuses).toEqual(expect.arrayContaining(["500", "504"]));
    if (operation.security !== undefined) {
      const [[scheme, scopes] = []] = operation.security.flatMap(Object.entries);
      expect(scheme).toBe("bearerToken");
      expect(scopesOf(routes)).toEqual(expect.arrayContaining(scopes as string[]));
      expect(statuses).toEqual(expect.arrayContaining(["400", "401", "403", "429", "503"]));
    }
    if (operation.requestBody !== undefined) {
      expect(statuses).toEqual(expect.arrayContaining(["413", "415", "422"]));
    }
    if (operation.path.includes("{")) {
      expect(statuses).toContain("404");
    }
  });

  test("documents the parameters of its path", () => {
    const named = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const documented = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
    expect(documented.map(({ name }) => name)).toEqual(named);
    expect(documented.every(({ required }) => required)).toBe(true);
  });
});

test("objects are closed", () => {
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    if (schema.type === "object") {
      expect(schema.additionalProperties, name).toBe(false);
    }
  }
});
