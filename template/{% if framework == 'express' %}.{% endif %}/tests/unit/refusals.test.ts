/** What a refused request is answered: problem details (RFC 9457). */

import { expect, test } from "vitest";

import { Problem, TIMEOUT } from "../../src/http/problems.ts";
import { refusalOf } from "../../src/http/refusals.ts";

const CONTEXT = { requestId: "r", method: "GET", started: 0, address: "", secure: false };

test("it is a problem of that request", () => {
  const problem = new Problem(TIMEOUT, "No.");
  const { mediaType, document } = refusalOf(problem, { ...CONTEXT, path: "/x" }, {});
  expect(mediaType).toBe("application/problem+json");
  expect(document).toEqual({
    type: "/problems/timeout",
    title: TIMEOUT.title,
    status: 504,
    detail: "No.",
    instance: "/x",
    requestId: "r",
    errors: undefined,
  });
});

test("what no URI may hold is encoded in the instance", () => {
  const context = { ...CONTEXT, path: '/a b/ä/"%2F%' };
  const { document } = refusalOf(new Problem(TIMEOUT, "No."), context, {});
  expect(document).toMatchObject({ instance: "/a%20b/%C3%A4/%22%2F%25" });
});
