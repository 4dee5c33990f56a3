/** What a refused request is answered: problem details (RFC 9457). */

import type { Refuse } from "./problems.ts";

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** The document that tells of a problem, and its media type. */
export const refusalOf: Refuse = ({ kind, detail, errors }, context) => ({
  mediaType: PROBLEM_MEDIA_TYPE,
  document: {
    type: `/problems/${kind.slug}`,
    title: kind.title,
    status: kind.status,
    detail,
    instance: context === undefined ? "" : asUriPath(context.path),
    requestId: context === undefined ? "" : context.requestId,
    errors: errors.length === 0 ? undefined : errors,
  },
});

/** A path as it was sent, with what no URI may hold (RFC 3986) encoded. */
function asUriPath(path: string): string {
  return path.replace(/%(?![\dA-Fa-f]{2})|[^\w\-.~:@!$&'()*+,;=/%]/g, encodeURIComponent);
}
