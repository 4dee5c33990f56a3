/** Every error is one of a few kinds of problem, and none says more than its caller may know. */

import { expect, test } from "vitest";

import { InvalidToken } from "../../src/auth/principal.ts";
import {
  Conflict,
  InvalidReference,
  InvalidTransition,
  NotFound,
  Unavailable,
} from "../../src/domain/errors.ts";
import { jsonPointer, Problem, problemOf, TIMEOUT } from "../../src/http/problems.ts";

test.for<[string, unknown, number, string, object]>([
  ["nothing by that id", new NotFound("No."), 404, "not-found", {}],
  ["a broken uniqueness rule", new Conflict("No."), 409, "conflict", {}],
  ["an impossible step", new InvalidTransition("No."), 409, "invalid-transition", {}],
  ["a busy dependency", new Unavailable("No."), 503, "unavailable", { "Retry-After": "1" }],
  [
    "a dependency that is away",
    new Unavailable("No.", { retryAfter: 5 }),
    503,
    "unavailable",
    { "Retry-After": "5" },
  ],
  [
    "a database that refuses connections",
    Object.assign(new Error("connect"), { code: "ECONNREFUSED" }),
    503,
    "unavailable",
    { "Retry-After": "2" },
  ],
  [
    "a token that is not believed",
    new InvalidToken("expired"),
    401,
    "unauthorized",
    { "WWW-Authenticate": 'Bearer error="invalid_token", error_description="expired"' },
  ],
  [
    "a token without a claim whose name no header can hold",
    new InvalidToken('without a usable claim "\u79df\\'),
    401,
    "unauthorized",
    {
      "WWW-Authenticate":
        'Bearer error="invalid_token", error_description="without a usable claim ???"',
    },
  ],
  ["a problem", new Problem(TIMEOUT, "No."), 504, "timeout", {}],
  ["a bug", new TypeError("secret"), 500, "internal", {}],
  ["what is no error", "secret", 500, "internal", {}],
])("%s", ([, error, status, slug, headers]) => {
  const problem = problemOf(error);
  expect(problem).toMatchObject({ kind: { status, slug }, headers });
  expect(problem.detail).not.toContain("secret");
});

test("an unknown reference is named by its place in the body", () => {
  const problem = problemOf(new InvalidReference("roomId", "There is no such room."));
  expect(problem.kind.status).toBe(422);
  expect(problem.errors).toMatchObject([{ pointer: "/roomId", code: "unknown-reference" }]);
});

test.for<[PropertyKey[], string]>([
  [[], ""],
  [["items", 0, "sku"], "/items/0/sku"],
  [["a/b", "c~d", ""], "/a~1b/c~0d/"],
])("the pointer to %j is %s", ([path, pointer]) => {
  expect(jsonPointer(path)).toBe(pointer);
});
