/** What a refused request is answered: one error, as GraphQL has them. */

import { GRAPHQL, preferredMediaType } from "./media-types.ts";
import type { Refuse } from "./problems.ts";

/** The document that tells of a problem, and its media type. */
export const refusalOf: Refuse = ({ kind, detail }, context, { accept }) => ({
  mediaType: preferredMediaType(accept) ?? GRAPHQL,
  document: {
    errors: [
      { message: detail, extensions: { code: kind.slug, requestId: context?.requestId ?? "" } },
    ],
  },
});
