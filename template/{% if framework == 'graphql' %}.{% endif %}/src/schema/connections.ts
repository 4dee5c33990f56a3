/** Relay connections over keyset pages: newest first, forward only, without a total. */

import { encodeCursor, type List, readCursor } from "../http/cursors.ts";
import { builder } from "./builder.ts";
import { badArgument } from "./field-refusals.ts";

const DEFAULT_SIZE = 20;
const MAX_SIZE = 100;

/** The arguments of every connection. */
export const pageArguments = builder.args((t) => ({
  first: t.int({ defaultValue: DEFAULT_SIZE, description: `Most edges, 1 to ${MAX_SIZE}.` }),
  after: t.string({ description: "A cursor of the same list, with the same filters." }),
}));

/** The page that the arguments name: `first` things of a list, older than `before`. */
export interface Page {
  readonly list: List;
  readonly first: number;
  readonly before: string | undefined;
  readonly isFirst: boolean;
}

/**
 * The page that the arguments of a field name.
 *
 * @throws GraphQLError one of them cannot be used.
 */
export function pageOf(
  { first, after }: { first?: number | null | undefined; after?: string | null | undefined },
  list: List,
): Page {
  const size = first ?? DEFAULT_SIZE;
  if (size < 1 || size > MAX_SIZE) {
    throw badArgument("first", `The argument 'first' takes 1 to ${MAX_SIZE}.`);
  }
  const before = after == null ? undefined : readCursor(after, list);
  if (after != null && before === undefined) {
    throw badArgument("after", "The cursor is damaged or belongs to another list.");
  }
  return { list, first: size, before, isFirst: before === undefined };
}

/** What to read for a page: one more than it holds shows whether another follows. */
export function rangeOf({ before, first }: Page): { before: string | undefined; limit: number } {
  return { before, limit: first + 1 };
}

/** The connection, out of what `rangeOf` asked for. Cursors are made when they are selected. */
export function connectionOf<Thing extends { readonly id: string }>(
  found: readonly Thing[],
  { list, first, isFirst }: Page,
) {
  const things = found.slice(0, first);
  const cursorOf = (thing: Thing | undefined) =>
    thing === undefined ? null : encodeCursor(thing.id, list);
  return {
    edges: things.map((node) => ({
      node,
      get cursor() {
        return encodeCursor(node.id, list);
      },
    })),
    pageInfo: {
      hasNextPage: found.length > first,
      hasPreviousPage: !isFirst,
      get startCursor() {
        return cursorOf(things[0]);
      },
      get endCursor() {
        return cursorOf(things.at(-1));
      },
    },
  };
}
