/** Opaque cursors of keyset pages: where the next page begins, and to which list it belongs. */

import { hash } from "node:crypto";

import { canonicalJson } from "./json-body.ts";
import { BAD_REQUEST, Problem } from "./problems.ts";

const VERSION = 1;
const ID_BYTES = 16;
const CHECK_BYTES = 8;

/** The list that a cursor belongs to: its name, and its filters as text. */
export interface List {
  readonly of: string;
  readonly filters: Readonly<Record<string, string>>;
}

/**
 * A cursor for what comes after `lastId` in a list.
 *
 * The check sum only notices mistakes: a forged cursor reveals nothing, since every page is read
 * with the caller's own tenant.
 */
export function encodeCursor(lastId: string, list: List): string {
  const id = Buffer.from(lastId.replaceAll("-", ""), "hex");
  const bound = canonicalJson([list.of, list.filters, lastId]);
  const check = hash("sha256", bound, "buffer").subarray(0, CHECK_BYTES);
  return Buffer.concat([Buffer.of(VERSION), id, check]).toString("base64url");
}

/** The id after which the page begins; undefined when the cursor is damaged or another list's. */
export function readCursor(cursor: string, list: List): string | undefined {
  const data = Buffer.from(cursor, "base64url");
  if (data.length === 1 + ID_BYTES + CHECK_BYTES && data[0] === VERSION) {
    const hex = data.toString("hex", 1, 1 + ID_BYTES);
    const lastId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    // Compared as text too: base64 decoders overlook characters and trailing bits.
    if (cursor === encodeCursor(lastId, list)) {
      return lastId;
    }
  }
  return undefined;
}

/**
 * The id after which the page begins.
 *
 * @throws Problem 400 when the cursor is damaged, or was given out for another list or other filters.
 */
export function decodeCursor(cursor: string, list: List): string {
  const lastId = readCursor(cursor, list);
  if (lastId !== undefined) {
    return lastId;
  }
  throw new Problem(BAD_REQUEST, "The cursor is damaged or belongs to another list.", {
    errors: [
      {
        parameter: "cursor",
        code: "cursor",
        message: "Use nextCursor of the page before, with the same filters.",
      },
    ],
  });
}

/** The part of a query that chooses a page. */
export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * What to ask for: one more than the page holds shows whether another follows.
 *
 * @throws Problem see `decodeCursor`.
 */
export function pageAfter(
  { limit, cursor }: PageQuery,
  list: List,
): { before: string | undefined; limit: number } {
  const before = cursor === undefined ? undefined : decodeCursor(cursor, list);
  return { before, limit: limit + 1 };
}

/** The page, out of what `pageAfter` asked for. */
export function nextPage<Item extends { readonly id: string }>(
  found: readonly Item[],
  { limit }: PageQuery,
  list: List,
): { items: readonly Item[]; nextCursor: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = last && found.length > limit ? encodeCursor(last.id, list) : null;
  return { items, nextCursor };
}
