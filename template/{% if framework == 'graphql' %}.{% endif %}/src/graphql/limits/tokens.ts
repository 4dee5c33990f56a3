/** How long a document is, before it is parsed. */

import { GraphQLError, Lexer, Source, TokenKind } from "graphql";

/** Whether a document has more than `limit` tokens; no more of it is looked at than that. */
export function hasMoreTokens(document: string, limit: number): boolean {
  if (document.length <= limit) {
    return false; // no token is empty
  }
  const lexer = new Lexer(new Source(document));
  try {
    for (let tokens = 0; lexer.advance().kind !== TokenKind.EOF;) {
      tokens += 1;
      if (tokens > limit) {
        return true;
      }
    }
  } catch (error) {
    if (!(error instanceof GraphQLError)) {
      throw error;
    }
    // The parser stumbles over the same character, and says where it is.
  }
  return false;
}
