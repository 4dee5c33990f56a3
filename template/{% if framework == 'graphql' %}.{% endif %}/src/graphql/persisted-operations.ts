/** Operations that are known beforehand, by the SHA-256 of their documents. */

import { hash } from "node:crypto";

import { Kind } from "graphql";

import { parseDocument } from "./document.ts";

/** The manifest cannot be used; the message says why. */
export class BadManifest extends Error {
  override readonly name = "BadManifest";
}

/** Documents by their hashes, and the names of their operations. */
export class PersistedOperations {
  readonly names: ReadonlySet<string>;
  readonly #documents: ReadonlyMap<string, string>;

  constructor(documents: Readonly<Record<string, string>>) {
    this.#documents = new Map(Object.entries(documents));
    this.names = new Set(Object.values(documents).flatMap(operationNames));
  }

  /**
   * Read `{"<sha256>": "<document>"}`.
   *
   * @throws BadManifest it is no such thing, or a document is not what its hash says.
   */
  static parse(text: string): PersistedOperations {
    let manifest: unknown;
    try {
      manifest = JSON.parse(text);
    } catch (error) {
      throw new BadManifest(`it is not JSON (${(error as Error).message})`);
    }
    if (typeof manifest !== "object" || manifest === null || Array.isArray(manifest)) {
      throw new BadManifest("it is not an object of documents by their hashes");
    }
    for (const [named, document] of Object.entries(manifest) as [string, unknown][]) {
      if (typeof document !== "string") {
        throw new BadManifest(`what ${named} names is not a document`);
      }
      const actual = hashOf(document);
      if (named !== actual) {
        throw new BadManifest(`the document under ${named} has the hash ${actual}`);
      }
    }
    return new PersistedOperations(manifest as Record<string, string>);
  }

  /** The document with this hash. */
  get(hash: string): string | undefined {
    return this.#documents.get(hash);
  }
}

/** What a document is persisted under. */
export function hashOf(document: string): string {
  return hash("sha256", document);
}

function operationNames(document: string): string[] {
  let definitions;
  try {
    ({ definitions } = parseDocument(document));
  } catch (error) {
    throw new BadManifest(`${hashOf(document)} cannot be parsed (${(error as Error).message})`);
  }
  return definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION && definition.name !== undefined
      ? [definition.name.value]
      : [],
  );
}
