/** Entity tags and conditional requests (RFC 9110, section 13). */

import type { IncomingHttpHeaders } from "node:http";

import type { HeaderParameter } from "./openapi.ts";
import { PRECONDITION_FAILED, PRECONDITION_REQUIRED, Problem } from "./problems.ts";

const ENTITY_TAG = /(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;
const LIST = /^[\s,]*(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"[\s,]*)+$/;

/** `If-Match`, for a route's `headers`. */
export const IF_MATCH: HeaderParameter = {
  name: "If-Match",
  required: false,
  description: "Go on only if the resource still has one of these ETags, or `*`.",
  schema: { type: "string" },
};

/** `If-None-Match`, for a route's `headers`. */
export const IF_NONE_MATCH: HeaderParameter = {
  name: "If-None-Match",
  required: false,
  description: "304 if the resource has one of these ETags, or `*`.",
  schema: { type: "string" },
};

/** The strong tag of a version. */
export function entityTag(version: number): string {
  return `"${version}"`;
}

/**
 * Refuse to go on with a resource that is not the one the caller has seen.
 *
 * @throws Problem 412 when If-Match names other versions (weak tags never match); 428 when it is
 *   absent though `required`.
 */
export function checkMatch(
  headers: IncomingHttpHeaders,
  etag: string,
  { required = false }: { required?: boolean } = {},
): void {
  const ifMatch = headers["if-match"]?.trim();
  if (ifMatch === undefined) {
    if (required) {
      throw new Problem(
        PRECONDITION_REQUIRED,
        "Send If-Match with the ETag of the version that you have read.",
      );
    }
    return;
  }
  if (ifMatch !== "*" && !tags(ifMatch).some(({ weak, tag }) => !weak && tag === etag)) {
    throw new Problem(PRECONDITION_FAILED, `The resource is at ${etag} now; read it again.`, {
      headers: { ETag: etag },
    });
  }
}

/** Whether If-None-Match says that the reader has this version; tags are compared weakly. */
export function isNotModified(headers: IncomingHttpHeaders, etag: string): boolean {
  const ifNoneMatch = headers["if-none-match"]?.trim();
  return (
    ifNoneMatch !== undefined &&
    (ifNoneMatch === "*" || tags(ifNoneMatch).some(({ tag }) => tag === etag))
  );
}

interface Tag {
  readonly weak: boolean;
  readonly tag: string;
}

/** A malformed list has none. */
function tags(field: string): Tag[] {
  if (!LIST.test(field)) {
    return [];
  }
  return Array.from(field.matchAll(ENTITY_TAG), ([, weak, tag = ""]) => ({
    weak: weak !== undefined,
    tag,
  }));
}
