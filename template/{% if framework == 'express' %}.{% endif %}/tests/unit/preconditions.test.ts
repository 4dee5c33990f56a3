/** Conditional requests: RFC 9110, section 13. Node has joined lines of one header with ", ". */

import { describe, expect, test } from "vitest";

import { checkMatch, isNotModified } from "../../src/http/preconditions.ts";
import { Problem } from "../../src/http/problems.ts";

function statusOf(ifMatch: string | undefined, required = true): number {
  try {
    checkMatch({ "if-match": ifMatch }, '"3"', { required });
    return 200;
  } catch (error) {
    if (error instanceof Problem) return error.kind.status;
    throw error;
  }
}

describe("If-Match compares strongly", () => {
  test.for<[string | undefined, number]>([
    ['"3"', 200],
    ["*", 200],
    [" * ", 200],
    ['"1", "3"', 200],
    ['"1","2" ,"3",', 200],
    ['"2"', 412],
    ['W/"3"', 412],
    ["3", 412],
    ['"3', 412],
    ['"3", x', 412],
    ["*, *", 412],
    ["", 412],
    [undefined, 428],
  ])("%j: %i", ([ifMatch, status]) => {
    expect(statusOf(ifMatch)).toBe(status);
  });

  test("and may be absent where it is not required", () => {
    expect(statusOf(undefined, false)).toBe(200);
    expect(statusOf('"2"', false)).toBe(412);
  });
});

describe("If-None-Match compares weakly", () => {
  test.for<[string | undefined, boolean]>([
    ['"3"', true],
    ['W/"3"', true],
    ["*", true],
    ['"1", W/"3"', true],
    ['"a,b", "3"', true],
    ['"1"', false],
    ["3", false],
    [undefined, false],
  ])("%j: %s", ([ifNoneMatch, fresh]) => {
    expect(isNotModified({ "if-none-match": ifNoneMatch }, '"3"')).toBe(fresh);
  });
});

test("a long malformed list costs no time", () => {
  const started = performance.now();
  expect(statusOf(`${'"1" '.repeat(5000)}x`)).toBe(412);
  expect(performance.now() - started).toBeLessThan(500);
});
