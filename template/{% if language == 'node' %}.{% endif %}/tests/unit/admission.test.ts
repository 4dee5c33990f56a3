/** Who comes in, who is refused, and who pays for a refusal. */

import { describe, expect, test } from "vitest";

import { HttpKeySource, KeySet } from "../../src/auth/keys.ts";
import { InvalidToken } from "../../src/auth/principal.ts";
import { TokenVerifier } from "../../src/auth/tokens.ts";
import { Admission, bearerToken } from "../../src/http/admission.ts";
import { Problem } from "../../src/http/problems.ts";
import type { RequestContext } from "../../src/observability/context.ts";
import { Metrics } from "../../src/observability/metrics.ts";
import { LocalRateLimiter, type RateLimiter } from "../../src/rate-limit.ts";
import { Issuer, jwk, P256, signed } from "../issuer.ts";

const RULES = {
  issuer: "https://issuer",
  audience: "shop",
  tenantClaim: "tenant",
  scopeClaim: "scope",
};

const metrics = new Metrics();

async function admission(limiter?: RateLimiter): Promise<Admission> {
  const issuer = await Issuer.start(jwk(P256, "ec"));
  const source = new HttpKeySource(RULES.issuer, `${issuer.url}/keys`);
  const keys = new KeySet(source, { refuseDevelopmentKeys: false });
  return new Admission(new TokenVerifier(keys, RULES), limiter, metrics);
}

function requestFrom(address: string): RequestContext {
  return { requestId: "r", method: "GET", path: "/", started: 0, address, secure: false };
}

function bearer(claims: { tenant?: string; sub?: string; scope?: string } = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const sound = { iss: RULES.issuer, aud: RULES.audience, exp, tenant: "acme", sub: "ada" };
  return `Bearer ${signed(P256, { alg: "ES256", kid: "ec" }, { ...sound, ...claims })}`;
}

/** The status of a refusal; 200 for a caller who is admitted. */
async function statusOf(admitting: Promise<unknown>): Promise<number> {
  try {
    await admitting;
    return 200;
  } catch (error) {
    if (error instanceof InvalidToken) return 401;
    if (error instanceof Problem) return error.kind.status;
    throw error;
  }
}

/** The outcomes of attempts, made one after the other. */
async function statusesOf(attempts: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const attempt of attempts) statuses.push(await statusOf(attempt()));
  return statuses;
}

test("a caller with every scope comes in, and the request knows whose it is", async () => {
  const request = requestFrom("10.0.0.1");
  const scope = "things:read things:write";
  const caller = await (await admission()).admit(request, bearer({ scope }), ["things:read"]);
  expect(caller).toMatchObject({ tenant: "acme", subject: "ada" });
  expect(request).toMatchObject({ tenant: "acme", subject: "ada" });
});

test("a caller without the scope is told which one it takes", async () => {
  const admitting = (await admission()).admit(requestFrom("10.0.0.1"), bearer(), ["things:write"]);
  await expect(admitting).rejects.toMatchObject({
    kind: { status: 403 },
    headers: { "WWW-Authenticate": 'Bearer error="insufficient_scope", scope="things:write"' },
  });
});

test.for([undefined, "", "Bearer", "Bearer ", "Basic YTpi", "bearertoken"])(
  "in %j there is no bearer token",
  (authorization) => {
    expect(() => bearerToken(authorization)).toThrow(
      expect.objectContaining({ headers: { "WWW-Authenticate": "Bearer" } }),
    );
  },
);

test.for(["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "])("in %j there is one", (header) => {
  expect(bearerToken(header)).toBe("a.b.c");
});

describe("a limit of three requests a minute", () => {
  test("is each principal's own, also of those who may not do it", async () => {
    const door = await admission(new LocalRateLimiter(3));
    const by = (sub: string) => () => door.admit(requestFrom("10.0.0.1"), bearer({ sub }), ["x"]);
    const [ada, bob] = [by("ada"), by("bob")];
    expect(await statusesOf([ada, ada, ada, ada, bob])).toEqual([403, 403, 403, 429, 403]);
    await expect(ada()).rejects.toMatchObject({
      headers: { "Retry-After": expect.stringMatching(/^(1?\d|20)$/) as string },
    });
  });

  test("is shared by no two tenants, whatever their names", async () => {
    const door = await admission(new LocalRateLimiter(1));
    const by = (tenant: string, sub: string) => () =>
      door.admit(requestFrom("10.0.0.1"), bearer({ tenant, sub }), []);
    const callers = [by("a b", "c"), by("a", "b c"), by("a b", "c")];
    expect(await statusesOf(callers)).toEqual([200, 200, 429]);
  });

  test("makes an address pay for failed logins, and for nothing else", async () => {
    const door = await admission(new LocalRateLimiter(3));
    const guess = () => door.admit(requestFrom("10.0.0.1"), "Bearer x", []);
    const login = (address: string) => () => door.admit(requestFrom(address), bearer(), []);
    const here = login("10.0.0.1");
    expect(await statusesOf([here, guess, guess, guess, guess])).toEqual([200, 401, 401, 401, 429]);
    expect(await statusesOf([here, login("10.0.0.2")])).toEqual([429, 200]);
  });
});

test.for<[string, RateLimiter]>([
  ["throws", { take: fail, wait: fail }],
  ["rejects", { take: failSoon, wait: failSoon }],
])("a limiter that %s lets everybody in, and is counted", async ([, limiter]) => {
  const before = await failuresCounted();
  const door = await admission(limiter);
  expect(await statusOf(door.admit(requestFrom("10.0.0.1"), bearer(), []))).toBe(200);
  expect((await failuresCounted()) - before).toBe(2); // asked for the address and the principal
});

function failSoon(): Promise<never> {
  return Promise.reject(new Error("away"));
}

function fail(): never {
  throw new Error("away");
}

async function failuresCounted(): Promise<number> {
  return Number(/^rate_limiter_failures_total (\d+)$/m.exec(await metrics.text())?.[1]);
}
