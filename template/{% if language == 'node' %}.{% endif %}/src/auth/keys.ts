/** The issuer's public keys (JWKS): fetched, cached, and refreshed when a new key id turns up. */

import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";

import { Unavailable } from "../domain/errors.ts";
import { log } from "../observability/logs.ts";
import { TokenBuckets } from "../rate-limit.ts";
import { InvalidToken } from "./principal.ts";

const FETCH_TIMEOUT_MS = 3_000;
export const DEVELOPMENT_KID_PREFIX = "development";

const MAX_AGE_MS = 600_000;
const RETRY_AFTER_FAILURE_MS = 10_000;
const MAX_DOCUMENT_BYTES = 1_000_000;
const SMALLEST_RSA_BITS = 2048;

// Tokens may use these and no other; a key is good only for the algorithms of its type, so a token
// cannot talk us into reading a public key as something else.
const ALGORITHMS_BY_KEY_TYPE: Readonly<Record<string, readonly string[]>> = {
  RSA: ["RS256", "PS256"],
  "EC P-256": ["ES256"],
  "OKP Ed25519": ["EdDSA"],
};

export const ALGORITHMS: ReadonlySet<string> = new Set(
  Object.values(ALGORITHMS_BY_KEY_TYPE).flat(),
);

/** A public key and the algorithms that it may verify. */
export interface VerificationKey {
  readonly kid: string | undefined;
  readonly algorithms: readonly string[];
  readonly publicKey: KeyObject;
}

/** Where the JWKS document comes from; rejects on any failure. */
export interface KeySource {
  /** The parsed document. */
  fetch(signal: AbortSignal): Promise<unknown>;
}

/** The JWKS over HTTP, found by OpenID Connect discovery unless its address is given. */
export class HttpKeySource implements KeySource {
  readonly #issuer: string;
  readonly #jwksUrl: string | undefined;
  #discovered: string | undefined;

  constructor(issuer: string, jwksUrl?: string) {
    this.#issuer = issuer;
    this.#jwksUrl = jwksUrl;
  }

  async fetch(signal: AbortSignal): Promise<unknown> {
    const url = this.#jwksUrl ?? (this.#discovered ??= await this.#discover(signal));
    try {
      return await fetchJson(url, signal);
    } catch (error) {
      this.#discovered = undefined; // the keys may have moved
      throw error;
    }
  }

  async #discover(signal: AbortSignal): Promise<string> {
    const base = this.#issuer.replace(/\/$/, "");
    const discovered = await fetchJson(`${base}/.well-known/openid-configuration`, signal);
    if (discovered["issuer"] !== this.#issuer) {
      throw new Error("the discovery document names another issuer");
    }
    if (typeof discovered["jwks_uri"] !== "string") {
      throw new Error("the discovery document has no jwks_uri");
    }
    return discovered["jwks_uri"];
  }
}

/** A JWKS in a file (`file:PATH`), for development. */
export class FileKeySource implements KeySource {
  readonly #path: string;

  constructor(url: string) {
    this.#path = decodeURIComponent(url.replace(/^file:(\/\/[^/]*)?/, ""));
  }

  async fetch(): Promise<unknown> {
    return JSON.parse(await readFile(this.#path, "utf8"));
  }
}

/**
 * The keys that are known now.
 *
 * A token with an unknown key id causes a refresh, so that a rotation is noticed at once; since
 * anybody can invent key ids, refreshes are limited. Keys that are ten minutes old are asked for anew
 * before one of them is believed again: the issuer may have withdrawn it. While it is away, those
 * known last stay good.
 */
export class KeySet {
  /** Rises when keys change: what was verified with withdrawn ones is to be forgotten. */
  generation = 0;

  readonly #source: KeySource;
  readonly #refuseDevelopmentKeys: boolean;
  readonly #refreshBudget = new TokenBuckets({ capacity: 3, perSecond: 0.2 });
  #keys: readonly VerificationKey[] = [];
  #refreshing: Promise<void> | undefined;
  #refreshAt = 0;
  /** When the keys of the last success are as old as they may be. */
  #freshUntil = 0;
  #reachable = false;
  readonly #clock: () => number;

  /** `clock` gives milliseconds that only grow. */
  constructor(
    source: KeySource,
    options: { refuseDevelopmentKeys: boolean },
    clock = () => performance.now(),
  ) {
    this.#source = source;
    this.#refuseDevelopmentKeys = options.refuseDevelopmentKeys;
    this.#clock = clock;
  }

  /**
   * The key that a token names in its header.
   *
   * @throws InvalidToken the issuer has no such key.
   * @throws Unavailable the key is unknown and the issuer cannot be asked.
   */
  async find(kid: string | undefined, algorithm: string): Promise<VerificationKey> {
    this.refreshWhenOld();
    let key = this.#known(kid, algorithm);
    const stale = this.#reachable && this.#clock() >= this.#freshUntil;
    if (stale || (key === undefined && (this.#refreshing || this.#refreshBudget.tryTake() === 0))) {
      await this.#refresh();
      key = this.#known(kid, algorithm);
    }
    if (key !== undefined) {
      return key;
    }
    if (!this.#reachable) {
      throw new Unavailable("The issuer's keys cannot be fetched at present.", { retryAfter: 5 });
    }
    throw new InvalidToken("signed with an unknown key");
  }

  /** Refresh in the background, for instance when the process starts. */
  refreshSoon(): void {
    this.#refreshAt = this.#clock() + MAX_AGE_MS;
    void this.#refresh();
  }

  /**
   * Refresh in the background once the keys are ten minutes old, so that what was verified with
   * withdrawn ones is forgotten although nobody asks for a key.
   */
  refreshWhenOld(): void {
    if (this.#keys.length > 0 && this.#clock() >= this.#refreshAt) {
      this.refreshSoon();
    }
  }

  /** The refresh that is under way, or a new one; never rejects. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#fetch().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #fetch(): Promise<void> {
    let keys: readonly VerificationKey[];
    try {
      const document = await this.#source.fetch(AbortSignal.timeout(FETCH_TIMEOUT_MS));
      keys = parseJwks(document, { refuseDevelopmentKeys: this.#refuseDevelopmentKeys });
    } catch (error) {
      log.warning("jwks refresh failed", { reason: reasonOf(error) });
      this.#refreshAt = this.#clock() + RETRY_AFTER_FAILURE_MS;
      this.#reachable = false;
      return;
    }
    if (fingerprint(keys) !== fingerprint(this.#keys)) {
      this.generation += 1;
    }
    this.#keys = keys;
    this.#reachable = true;
    this.#freshUntil = this.#refreshAt = this.#clock() + MAX_AGE_MS;
  }

  /** By key id; a token without one is fine as long as only one key can be meant. */
  #known(kid: string | undefined, algorithm: string): VerificationKey | undefined {
    const fitting = this.#keys.filter((key) => key.algorithms.includes(algorithm));
    if (kid === undefined) {
      return fitting.length === 1 ? fitting[0] : undefined;
    }
    return fitting.find((key) => key.kid === kid);
  }
}

/**
 * The usable signing keys of a JWKS; others are passed over, as RFC 7517 section 5 asks.
 *
 * @throws Error it is no JWKS.
 */
export function parseJwks(
  document: unknown,
  { refuseDevelopmentKeys }: { refuseDevelopmentKeys: boolean },
): VerificationKey[] {
  const entries = isRecord(document) ? document["keys"] : undefined;
  if (!Array.isArray(entries)) {
    throw new TypeError("the document has no list `keys`");
  }
  return entries.filter(isRecord).flatMap((entry) => {
    const { kid, use = "sig" } = entry;
    if (use !== "sig") {
      return [];
    }
    if (refuseDevelopmentKeys && String(kid).startsWith(DEVELOPMENT_KID_PREFIX)) {
      log.error("development key refused in production", { kid });
      return [];
    }
    return verificationKey(entry) ?? [];
  });
}

function verificationKey(entry: Record<string, unknown>): VerificationKey | undefined {
  const { kty, crv, alg, kid, n, e, x, y } = entry;
  const type = [kty, crv].filter((part) => typeof part === "string").join(" ");
  const algorithms = (ALGORITHMS_BY_KEY_TYPE[type] ?? []).filter(
    (algorithm) => alg === undefined || alg === algorithm,
  );
  if (algorithms.length === 0) {
    return undefined;
  }
  try {
    // Only the public members, also of an entry that holds the private ones.
    const jwk = { kty, crv, n, e, x, y } as JsonWebKey;
    const publicKey = createPublicKey({ key: jwk, format: "jwk" });
    if ((publicKey.asymmetricKeyDetails?.modulusLength ?? Infinity) < SMALLEST_RSA_BITS) {
      return undefined;
    }
    return { kid: typeof kid === "string" ? kid : undefined, algorithms, publicKey };
  } catch {
    return undefined;
  }
}

async function fetchJson(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const headers = { accept: "application/json" };
  const reply = await fetch(url, { headers, signal, redirect: "manual" });
  if (!reply.ok || reply.body === null) {
    await reply.body?.cancel();
    throw new Error(`${url} answered ${reply.status}`);
  }
  const stream: ReadableStream<Uint8Array> = reply.body;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_DOCUMENT_BYTES) {
      throw new Error("the document is too large");
    }
  }
  const document: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  if (!isRecord(document)) {
    throw new TypeError("the document is not a JSON object");
  }
  return document;
}

function fingerprint(keys: readonly VerificationKey[]): string {
  const described = keys.map(({ kid, algorithms, publicKey }) =>
    JSON.stringify([kid, algorithms, publicKey.export({ format: "jwk" })]),
  );
  return described.sort().join("\n");
}

/** `fetch` hides what went wrong in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error ? `${String(error)}: ${cause.message}` : String(error);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
