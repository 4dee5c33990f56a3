/** What holds of the whole schema, also of your part of it. */

import {
  type GraphQLOutputType,
  getNamedType,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  validateSchema,
} from "graphql";
import { describe, expect, it } from "vitest";

import { builder } from "../../src/schema/builder.ts";
import { buildSchema } from "../../src/schema/index.ts";

const schema = buildSchema();
const types = Object.values(schema.getTypeMap()).filter(
  (type) => isObjectType(type) && !type.name.startsWith("__"),
);
const fields = types.flatMap((type) =>
  isObjectType(type) ? Object.values(type.getFields()).map((field) => ({ type, field })) : [],
);

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

describe("the schema", () => {
  it("is one", () => {
    expect(validateSchema(schema)).toEqual([]);
  });

  it("has nothing that any caller may ask, but what checks the scope of what it finds", () => {
    const roots = fields.filter(({ type }) => type.name === "Query" || type.name === "Mutation");
    const open = roots.filter(({ field }) => typeof field.extensions["scope"] !== "string");
    expect(open.map(({ field }) => field.name)).toEqual(schema.getType("Node") ? ["node"] : []);
  });

  it("leaves null, and not its parent, where a field with a scope is refused", () => {
    const scoped = fields.filter(({ field }) => typeof field.extensions["scope"] === "string");
    const strict = scoped.filter(({ field }) => String(field.type).endsWith("!"));
    expect(scoped).not.toEqual([]);
    expect(strict.map(({ type, field }) => `${type.name}.${field.name}`)).toEqual([]);
  });

  it("says of each list without 'first' how long it may be, since that is its cost", () => {
    const lists = fields.filter(
      ({ field }) => isList(field.type) && isCompositeType(getNamedType(field.type)),
    );
    const silent = lists.filter(
      ({ type, field }) =>
        typeof field.extensions["size"] !== "number" &&
        // The connection's `first` says how many; what is wrong with an input is not longer than it.
        !(type.name.endsWith("Connection") && field.name === "edges") &&
        type.name !== "ValidationError",
    );
    expect(silent.map(({ type, field }) => `${type.name}.${field.name}`)).toEqual([]);
  });

  it("refuses to be built with a field of Query that says no scope", () => {
    expect(() => {
      builder.queryField("careless", (t) => t.string({ resolve: () => "" } as never));
      builder.toSchema();
    }).toThrow("Query.careless says no scope");
  });
});
