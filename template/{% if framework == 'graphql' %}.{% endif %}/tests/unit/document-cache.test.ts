/** What is kept of documents, and how much of it. */

import { expect, test } from "vitest";

import { DocumentCache } from "../../src/graphql/document-cache.ts";

/** A document of this many characters. */
function document(name: number, length = 10): string {
  return String(name).padEnd(length, "#");
}

/** Those of these documents that a cache still has after all of them were put into it. */
function kept(documents: readonly string[], used?: string): string[] {
  const cache = new DocumentCache<true>();
  for (const one of documents) {
    cache.set(one, true);
    if (used !== undefined) {
      cache.get(used);
    }
  }
  return documents.filter((one) => cache.get(one) === true);
}

function many(count: number, length?: number): string[] {
  return Array.from({ length: count }, (_, name) => document(name, length));
}

test.for<[string, string[], number]>([
  ["short documents", many(500), 500],
  ["more documents than there is place for", many(502), 500],
  ["long documents", many(100, 20_000), 12],
  ["documents that are too long", many(3, 20_001), 0],
  ["one document again and again", Array<string>(100).fill(document(1, 20_000)), 100],
])("of %s the last are kept", ([, documents, count]) => {
  expect(kept(documents)).toEqual(documents.slice(documents.length - count));
});

test("what is used stays", () => {
  const documents = many(600);
  expect(kept(documents, documents[0])).toContain(documents[0]);
  expect(kept(documents, documents[0])).not.toContain(documents[1]);
});
