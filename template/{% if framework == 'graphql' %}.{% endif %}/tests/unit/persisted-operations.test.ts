/** The allow-list is what its files are, and nothing that its hashes do not say. */

import { readFileSync } from "node:fs";
import { buildSchema } from "graphql";
import { describe, expect, test } from "vitest";

import { manifestOf, operationFiles } from "../../src/graphql/manifest.ts";
import { hashOf, PersistedOperations } from "../../src/graphql/persisted-operations.ts";

const LIMITS = { tokens: 20, depth: 2, width: 2, aliases: 1, cost: 10 };
const SCHEMA = buildSchema("type Query { a: Query b: String list(first: Int = 20): Query }");
const DOCUMENT = "query A { b }";

describe("the list", () => {
  test("is found by the hashes of documents, and by nothing else", () => {
    const operations = PersistedOperations.parse(JSON.stringify({ [hashOf(DOCUMENT)]: DOCUMENT }));
    expect(operations.get(hashOf(DOCUMENT))).toBe(DOCUMENT);
    for (const name of ["", "__proto__", "constructor", "A", hashOf("")]) {
      expect(operations.get(name)).toBeUndefined();
    }
    expect([...operations.names]).toEqual(["A"]);
  });

  test.for<[string, string, RegExp]>([
    ["no JSON", "{", /^it is not JSON \(/],
    ["no object", "[]", /^it is not an object/],
    ["no document", `{"${hashOf(DOCUMENT)}": 1}`, /names is not a document$/],
    [
      "another document",
      `{"${hashOf(DOCUMENT)}": "{ b }"}`,
      /^the document under [0-9a-f]{64} has/,
    ],
    ["what cannot be parsed", `{"${hashOf("{")}": "{"}`, /^[0-9a-f]{64} cannot be parsed \(/],
  ])("is refused where it holds %s", ([, text, message]) => {
    expect(() => PersistedOperations.parse(text)).toThrow(message);
  });

  test("is that of this service's operations", () => {
    const text = readFileSync("persisted-operations.json", "utf8");
    const { names } = PersistedOperations.parse(text);
    expect(names.size).toBe(operationFiles("operations").length);
  });
});

describe("a file of an operation", () => {
  test.for<[string, string, RegExp | undefined]>([
    ["that is valid", DOCUMENT, undefined],
    ["with fragments", "query A { ...F } fragment F on Query { b }", undefined],
    ["without a name", "{ b }", /^a.graphql: it has to hold one operation, with a name$/],
    ["with two", "query A { b } query B { b }", /one operation/],
    ["with none", "fragment F on Query { b }", /one operation/],
    ["that is no document", "query A {", /^a.graphql:1:10: Syntax Error/],
    ["of another schema", "query A { c }", /^a.graphql:1:11: Cannot query field "c"/],
    [
      "about the schema",
      "query A { __schema { types { name } } }",
      /a.graphql:1:11: .*introspection/,
    ],
    ["that is too long", `query A { ${"b ".repeat(20)}}`, /more than 20 tokens/],
    ["that is too deep", "query A { a { a { b } } }", /is 3 fields deep; 2 are allowed/],
    ["that costs too much", "query A { list { b } }", /costs 21; 10 are allowed/],
  ])("%s", ([, document, problem]) => {
    const { manifest, problems } = manifestOf([{ path: "a.graphql", document }], SCHEMA, LIMITS);
    if (problem === undefined) {
      expect([manifest, problems]).toEqual([{ [hashOf(document)]: document }, []]);
    } else {
      expect(problems).toEqual([expect.stringMatching(problem)]);
    }
  });

  test("has a name of its own", () => {
    const files = ["a", "b"].map((name) => ({ path: name, document: `${DOCUMENT} # ${name}` }));
    expect(manifestOf(files, SCHEMA, LIMITS).problems).toEqual(["b: its name A is that of a"]);
  });
});
