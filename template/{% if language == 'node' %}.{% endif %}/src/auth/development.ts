/**
 * An issuer for one developer: a key in `.dev/`, and tokens signed with it.
 *
 * Production refuses both: the key by its id and the file it stands in.
 */

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { importJWK, SignJWT, type JWK } from "jose";

import { DEVELOPMENT_KID_PREFIX } from "./keys.ts";
import type { TokenRules } from "./tokens.ts";

const LIFETIME = "12 hours";

/** Whom a development token is for. */
export interface TokenHolder {
  readonly tenant: string;
  readonly subject: string;
  readonly scopes: readonly string[];
}

/** A token signed with the key in `directory`, which is made when absent. */
export async function mintToken(
  directory: string,
  rules: TokenRules,
  holder: TokenHolder,
): Promise<string> {
  const jwk = privateKey(directory);
  const claims = {
    [rules.tenantClaim]: holder.tenant,
    [rules.scopeClaim]: holder.scopes.join(" "),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: jwk.kid ?? DEVELOPMENT_KID_PREFIX })
    .setIssuer(rules.issuer)
    .setAudience(rules.audience)
    .setSubject(holder.subject)
    .setIssuedAt()
    .setExpirationTime(LIFETIME)
    .sign(await importJWK(jwk, "ES256"));
}

function privateKey(directory: string): JWK {
  const path = join(directory, "private-key.json");
  if (!existsSync(path)) {
    mkdirSync(directory, { recursive: true });
    const made = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const kid = `${DEVELOPMENT_KID_PREFIX}-${randomBytes(4).toString("hex")}`;
    write(path, { ...made.export({ format: "jwk" }), kid, use: "sig" }, 0o600);
  }
  const jwk = JSON.parse(readFileSync(path, "utf8")) as JWK;
  const jwks = join(directory, "jwks.json");
  if (!existsSync(jwks)) {
    const { kty, crv, x, y, kid, use } = jwk;
    write(jwks, { keys: [{ kty, crv, x, y, kid, use }] }, 0o644);
  }
  return jwk;
}

/** Whole or not at all. */
function write(path: string, document: object, mode: number): void {
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, JSON.stringify(document, undefined, 2), { mode, flag: "wx" });
  renameSync(partial, path);
}
