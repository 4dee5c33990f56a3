/** One DATABASE_URL for every client: the forms that people really have. */

import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";

import { parseDatabaseUrl } from "../../src/database/url.ts";

const NEON = "ep-cool-1.eu-central-1.aws.neon.tech";
const SUPABASE = "aws-0-eu-central-1.pooler.supabase.com";
const H = { host: "h", database: "shop", ssl: false };
const ENCRYPTED = { rejectUnauthorized: false };
/** Any readable file will do. */
const FILE = fileURLToPath(import.meta.url);

interface Read {
  readonly connect: object;
  readonly settings?: Record<string, string>;
  readonly pooled?: boolean;
}

const ACCEPTED: Record<string, [url: string, read: Read]> = {
  "libpq's form": [
    "postgresql://ada:secret@db.example.com:5433/shop",
    { connect: { ...H, host: "db.example.com", port: 5433, user: "ada", password: "secret" } },
  ],
  "the short scheme of Heroku": ["postgres://ada@h/shop", { connect: { ...H, user: "ada" } }],
  "Neon, pooled": [
    `postgresql://ada:s@${NEON.replace(".", "-pooler.")}/neondb?sslmode=require&channel_binding=require`,
    {
      connect: {
        host: NEON.replace(".", "-pooler."),
        database: "neondb",
        user: "ada",
        password: "s",
        ssl: ENCRYPTED,
      },
      pooled: true,
    },
  ],
  "Neon, direct": [
    `postgresql://${NEON}/neondb?sslmode=require`,
    { connect: { host: NEON, database: "neondb", ssl: ENCRYPTED } },
  ],
  "Supabase, shared pooler in transaction mode": [
    `postgresql://postgres.ref@${SUPABASE}:6543/postgres`,
    {
      connect: {
        host: SUPABASE,
        port: 6543,
        user: "postgres.ref",
        database: "postgres",
        ssl: false,
      },
      pooled: true,
    },
  ],
  "Supabase, shared pooler in session mode": [
    `postgresql://${SUPABASE}:5432/postgres`,
    { connect: { host: SUPABASE, port: 5432, database: "postgres", ssl: false } },
  ],
  "Supabase, dedicated pooler": [
    "postgresql://db.ref.supabase.co:6543/postgres",
    {
      connect: { host: "db.ref.supabase.co", port: 6543, database: "postgres", ssl: false },
      pooled: true,
    },
  ],
  "Supabase, direct": [
    "postgresql://db.ref.supabase.co:5432/postgres",
    { connect: { host: "db.ref.supabase.co", port: 5432, database: "postgres", ssl: false } },
  ],
  "a port of the same number elsewhere": [
    "postgresql://h:6543/shop",
    { connect: { ...H, port: 6543 } },
  ],
  "pooled by Prisma's word": [
    "postgres://h/shop?pgbouncer=true&connection_limit=1",
    { connect: H, pooled: true },
  ],
  "a schema by Prisma's name": [
    "postgresql://h/shop?schema=shop",
    { connect: H, settings: { search_path: "shop" } },
  ],
  settings: [
    "postgresql://h/shop?application_name=a+b&options=-c%20search_path%3Dshop%20--work_mem%3D8MB",
    { connect: H, settings: { application_name: "a+b", search_path: "shop", work_mem: "8MB" } },
  ],
  "an escaped blank in options": [
    "postgresql://h/shop?options=-c%20search_path%3Da%2C%5C%20b",
    { connect: H, settings: { search_path: "a, b" } },
  ],
  "Neon's endpoint in options": [
    "postgresql://h/shop?options=endpoint%3Dep-cool-1",
    { connect: H },
  ],
  "a Unix socket as host": [
    "postgresql://ada@/shop?host=/var/run/postgresql&port=5433",
    { connect: { ...H, host: "/var/run/postgresql", port: 5433, user: "ada" } },
  ],
  "a Unix socket in the authority": [
    "postgresql://%2Fvar%2Frun%2Fpostgresql/shop",
    { connect: { ...H, host: "/var/run/postgresql" } },
  ],
  "a password with reserved characters": [
    "postgresql://ada:p%40ss%2Fw%3Ard@h/shop",
    { connect: { ...H, user: "ada", password: "p@ss/w:rd" } },
  ],
  "an IPv6 address": [
    "postgresql://ada@[::1]:5432/shop",
    { connect: { ...H, host: "::1", port: 5432, user: "ada" } },
  ],
};

it.each(Object.entries(ACCEPTED))("accepts %s", (_, [url, read]) => {
  const { connect, settings, pooled } = parseDatabaseUrl(url);
  expect({ connect, settings, pooled }).toEqual({ settings: {}, pooled: false, ...read });
});

describe("sslmode, as libpq means it", () => {
  const MODES: Record<string, { encrypted: boolean; chain?: boolean; name?: boolean }> = {
    "": { encrypted: false },
    "sslmode=disable": { encrypted: false },
    "sslmode=allow": { encrypted: false },
    "sslmode=prefer": { encrypted: false },
    "sslmode=require": { encrypted: true, chain: false, name: false },
    [`sslmode=require&sslrootcert=${FILE}`]: { encrypted: true, chain: true, name: false },
    [`sslmode=verify-ca&sslrootcert=${FILE}`]: { encrypted: true, chain: true, name: false },
    "sslmode=verify-full": { encrypted: true, chain: true, name: true },
    "sslmode=verify-full&sslrootcert=system": { encrypted: true, chain: true, name: true },
    "sslrootcert=system": { encrypted: true, chain: true, name: true },
  };

  it.each(Object.entries(MODES))("%s", (query, { encrypted, chain, name }) => {
    const { ssl } = parseDatabaseUrl(`postgresql://h/shop?${query}`).connect;
    if (!encrypted || typeof ssl !== "object") {
      expect(ssl).toBe(false);
      return;
    }
    expect(ssl.rejectUnauthorized).toBe(chain);
    expect(chain === true && ssl.checkServerIdentity === undefined).toBe(name);
  });

  it("with the files of certificates", () => {
    const { ssl } = parseDatabaseUrl(
      `postgresql://h/shop?sslmode=verify-full&sslrootcert=${FILE}&sslcert=${FILE}&sslkey=${FILE}`,
    ).connect;
    expect(Object.keys(ssl as object).sort()).toEqual(["ca", "cert", "key", "rejectUnauthorized"]);
  });
});

const REFUSED: Record<string, [url: string, message: string]> = {
  "another database": ["mysql://ada:secret@h/shop", "must begin with postgresql://"],
  "a key-value string": ["host=h dbname=shop password=secret", "must begin with postgresql://"],
  "no database": ["postgresql://ada:secret@h", "must name a database"],
  "a port that is none": ["postgresql://ada:secret@h:54x2/shop", "is not a URL"],
  "a port that is too large": ["postgresql://ada:secret@h:65536/shop", "is not a URL"],
  "a password that is not encoded": ["postgresql://ada:secret#1@h/shop", "is not a URL"],
  "a wrong encoding": ["postgresql://ada:secret%zz@h/shop", "is not a URL"],
  "an unknown sslmode": ["postgresql://h/shop?sslmode=yes", "unknown sslmode"],
  "the system's authorities without the name": [
    "postgresql://h/shop?sslmode=verify-ca&sslrootcert=system",
    "sslmode=verify-full",
  ],
  "a certificate that is not there": [
    "postgresql://h/shop?sslmode=verify-ca&sslrootcert=/no/such/ca.pem",
    "has the sslrootcert '/no/such/ca.pem', which cannot be read (ENOENT)",
  ],
  "an unknown parameter": ["postgresql://h/shop?sslmod=require", "'sslmod'"],
  "options that are none": ["postgresql://h/shop?options=fast", "`options`"],
};

it.each(Object.entries(REFUSED))("refuses %s", (_, [url, message]) => {
  expect(() => parseDatabaseUrl(url)).toThrow(message);
  expect(() => parseDatabaseUrl(url)).toThrow(/^(?:is|has|must)/);
  expect(() => parseDatabaseUrl(url)).not.toThrow(/secret/);
});

it("shows no password in a log", () => {
  const address = parseDatabaseUrl("postgresql://ada:secret@h:5433/shop");
  expect(`${String(address)} ${JSON.stringify(address)} ${inspect(address)}`).not.toContain(
    "secret",
  );
  expect(String(address)).toBe("h:5433/shop");
});
