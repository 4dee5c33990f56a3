/** The issuer's keys: cached, refreshed on demand, and never a way to hammer the issuer. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";

import { FileKeySource, HttpKeySource, KeySet, parseJwks } from "../../src/auth/keys.ts";
import { InvalidToken } from "../../src/auth/principal.ts";
import { Unavailable } from "../../src/domain/errors.ts";
import { serveForTest } from "../http.ts";
import { Issuer, jwk, P256 } from "../issuer.ts";

const TEN_MINUTES = 600_000;

function keySetOf(issuer: Issuer, clock?: () => number): KeySet {
  const source = new HttpKeySource(issuer.url, `${issuer.url}/keys`);
  return new KeySet(source, { refuseDevelopmentKeys: true }, clock);
}

describe("a set of keys", () => {
  test("finds a new key at once", async () => {
    const issuer = await Issuer.start(jwk(P256, "old"));
    const keys = keySetOf(issuer);
    await keys.find("old", "ES256");
    issuer.keys.push(jwk(P256, "new"));
    expect((await keys.find("new", "ES256")).kid).toBe("new");
    expect(issuer.fetches).toBe(2);
  });

  test("fetches nothing for a known key", async () => {
    const issuer = await Issuer.start(jwk(P256, "old"));
    const keys = keySetOf(issuer);
    for (let count = 0; count < 100; count++) await keys.find("old", "ES256");
    expect(issuer.fetches).toBe(1);
  });

  test("fetches little for invented key ids", async () => {
    const issuer = await Issuer.start(jwk(P256, "old"));
    const keys = keySetOf(issuer);
    for (let number = 0; number < 100; number++) {
      const finding = keys.find(`invented-${number}`, "ES256");
      await expect(finding).rejects.toBeInstanceOf(InvalidToken);
    }
    expect(issuer.fetches).toBeLessThanOrEqual(3);
  });

  test("fetches once for callers at the same time", async () => {
    const issuer = await Issuer.start(jwk(P256, "old"));
    const keys = keySetOf(issuer);
    await Promise.all(Array.from({ length: 5 }, () => keys.find("old", "ES256")));
    expect(issuer.fetches).toBe(1);
  });

  test("keeps known keys while the issuer is away; others are unavailable", async () => {
    const issuer = await Issuer.start(jwk(P256, "old"));
    const keys = keySetOf(issuer);
    await keys.find("old", "ES256");
    issuer.away = true;
    expect((await keys.find("old", "ES256")).kid).toBe("old");
    for (let number = 0; number < 20; number++) {
      const finding = keys.find(`unknown-${number}`, "ES256");
      await expect(finding).rejects.toBeInstanceOf(Unavailable);
    }
  });

  test("does not believe a key that was withdrawn while nobody asked", async () => {
    const issuer = await Issuer.start(jwk(P256, "old"));
    let now = 0;
    const keys = keySetOf(issuer, () => now);
    await keys.find("old", "ES256");
    issuer.keys = [jwk(P256, "new")];
    now += TEN_MINUTES;
    await expect(keys.find("old", "ES256")).rejects.toBeInstanceOf(InvalidToken);
  });

  test("keeps old keys while the issuer is away", async () => {
    const issuer = await Issuer.start(jwk(P256, "old"));
    let now = 0;
    const keys = keySetOf(issuer, () => now);
    await keys.find("old", "ES256");
    issuer.away = true;
    for (let times = 0; times < 3; times++) {
      now += TEN_MINUTES;
      expect((await keys.find("old", "ES256")).kid).toBe("old");
    }
  });

  test("tells of withdrawn keys although nobody asks for one", async () => {
    const issuer = await Issuer.start(jwk(P256, "old"));
    let now = 0;
    const keys = keySetOf(issuer, () => now);
    await keys.find("old", "ES256");
    const { generation } = keys;
    issuer.keys = [jwk(P256, "new")];
    now += TEN_MINUTES;
    keys.refreshWhenOld();
    await expect.poll(() => keys.generation).toBe(generation + 1);
  });

  test("can decide nothing without any key", async () => {
    const issuer = await Issuer.start();
    issuer.away = true;
    await expect(keySetOf(issuer).find("any", "ES256")).rejects.toBeInstanceOf(Unavailable);
  });
});

describe("of a JWKS", () => {
  test("production takes no development key", () => {
    const document = { keys: [jwk(P256, "development-1"), jwk(P256, "real")] };
    const keys = parseJwks(document, { refuseDevelopmentKeys: true });
    expect(keys.map((key) => key.kid)).toEqual(["real"]);
  });

  test.for([
    null,
    {},
    { kty: "oct", k: "AAAA", kid: "secret" },
    { kty: "EC", crv: "P-256", kid: "no coordinates" },
    { kty: "EC", crv: "P-256", kid: "no point of the curve", x: "AAAA", y: "AAAA" },
    { kty: "RSA", n: 7, e: "AQAB" },
    { kty: ["RSA"] },
  ])("%j is passed over", (entry) => {
    const document = { keys: [entry, jwk(P256, "good")] };
    const keys = parseJwks(document, { refuseDevelopmentKeys: false });
    expect(keys.map((key) => key.kid)).toEqual(["good"]);
  });
});

describe("keys over HTTP", () => {
  test("are found by discovery, once", async () => {
    const issuer = await Issuer.start();
    const source = new HttpKeySource(issuer.url);
    const { signal } = new AbortController();
    expect(await source.fetch(signal)).toEqual({ keys: [] });
    await source.fetch(signal);
    expect(issuer.asked).toEqual(["/.well-known/openid-configuration", "/keys", "/keys"]);
  });

  test("are found again when they have moved", async () => {
    let path = "/old";
    const url = await serveForTest((request, reply) => {
      const jwks_uri = `${url}${path}`;
      if (request.url?.startsWith("/.well-known"))
        reply.end(JSON.stringify({ issuer: url, jwks_uri }));
      else reply.writeHead(request.url === path ? 200 : 404).end('{"keys":[]}');
    });
    const source = new HttpKeySource(url);
    const { signal } = new AbortController();
    await source.fetch(signal);
    path = "/new";
    await expect(source.fetch(signal)).rejects.toThrow("404");
    expect(await source.fetch(signal)).toEqual({ keys: [] });
  });

  test.for<[number, string, Record<string, string>?]>([
    [500, "{}"],
    [302, "", { location: "/elsewhere" }],
    [200, "<html>"],
    [200, "[]"],
    [200, '{"issuer":"https://other","jwks_uri":"https://other/keys"}'],
    [200, " ".repeat(2_000_000)],
  ])(
    "of a broken issuer are those of one that is away: %i %.20s",
    async ([status, body, headers]) => {
      const url = await serveForTest((_, reply) => reply.writeHead(status, headers).end(body));
      const source = new HttpKeySource(url);
      const keys = new KeySet(source, { refuseDevelopmentKeys: true });
      await expect(keys.find("any", "RS256")).rejects.toBeInstanceOf(Unavailable);
    },
  );
});

test("an issuer that names no address of its keys is away", async () => {
  const url = await serveForTest((request, reply) => {
    reply.end(JSON.stringify({ issuer: `http://${request.headers.host ?? ""}` }));
  });
  const keys = new KeySet(new HttpKeySource(url), { refuseDevelopmentKeys: true });
  await expect(keys.find("any", "RS256")).rejects.toBeInstanceOf(Unavailable);
});

test("keys in a file may come later", async () => {
  const directory = await mkdtemp(join(tmpdir(), "keys-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, "with a blank.json");
  const source = new FileKeySource(`file:${encodeURI(file)}`);
  await expect(source.fetch()).rejects.toThrow("ENOENT");
  await writeFile(file, '{"keys":[]}');
  expect(await source.fetch()).toEqual({ keys: [] });
});
