/** What is a document. */

import { type DocumentNode, parse, type Source } from "graphql";

/**
 * Parse a text.
 *
 * @throws GraphQLError it is no document of the GraphQL specification of September 2025, in which `{}`
 *   is none.
 */
export function parseDocument(text: string | Source): DocumentNode {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- until a later specification says so
  return parse(text, { allowEmptySelectionSets: false });
}
