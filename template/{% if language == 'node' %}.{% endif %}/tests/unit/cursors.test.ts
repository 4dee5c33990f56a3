/** Cursors are opaque, and good for one list with one set of filters. */

import { expect, test } from "vitest";

import { decodeCursor, encodeCursor } from "../../src/http/cursors.ts";

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";
const LIST = { of: "things", filters: { status: "pending" } };
const CURSOR = encodeCursor(ID, LIST);
const LAST = CURSOR.endsWith("A") ? "B" : "A";

test("a cursor leads back to its id", () => {
  expect(decodeCursor(CURSOR, LIST)).toBe(ID);
});

test.for([
  [CURSOR, { of: "things", filters: {} }],
  [CURSOR, { of: "things", filters: { status: "shipped" } }],
  [CURSOR, { of: "things", filters: { status: "pending", more: "" } }],
  [CURSOR, { of: "others", filters: LIST.filters }],
  [CURSOR.slice(0, -1), LIST],
  [`${CURSOR}A`, LIST],
  [`${CURSOR}=`, LIST],
  [`${CURSOR}\n`, LIST],
  [`B${CURSOR.slice(1)}`, LIST],
  [CURSOR.slice(0, -1) + LAST, LIST],
  [CURSOR.toUpperCase(), LIST],
  ["", LIST],
  ["!!!!", LIST],
  ["ä".repeat(20), LIST],
  [ID, LIST],
] as const)("any other use is 400: %j", ([cursor, list]) => {
  expect(() => decodeCursor(cursor, list)).toThrow(
    expect.objectContaining({
      kind: expect.objectContaining({ status: 400 }) as object,
      errors: [expect.objectContaining({ parameter: "cursor" })],
    }),
  );
});

test("the order of filters is no difference", () => {
  const [one, other] = [
    { a: "1", b: "2" },
    { b: "2", a: "1" },
  ];
  const cursor = encodeCursor(ID, { of: "things", filters: one });
  expect(decodeCursor(cursor, { of: "things", filters: other })).toBe(ID);
});
