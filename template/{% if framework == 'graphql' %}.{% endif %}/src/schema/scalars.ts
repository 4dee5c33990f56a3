/** Types of single values. */

import { GraphQLError } from "graphql";

import { momentOf } from "../schemas/fields.ts";
import { builder } from "./builder.ts";

builder.scalarType("DateTime", {
  description: "A moment in UTC (RFC 3339 with Z).",
  serialize: (moment) => moment.toISOString(),
  parseValue(value) {
    const moment = typeof value === "string" ? momentOf(value) : undefined;
    if (moment === undefined) {
      throw new GraphQLError("Value should be an RFC 3339 time such as 2026-01-31T12:00:00Z.");
    }
    return moment;
  },
});
