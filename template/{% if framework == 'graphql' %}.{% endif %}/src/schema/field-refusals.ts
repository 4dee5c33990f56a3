/** Why a field is null: errors that clients find beside the data, with stable codes. */

import { GraphQLError } from "graphql";

/** The token lacks a scope. */
export function forbidden(scope: string): GraphQLError {
  return new GraphQLError(`The token lacks the scope ${scope}.`, {
    extensions: { code: "forbidden", scope },
  });
}

/** An argument has the right type and cannot be used all the same. */
export function badArgument(argument: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "bad-request", argument } });
}
