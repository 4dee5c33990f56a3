/** What the engine tells of a schema: everything, or in production nothing that was not named. */

import { buildSchema } from "graphql";
import { describe, expect, test } from "vitest";

import type { Context } from "../../src/graphql/context.ts";
import { createEngine } from "../../src/graphql/yoga.ts";

const SCHEMA = buildSchema(`
  enum Colour { amber }
  input Filter { colour: Colour }
  type Query { things(filter: Filter): [String] }
`);

/** What is wrong with a document and its variables, in one text. */
async function faults(hidden: boolean, document: string, variables = {}): Promise<string> {
  const engine = createEngine(SCHEMA, { hidden })({} as Context);
  const parsed = engine.parse(document);
  const errors = engine.validate(SCHEMA, parsed);
  if (errors.length > 0) {
    return errors.map(({ message }) => message).join("\n");
  }
  const result = await engine.execute({
    schema: SCHEMA,
    document: parsed,
    variableValues: variables,
    contextValue: {},
  });
  return (result.errors ?? []).map(({ message }) => message).join("\n");
}

describe("a name that is nearly right", () => {
  test.for<[string, string, object]>([
    ["of a field", "{ thing }", {}],
    ["of an argument", "{ things(filte: null) }", {}],
    ["of a type", "query ($f: Filte) { things(filter: $f) }", {}],
    ["of a value", "{ things(filter: { colour: ambe }) }", {}],
    ["in a variable", "query ($f: Filter) { things(filter: $f) }", { f: { colou: "amber" } }],
    [
      "of a value in a variable",
      "query ($f: Filter) { things(filter: $f) }",
      { f: { colour: "ambe" } },
    ],
  ])("%s is corrected where the schema is open only", async ([, document, variables]) => {
    expect(await faults(false, document, variables)).toContain("Did you mean");
    const told = await faults(true, document, variables);
    expect(told).not.toBe("");
    expect(told).not.toContain("Did you mean");
  });
});

test.for(["{ __schema { types { name } } }", '{ __type(name: "Query") { name } }'])(
  "introspection is for an open schema: %s",
  async (document) => {
    expect(await faults(false, document)).toBe("");
    expect(await faults(true, document)).toContain("introspection has been disabled");
  },
);

test("the name of a type is told in either case, as clients need it", async () => {
  expect(await faults(true, "{ __typename }")).toBe("");
});
