/** Bearer tokens: verified against the issuer's keys, remembered until they expire. */

import { hash } from "node:crypto";

import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from "jose";

import { ALGORITHMS, type KeySet, type VerificationKey } from "./keys.ts";
import { InvalidToken, type Principal } from "./principal.ts";

const LEEWAY_S = 60;
const MAX_TOKEN_LENGTH = 16_384;
const MAX_REMEMBERED = 10_000;

/** What a token must say; claim names come from TENANT_CLAIM and SCOPE_CLAIM. */
export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  readonly tenantClaim: string;
  readonly scopeClaim: string;
}

/**
 * Turns a token into a principal.
 *
 * A verified token is remembered by its SHA-256 until it expires, since checking a signature costs
 * more than all the rest of a request; the tokens themselves are not kept.
 */
export class TokenVerifier {
  readonly #keys: KeySet;
  readonly #rules: TokenRules;
  readonly #clock: () => number;
  readonly #remembered = new Map<string, Principal>();
  #generation: number;

  /** `clock` gives milliseconds since the epoch. */
  constructor(keys: KeySet, rules: TokenRules, clock: () => number = Date.now) {
    this.#keys = keys;
    this.#rules = rules;
    this.#clock = clock;
    this.#generation = keys.generation;
  }

  /**
   * The principal that the token speaks for.
   *
   * @throws InvalidToken it is malformed, expired, not for us, or not signed by the issuer.
   * @throws Unavailable its key is unknown and the issuer cannot be asked.
   */
  async verify(token: string): Promise<Principal> {
    this.#keys.refreshWhenOld();
    this.#forgetWithdrawn();
    const digest = hash("sha256", token, "base64");
    const remembered = this.#remembered.get(digest);
    if (remembered !== undefined && this.#clock() < remembered.expiresAt * 1000) {
      return remembered;
    }
    const { algorithm, kid } = readHeader(token);
    const key = await this.#keys.find(kid, algorithm);
    this.#forgetWithdrawn(); // finding it may have refreshed the keys
    const generation = this.#generation;
    const claims = await this.#verifiedClaims(token, algorithm, key);
    const principal = readPrincipal(claims, this.#rules);
    // The keys may have changed once more meanwhile, and this one may be withdrawn.
    if (generation === this.#keys.generation) {
      this.#remember(digest, principal);
    }
    return principal;
  }

  #remember(digest: string, principal: Principal): void {
    this.#remembered.set(digest, principal);
    if (this.#remembered.size > MAX_REMEMBERED) {
      const [oldest = digest] = this.#remembered.keys();
      this.#remembered.delete(oldest);
    }
  }

  /** Believe nothing that a key has signed which the issuer may have taken back. */
  #forgetWithdrawn(): void {
    if (this.#generation !== this.#keys.generation) {
      this.#generation = this.#keys.generation;
      this.#remembered.clear();
    }
  }

  async #verifiedClaims(
    token: string,
    algorithm: string,
    { publicKey }: VerificationKey,
  ): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, publicKey, {
        algorithms: [algorithm],
        issuer: this.#rules.issuer,
        audience: this.#rules.audience,
        clockTolerance: LEEWAY_S,
        currentDate: new Date(this.#clock()),
        requiredClaims: ["exp", "iss", "aud", "sub"],
      });
      return payload;
    } catch (error) {
      throw new InvalidToken(faultOf(error), { cause: error });
    }
  }
}

interface TokenHeader {
  readonly algorithm: string;
  readonly kid: string | undefined;
}

/** What a token says about its signature, which nobody has checked yet. */
function readHeader(token: string): TokenHeader {
  if (token.length > MAX_TOKEN_LENGTH) {
    throw new InvalidToken("too long");
  }
  let header: { alg?: unknown; kid?: unknown };
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw new InvalidToken("not a JSON Web Token");
  }
  const { alg: algorithm, kid } = header;
  if (typeof algorithm !== "string" || !ALGORITHMS.has(algorithm)) {
    throw new InvalidToken("signed with an algorithm that is not accepted");
  }
  if (kid !== undefined && typeof kid !== "string") {
    throw new InvalidToken("not a JSON Web Token");
  }
  return { algorithm, kid };
}

function faultOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) {
    return "expired";
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === "missing") {
      return `without the claim ${error.claim}`;
    }
    if (error.reason === "check_failed") {
      switch (error.claim) {
        case "nbf":
          return "not valid yet";
        case "aud":
          return "meant for another audience";
        case "iss":
          return "from another issuer";
      }
    }
  }
  return "not signed by the issuer";
}

// Opaque text that PostgreSQL and a log line can hold: printable, and counted in characters.
const PRINTABLE = String.raw`(?:[^\p{C}\p{Z}]| )`;
const TENANT = new RegExp(`^${PRINTABLE}{1,64}$`, "u");
const SUBJECT = new RegExp(`^${PRINTABLE}{1,255}$`, "u");

/**
 * The principal that verified claims describe.
 *
 * @throws InvalidToken the tenant, subject or scope has a form that this service cannot use.
 */
function readPrincipal(claims: JWTPayload, rules: TokenRules): Principal {
  const tenant = claims[rules.tenantClaim];
  if (typeof tenant !== "string" || !TENANT.test(tenant)) {
    throw new InvalidToken(`without a usable claim ${rules.tenantClaim}`);
  }
  const subject: unknown = claims.sub;
  if (typeof subject !== "string" || !SUBJECT.test(subject)) {
    throw new InvalidToken("without a usable claim sub");
  }
  const granted = claims[rules.scopeClaim] === undefined ? "" : claims[rules.scopeClaim];
  const scopes: unknown = typeof granted === "string" ? granted.split(/\s+/) : granted;
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === "string")) {
    throw new InvalidToken(`without a usable claim ${rules.scopeClaim}`);
  }
  return { tenant, subject, scopes: new Set(scopes), expiresAt: claims.exp ?? 0 };
}
