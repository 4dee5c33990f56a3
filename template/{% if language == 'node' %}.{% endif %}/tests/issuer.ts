/** An issuer for tests: keys of every kind, and a server that publishes them and can go away. */

import {
  constants,
  createHmac,
  generateKeyPairSync,
  sign,
  type JsonWebKey,
  type KeyObject,
} from "node:crypto";

import { serveForTest } from "./http.ts";

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const WEAK_RSA = generateKeyPairSync("rsa", { modulusLength: 1024 });
export const P256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const P384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
export const ED25519 = generateKeyPairSync("ed25519");

export function jwk(keys: KeyPair, kid: string, more: object = {}): JsonWebKey {
  return { ...keys.publicKey.export({ format: "jwk" }), kid, ...more };
}

/** A token that anybody could have made up; the signature is that of nothing unless given. */
export function forged(header: object, claims: object, signature = Buffer.from("x")): string {
  return `${encoded(header)}.${encoded(claims)}.${signature.toString("base64url")}`;
}

/** A token signed with a private key, whatever the algorithm's own rules say about the key. */
export function signed(
  keys: KeyPair,
  header: { alg: string; kid?: unknown },
  claims: object,
): string {
  const input = Buffer.from(`${encoded(header)}.${encoded(claims)}`);
  const hash = header.alg === "EdDSA" ? null : `sha${header.alg.slice(2)}`;
  const signature = sign(hash, input, {
    key: keys.privateKey,
    dsaEncoding: "ieee-p1363",
    ...(header.alg.startsWith("PS")
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {}),
  });
  return `${input.toString()}.${signature.toString("base64url")}`;
}

/** A token whose HMAC has the public key as its secret: the oldest trick against verifiers. */
export function signedWithThePublicKey(keys: KeyPair, kid: string, claims: object): string {
  const input = `${encoded({ alg: "HS256", kid })}.${encoded(claims)}`;
  const secret = keys.publicKey.export({ format: "pem", type: "spki" });
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

/** What an OpenID Connect provider publishes. */
export class Issuer {
  url = "";
  keys: unknown[];
  away = false;
  /** The paths that were asked for, in this order. */
  readonly asked: string[] = [];

  static async start(...keys: unknown[]): Promise<Issuer> {
    const issuer = new Issuer(keys);
    issuer.url = await serveForTest((request, reply) => {
      issuer.asked.push(request.url ?? "");
      if (issuer.away) request.socket.destroy();
      else reply.end(JSON.stringify(issuer.#document(request.url)));
    });
    return issuer;
  }

  private constructor(keys: unknown[]) {
    this.keys = keys;
  }

  /** How often the keys were fetched. */
  get fetches(): number {
    return this.asked.filter((path) => path === "/keys").length;
  }

  #document(path: string | undefined): object {
    if (path === "/keys") return { keys: this.keys };
    return { issuer: this.url, jwks_uri: `${this.url}/keys` };
  }
}

/** An issuer with keys of every kind, the good ones and the ones to be careful with. */
export function startIssuer(): Promise<Issuer> {
  return Issuer.start(
    jwk(RSA, "rsa"),
    jwk(RSA, "rsa-only-ps", { alg: "PS256" }),
    jwk(RSA, "for-encryption", { use: "enc" }),
    jwk(WEAK_RSA, "weak"),
    jwk(P256, "ec"),
    jwk(P384, "p384"),
    jwk(ED25519, "ed"),
  );
}
