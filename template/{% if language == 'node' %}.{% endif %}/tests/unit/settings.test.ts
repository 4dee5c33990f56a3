/** The environment is checked once, and everything wrong with it is told at once. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import {
  ConfigurationError,
  readMigrationSettings,
  readSettings,
  readTokenSettings,
} from "../../src/settings.ts";

type Environment = Record<string, string>;

const SOUND = {
  DATABASE_URL: "postgresql://localhost/shop",
  OIDC_ISSUER: "https://issuer.example.com",
  OIDC_AUDIENCE: "shop",
};

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return expect.fail("nothing was wrong");
}

test("three variables are enough", () => {
  const settings = readSettings(SOUND);
  expect(settings.port).toBe(8000);
  expect(settings.corsAllowedOrigins).toEqual([]);
});

test("an empty variable is an unset one", () => {
  const problems = problemsOf(() => readSettings({ ...SOUND, DATABASE_URL: "" }));
  expect(problems).toEqual(["DATABASE_URL is required"]);
});

test("all problems are told at once, each by its variable", () => {
  const problems = problemsOf(() =>
    readSettings({
      APP_ENV: "staging",
      PORT: "http",
      METRICS_PORT: "70000",
      DATABASE_URL: "mysql://localhost/shop",
      DATABASE_POOL_MAX: "0",
      SHUTDOWN_DRAIN_MS: "30000",
      SHUTDOWN_GRACE_MS: "30000",
      CORS_ALLOWED_ORIGINS: "https://a.example.com,b.example.com/path",
      OIDC_JWKS_URL: "ftp://issuer/jwks",
    }),
  );
  expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
    "APP_ENV",
    "PORT",
    "METRICS_PORT",
    "DATABASE_URL",
    "DATABASE_POOL_MAX",
    "SHUTDOWN_GRACE_MS",
    "OIDC_ISSUER",
    "OIDC_AUDIENCE",
    "OIDC_JWKS_URL",
    "CORS_ALLOWED_ORIGINS",
  ]);
});

test.for(["1.5", "0x1f90", "8e3", "+8000", "-1", "8000 ", "Infinity", "９０００"])(
  "the port %j is none",
  (port) => {
    expect(problemsOf(() => readSettings({ ...SOUND, PORT: port }))[0]).toMatch(/^PORT must be /);
  },
);

test.for<[Environment, string]>([
  [
    { OIDC_ISSUER: "http://localhost/development" },
    "OIDC_ISSUER is the development issuer, which APP_ENV=production refuses",
  ],
  [
    { OIDC_JWKS_URL: "file:.dev/jwks.json" },
    "OIDC_JWKS_URL is a file, which APP_ENV=production refuses: name the issuer's URL",
  ],
  [{ METRICS_PORT: "8000" }, "METRICS_PORT must differ from PORT"],
  [{ DATABASE_URL: "postgresql://ada:secret@h:x/shop" }, "DATABASE_URL is not a URL"],
])("production refuses %j", ([changes, problem]) => {
  const problems = problemsOf(() => readSettings({ ...SOUND, APP_ENV: "production", ...changes }));
  expect(problems).toEqual([expect.stringContaining(problem)]);
  expect(problems[0]).not.toContain("secret");
});

describe("migrations go to the server itself", () => {
  test.for<[Environment, string]>([
    [{ DATABASE_URL: "postgresql://h/a" }, "postgresql://h/a"],
    [
      { DATABASE_URL: "postgresql://h/a", DATABASE_DIRECT_URL: "postgresql://h/b" },
      "postgresql://h/b",
    ],
    [
      {
        DATABASE_URL: "postgresql://h/a",
        DATABASE_POOLED: "true",
        DATABASE_DIRECT_URL: "postgresql://h/b",
      },
      "postgresql://h/b",
    ],
  ])("%j", ([environment, url]) => {
    expect(readMigrationSettings(environment).url).toBe(url);
  });

  test.for<Environment>([
    { DATABASE_URL: "postgresql://h/a", DATABASE_POOLED: "true" },
    { DATABASE_URL: "postgresql://h/a?pgbouncer=true" },
    {},
  ])("but not with %j", (environment) => {
    const [problem] = problemsOf(() => readMigrationSettings(environment));
    expect(problem).toMatch(/^DATABASE_DIRECT_URL is required/);
  });
});

test("there are no development tokens in production", () => {
  const [problem] = problemsOf(() => readTokenSettings({ APP_ENV: "production" }));
  expect(problem).toMatch(/^APP_ENV is production/);
});

describe(".env.example", () => {
  const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
  const example = Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );

  test("names every variable that is read, and no other", () => {
    const read = new Set<string>();
    const recording = new Proxy<Environment>(SOUND, {
      get(environment, name) {
        read.add(String(name));
        return environment[String(name)];
      },
    });
    readSettings(recording);
    readMigrationSettings(recording);
    expect(Object.keys(example).sort()).toEqual([...read, "TEST_DATABASE_URL"].sort());
  });

  test("starts the service, and shows what holds when a variable is absent", () => {
    const required = ["DATABASE_URL", "OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_JWKS_URL"];
    const same = Object.fromEntries(required.map((name) => [name, example[name] ?? ""]));
    const database = { DATABASE_URL: "postgresql://localhost/shop" };
    expect(readSettings({ ...example, ...database })).toEqual(
      readSettings({ ...same, ...database }),
    );
  });
});
