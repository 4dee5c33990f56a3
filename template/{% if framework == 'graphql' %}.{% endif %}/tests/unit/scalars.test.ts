/** Times as they come and go. */

import { isScalarType } from "graphql";
import { describe, expect, it } from "vitest";

import { buildSchema } from "../../src/schema/index.ts";

const dateTime = buildSchema().getType("DateTime");
if (!isScalarType(dateTime)) {
  throw new Error("DateTime is no scalar");
}

describe("DateTime", () => {
  it.each([
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"],
    ["2026-01-31T12:00:00.5+01:00", "2026-01-31T11:00:00.500Z"],
    ["2026-01-31T12:00:00.0001Z", "2026-01-31T12:00:00.001Z"],
  ])("takes %s and shows %s", (given, shown) => {
    expect(dateTime.coerceOutputValue(dateTime.coerceInputValue(given))).toBe(shown);
  });

  it.each(["2026-02-30T00:00:00Z", "2026-01-31", "", "now", 0, true, null, {}])(
    "refuses %j",
    (given) => {
      expect(() => dateTime.coerceInputValue(given)).toThrow("RFC 3339");
    },
  );
});
