/** Which tokens are believed: a table of honest and hostile ones. */

import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test, vi } from "vitest";

import { HttpKeySource, KeySet } from "../../src/auth/keys.ts";
import { InvalidToken } from "../../src/auth/principal.ts";
import { TokenVerifier } from "../../src/auth/tokens.ts";
import {
  ED25519,
  forged,
  jwk,
  P256,
  P384,
  RSA,
  signed,
  signedWithThePublicKey,
  startIssuer,
  WEAK_RSA,
  type Issuer,
} from "../issuer.ts";

const RULES = {
  issuer: "https://issuer",
  audience: "shop",
  tenantClaim: "tenant",
  scopeClaim: "scope",
};

function verifierOf(issuer: Issuer, clock = Date.now): TokenVerifier {
  const source = new HttpKeySource(RULES.issuer, `${issuer.url}/keys`);
  return new TokenVerifier(new KeySet(source, { refuseDevelopmentKeys: false }), RULES, clock);
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Sound claims with changes; `undefined` leaves one out. */
function claims(changes: Record<string, unknown> = {}): object {
  return {
    iss: "https://issuer",
    aud: "shop",
    sub: "ada",
    exp: now() + 300,
    tenant: "acme",
    scope: "things:read things:write",
    ...changes,
  };
}

function rs256(changes: Record<string, unknown> = {}, kid: unknown = "rsa"): string {
  return signed(RSA, { alg: "RS256", kid }, claims(changes));
}

// Tokens are made when a test runs: some depend on the time.
describe("believes", () => {
  test.for(
    Object.entries({
      RS256: () => rs256(),
      PS256: () => signed(RSA, { alg: "PS256", kid: "rsa" }, claims()),
      "PS256 by a key for nothing else": () =>
        signed(RSA, { alg: "PS256", kid: "rsa-only-ps" }, claims()),
      ES256: () => signed(P256, { alg: "ES256", kid: "ec" }, claims()),
      EdDSA: () => signed(ED25519, { alg: "EdDSA", kid: "ed" }, claims()),
      "no key id where one key can be meant": () => signed(P256, { alg: "ES256" }, claims()),
      "an audience among others": () => rs256({ aud: ["other", "shop"] }),
      "expired within the leeway": () => rs256({ exp: now() - 30 }),
      "valid in a moment, within the leeway": () => rs256({ nbf: now() + 30 }),
    }),
  )("%s", async ([, mint]) => {
    const principal = await verifierOf(await startIssuer()).verify(mint());
    expect(principal).toMatchObject({ tenant: "acme", subject: "ada" });
    expect([...principal.scopes]).toEqual(["things:read", "things:write"]);
  });

  test.for(["a b", ["a", "b"]])("scopes as %j", async (scope) => {
    const principal = await verifierOf(await startIssuer()).verify(rs256({ scope }));
    expect([...principal.scopes]).toEqual(["a", "b"]);
  });
});

describe("refuses", () => {
  test.for(
    Object.entries({
      "no token at all": (): string => "x",
      "two dots": (): string => "..",
      "an unsigned one": () => forged({ alg: "none" }, claims(), Buffer.from("")),
      "an algorithm in capitals": () => forged({ alg: "NONE" }, claims()),
      "an algorithm that is a list": () => forged({ alg: ["RS256"], kid: "rsa" }, claims()),
      "an HMAC with the public key as its secret": () =>
        signedWithThePublicKey(RSA, "rsa", claims()),
      "ES384, which is sound but not accepted": () =>
        signed(P384, { alg: "ES384", kid: "p384" }, claims()),
      "ES256 with the wrong key": () =>
        signed(
          generateKeyPairSync("ec", { namedCurve: "P-256" }),
          { alg: "ES256", kid: "ec" },
          claims(),
        ),
      "RS256 by a key that is for PS256": () => rs256({}, "rsa-only-ps"),
      "a key that is for encryption": () => rs256({}, "for-encryption"),
      "a key that is too short": () => signed(WEAK_RSA, { alg: "RS256", kid: "weak" }, claims()),
      "an unknown key": () => rs256({}, "unknown"),
      "a key id that is no string": () => rs256({}, ["rsa"]),
      "no key id where several can be meant": () => signed(RSA, { alg: "PS256" }, claims()),
      "a header that must be understood": () =>
        signed(RSA, { alg: "RS256", kid: "rsa", ...{ crit: ["b64"], b64: false } }, claims()),
      "another issuer": () => rs256({ iss: "https://issuer/" }),
      "another audience": () => rs256({ aud: "other" }),
      "no audience": () => rs256({ aud: undefined }),
      "no expiry": () => rs256({ exp: undefined }),
      expired: () => rs256({ exp: now() - 61 }),
      "not valid yet": () => rs256({ nbf: now() + 120 }),
      "an expiry that is no number": () => rs256({ exp: "soon" }),
      "no subject": () => rs256({ sub: undefined }),
      "a subject that is no string": () => rs256({ sub: 7 }),
      "no tenant": () => rs256({ tenant: undefined }),
      "an empty tenant": () => rs256({ tenant: "" }),
      "a tenant of 65 characters": () => rs256({ tenant: "t".repeat(65) }),
      "a tenant that is a number": () => rs256({ tenant: 7 }),
      "a tenant with U+0000": () => rs256({ tenant: "a\0b" }),
      "scopes that are a number": () => rs256({ scope: 7 }),
      "claims that are a list": () => signed(RSA, { alg: "RS256", kid: "rsa" }, [claims()]),
      "a token of a megabyte": () => "a".repeat(1_000_000),
    }),
  )("%s", async ([, mint]) => {
    const verifying = verifierOf(await startIssuer()).verify(mint());
    await expect(verifying).rejects.toBeInstanceOf(InvalidToken);
  });

  test("a payload that was changed", async () => {
    const [header, , signature] = rs256().split(".");
    const [, payload] = rs256({ tenant: "other" }).split(".");
    const verifying = verifierOf(await startIssuer()).verify(`${header}.${payload}.${signature}`);
    await expect(verifying).rejects.toBeInstanceOf(InvalidToken);
  });
});

test("a verified token is remembered until it expires", async () => {
  let time = Date.now();
  const verifier = verifierOf(await startIssuer(), () => time);
  const token = rs256({ exp: now() + 100 });
  const first = await verifier.verify(token);
  expect(await verifier.verify(token)).toBe(first);
  time += 101_000;
  expect(await verifier.verify(token)).not.toBe(first); // within the leeway, but checked anew
  time += 60_000;
  await expect(verifier.verify(token)).rejects.toBeInstanceOf(InvalidToken);
});

test("tokens of a withdrawn key are forgotten", async () => {
  const issuer = await startIssuer();
  const verifier = verifierOf(issuer);
  const token = rs256();
  await verifier.verify(token);
  issuer.keys = [jwk(P256, "ec")];
  const causesARefresh = rs256({}, "unknown");
  await expect(verifier.verify(causesARefresh)).rejects.toBeInstanceOf(InvalidToken);
  await expect(verifier.verify(token)).rejects.toBeInstanceOf(InvalidToken);
});

test("a token is not remembered when its key is withdrawn while it is verified", async () => {
  const issuer = await startIssuer();
  const source = new HttpKeySource(RULES.issuer, `${issuer.url}/keys`);
  const keys = new KeySet(source, { refuseDevelopmentKeys: false });
  const verifier = new TokenVerifier(keys, RULES);
  const token = rs256();
  const find = keys.find.bind(keys);
  vi.spyOn(keys, "find").mockImplementationOnce(async (...wanted) => {
    const key = await find(...wanted);
    setImmediate(() => keys.generation++); // as a refresh does that finds other keys
    return key;
  });
  const first = await verifier.verify(token);
  expect(await verifier.verify(token)).not.toBe(first);
});
