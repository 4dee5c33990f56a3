/** What an operation asks for is measured as if every fragment were written out. */

import { buildSchema, getIntrospectionQuery, getOperationAST, parse } from "graphql";
import { describe, expect, test } from "vitest";

import { costOf, type Variables } from "../../src/graphql/limits/cost.ts";
import { excessOf, excessOfCost } from "../../src/graphql/limits/limits.ts";
import { fragmentsOf, type Shape, shapeOf } from "../../src/graphql/limits/shape.ts";
import { hasMoreTokens } from "../../src/graphql/limits/tokens.ts";

const LIMITS = { tokens: 1_000, depth: 10, width: 20, aliases: 30, cost: 5_000 };
const SCHEMA = buildSchema(`
  type Query { a: Query b: String list(first: Int = 20): List plain(first: Int): List all: [Query] }
  type List { edges: [Edge!]! size: Int }
  type Edge { node: Query }
`);
SCHEMA.getQueryType()!.getFields()["all"]!.extensions = { size: 100 };

function shape(document: string, name?: string): Shape {
  const parsed = parse(document);
  return shapeOf(getOperationAST(parsed, name)!, fragmentsOf(parsed));
}

function cost(document: string, variables: Variables = {}): number {
  const parsed = parse(document);
  return costOf(SCHEMA, getOperationAST(parsed)!, fragmentsOf(parsed))(variables);
}

function excess(document: string): string | undefined {
  return excessOf(shape(document), LIMITS)?.code;
}

/** Fragments of which each spreads the next twice: 2^levels of the last one. */
function doubling(levels: number, last: string): string {
  const fragments = Array.from(
    { length: levels },
    (_, level) => `fragment F${level} on Query { ...F${level + 1} ...F${level + 1} }`,
  );
  return `{ ...F0 } ${fragments.join(" ")} fragment F${levels} on Query { ${last} }`;
}

describe("tokens", () => {
  test.for<[string, number, boolean]>([
    ["{ b }", 3, false],
    ["{ b }", 2, true],
    ["{ b, b,,, b # b b b b b\n }", 5, false],
    ['{ a(b: "one token") }', 8, false],
    ['{ a(b: "one token") }', 7, true],
    ["{ b ^^^^^^^^^^^^^^^^ }", 5, false],
  ])("%s has more than %d: %s", ([document, limit, more]) => {
    expect(hasMoreTokens(document, limit)).toBe(more);
  });
});

describe("the shape", () => {
  test.for<[string, Partial<Shape>]>([
    ["{ b }", { depth: 1, width: 1, aliases: 0 }],
    ["{ a { a { b } } b }", { depth: 3, width: 2 }],
    ["{ a { ... { ... on Query { b } } } }", { depth: 2 }],
    ["{ a { ...F } } fragment F on Query { a { b } }", { depth: 3 }],
    ["{ b b b }", { width: 1 }],
    ["{ x: b y: b b }", { width: 3, aliases: 2 }],
    ["{ x: b x: b }", { width: 1, aliases: 2 }],
    ["{ ...F ... { y: b } } fragment F on Query { x: b }", { width: 2, aliases: 2 }],
    ["{ a { ...F } ...F } fragment F on Query { x: b y: b }", { aliases: 4, width: 3 }],
    ["{ __schema { types { name } } b }", { depth: 1, introspectionDepth: 3 }],
    ["{ ...F } fragment F on Query { ...F b }", { depth: 1 }],
    ["{ ...Unknown b }", { depth: 1, width: 1 }],
  ])("of %s", ([document, expected]) => {
    expect(shape(document)).toMatchObject(expected);
  });

  test("is that of the operation that is named", () => {
    const document = "query A { b } query B { a { a { b } } }";
    expect([shape(document, "A").depth, shape(document, "B").depth]).toEqual([1, 3]);
  });

  test("of a bomb is found at once", () => {
    const started = performance.now();
    expect(shape(doubling(60, "x: b")).aliases).toBe(2 ** 60);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe("the limits", () => {
  const nested = (levels: number) => "{ a ".repeat(levels - 1) + "{ b }" + " }".repeat(levels - 1);
  const named = (count: number, field: string) =>
    Array.from({ length: count }, (_, at) => `f${at}: ${field}`).join(" ");

  test.for<[string, string, string | undefined]>([
    ["10 fields deep", nested(10), undefined],
    ["11 fields deep", nested(11), "document-too-deep"],
    ["20 root fields", `{ ${named(20, "b")} }`, undefined],
    ["21 root fields", `{ ${named(21, "b")} }`, "document-too-wide"],
    ["30 aliases", `{ a { ${named(30, "b")} } }`, undefined],
    ["31 aliases", `{ a { ${named(31, "b")} } }`, "too-many-aliases"],
    ["aliases in fragments", doubling(5, "x: b"), "too-many-aliases"],
    ["the introspection of tools", getIntrospectionQuery(), undefined],
    [
      "deep introspection",
      `{ __schema { types ${"{ fields { type ".repeat(8)}{ name }${" } }".repeat(8)} } }`,
      "document-too-deep",
    ],
  ])("%s", ([, document, code]) => {
    expect(excess(document)).toBe(code);
  });

  test("what is beyond one is told with it", () => {
    expect(excessOfCost(5_001, LIMITS)).toMatchObject({ cost: 5_001, limit: 5_000 });
    expect(excessOfCost(5_000, LIMITS)).toBeUndefined();
    expect(excessOf(shape(nested(11)), LIMITS)?.message).toBe(
      "The operation is 11 fields deep; 10 are allowed.",
    );
  });
});

describe("the cost", () => {
  const inner = "{ edges { node { b } } }";

  test.for<[string, Variables, number]>([
    ["{ b }", {}, 1],
    ["{ a { b b } }", {}, 3],
    [`{ list ${inner} }`, {}, 1 + 20 * 3],
    [`{ list(first: 5) ${inner} }`, {}, 1 + 5 * 3],
    [`{ plain ${inner} }`, {}, 1 + 3],
    [`{ list(first: -5) ${inner} }`, {}, 1],
    [`{ list(first: null) ${inner} }`, {}, 1 + 20 * 3],
    [`query ($n: Int) { list(first: $n) ${inner} }`, { n: 7 }, 1 + 7 * 3],
    [`query ($n: Int) { list(first: $n) ${inner} }`, {}, 1 + 20 * 3],
    [`query ($n: Int = 9) { list(first: $n) ${inner} }`, {}, 1 + 9 * 3],
    [`query ($n: Int = 1) { list(first: $n) ${inner} }`, { n: null }, 1 + 20 * 3],
    [`query ($n: Int = null) { list(first: $n) ${inner} }`, {}, 1 + 20 * 3],
    [`query ($n: Int) { list(first: $n) ${inner} }`, { n: -7 }, 1],
    [`query ($n: Int) { list(first: $n) ${inner} }`, { n: "7" }, 1 + 20 * 3],
    [`query ($n: Int) { list(first: $n) ${inner} }`, { n: 2 ** 31 }, 1 + 20 * 3],
    [
      `query ($n: Int, $m: Int) { list(first: $n) { edges { node { list(first: $m) ${inner} } } } }`,
      { n: 10, m: 100 },
      1 + 10 * (2 + 1 + 100 * 3),
    ],
    ["{ all { b b } }", {}, 1 + 100 * 2],
    [`{ list ${inner.replace("b", "all { b }")} }`, {}, 1 + 20 * (2 + 1 + 100)],
    [`{ list(first: 10) { ...F ...F } } fragment F on List { size }`, {}, 1 + 10 * 2],
    ["{ __schema { types { name } } }", {}, 3],
  ])("of %s with %j", ([document, variables, expected]) => {
    expect(cost(document, variables)).toBe(expected);
  });

  test("of a bomb is found at once, and is a number", () => {
    const started = performance.now();
    for (const last of ["list(first: 100) { size }", "list(first: 0) { size }"]) {
      expect(cost(doubling(1_100, last))).toBe(Number.MAX_SAFE_INTEGER);
    }
    const document = doubling(1_100, "list(first: $n) { size }").replace("{", "query ($n: Int) {");
    expect(cost(document, { n: 0 })).toBe(Number.MAX_SAFE_INTEGER);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
