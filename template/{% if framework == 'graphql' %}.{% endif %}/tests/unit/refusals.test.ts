/** Negotiation: which media type a reply has, also one that refuses. */

import { GraphQLError } from "graphql";
import { expect, test, vi } from "vitest";

import { told } from "../../src/graphql/errors.ts";
import { GRAPHQL, JSON_ONLY, preferredMediaType } from "../../src/http/media-types.ts";
import { Problem, TIMEOUT } from "../../src/http/problems.ts";
import { refusalOf } from "../../src/http/refusals.ts";
import { log } from "../../src/observability/logs.ts";

const CONTEXT = {
  requestId: "r",
  method: "GET",
  path: "/",
  started: 0,
  address: "",
  secure: false,
};

test.for<[string | undefined, string | undefined]>([
  [undefined, GRAPHQL],
  ["", GRAPHQL],
  ["*/*", GRAPHQL],
  ["application/*", GRAPHQL],
  [GRAPHQL, GRAPHQL],
  [JSON_ONLY, JSON_ONLY],
  ["APPLICATION/JSON", JSON_ONLY],
  ["application/json;charset=utf-8", JSON_ONLY],
  [`${JSON_ONLY}, ${GRAPHQL}`, GRAPHQL],
  [`${JSON_ONLY}, ${GRAPHQL};q=0.9`, JSON_ONLY],
  [`${JSON_ONLY}, */*;q=0.1`, JSON_ONLY],
  [`${GRAPHQL};q=0, */*`, JSON_ONLY],
  ["text/html, */*;q=0.001", GRAPHQL],
  ["text/html", undefined],
  ["*/*;q=0", undefined],
  ["application/json;q=2", undefined],
  ["application/json;charset=utf-16", undefined],
])("Accept: %s asks for %s", ([accept, mediaType]) => {
  expect(preferredMediaType(accept)).toBe(mediaType);
});

test.for([
  [JSON_ONLY, JSON_ONLY],
  ["text/html", GRAPHQL],
])("for %s a refusal is %s, with its code and the request's id", ([accept = "", mediaType]) => {
  const refusal = refusalOf(new Problem(TIMEOUT, "No."), CONTEXT, { accept });
  expect(refusal).toEqual({
    mediaType,
    document: { errors: [{ message: "No.", extensions: { code: "timeout", requestId: "r" } }] },
  });
});

test("what failed for many fields at once is told of each, and logged once", () => {
  const logged = vi.spyOn(log, "error").mockImplementation(() => undefined);
  const cause = new TypeError("a bug");
  const errors = ["a", "b", "c"].map((name) => new GraphQLError("a bug", { path: [name], cause }));
  const answers = told([...errors, new GraphQLError("another")], "r");
  expect(answers.map(({ path, extensions }) => [path?.[0], extensions.code])).toEqual([
    ["a", "internal"],
    ["b", "internal"],
    ["c", "internal"],
    [undefined, "internal"],
  ]);
  expect(logged).toHaveBeenCalledTimes(2);
  logged.mockRestore();
});
