/** Configuration: the environment, read and checked once, when the process starts. */

import { z } from "zod";

import { parseDatabaseUrl } from "./database/url.ts";

export const DEVELOPMENT_ISSUER = "http://localhost/development";

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment cannot be used; `problems` holds one line for each variable at fault. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigurationError";
    this.problems = problems;
  }
}

function integer(least: number, most: number) {
  return z
    .string()
    .regex(/^-?[0-9]+$/, { abort: true, error: "must be a valid integer" })
    .transform(Number)
    .pipe(
      z
        .number()
        .min(least, `must be greater than or equal to ${least}`)
        .max(most, `must be less than or equal to ${most}`),
    );
}

function oneOf<const Values extends readonly [string, ...string[]]>(...values: Values) {
  const named = values.map((value) => `'${value}'`);
  const last = named.pop() ?? "";
  return z.enum(values, { error: `must be ${named.join(", ")} or ${last}` });
}

const text = z.string();
const port = integer(0, 65_535);
const milliseconds = integer(1, 600_000);
const flag = z.stringbool({ error: "must be a boolean: true or false" });
const claimName = text.max(200, "must have at most 200 characters");
const environment = oneOf("development", "test", "production").default("development");
const databaseUrl = text.superRefine((url, context) => {
  try {
    parseDatabaseUrl(url);
  } catch (error) {
    context.addIssue((error as Error).message);
  }
});
const origins = text
  .transform((list) =>
    list
      .split(",")
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
  )
  .superRefine((list, context) => {
    for (const origin of list) {
      if (!/^https?:$/.test(protocolOf(origin)) || new URL(origin).origin !== origin) {
        context.addIssue(`'${origin}' is not an origin such as https://app.example.com`);
        return;
      }
    }
  });

const SERVICE = z.object({
  APP_ENV: environment,
  LOG_LEVEL: oneOf("debug", "info", "warning", "error").default("info"),
  PORT: port.default(8000),
  METRICS_PORT: port.default(9000),

  DATABASE_URL: databaseUrl,
  DATABASE_POOLED: flag.default(false),
  DATABASE_POOL_MAX: integer(1, 1000).default(10),
  DATABASE_POOL_ACQUIRE_TIMEOUT_MS: milliseconds.default(500),
  DATABASE_STATEMENT_TIMEOUT_MS: milliseconds.default(5_000),

  REQUEST_TIMEOUT_MS: milliseconds.default(10_000),
  SHUTDOWN_DRAIN_MS: integer(0, 600_000).default(5_000),
  SHUTDOWN_GRACE_MS: milliseconds.default(25_000),
  BODY_LIMIT_BYTES: integer(1, 1_000_000_000).default(1_048_576),
  RATE_LIMIT_PER_MINUTE: integer(0, 10_000_000).default(600),

  OIDC_ISSUER: text,
  OIDC_AUDIENCE: text,
  OIDC_JWKS_URL: text.optional(),
  TENANT_CLAIM: claimName.default("tenant"),
  SCOPE_CLAIM: claimName.default("scope"),

  CORS_ALLOWED_ORIGINS: origins.default([]),
  TRUST_PROXY_HOPS: integer(0, 10).default(0),

  OTEL_EXPORTER_OTLP_ENDPOINT: text.optional(),
  OTEL_SERVICE_NAME: text.default("service"),
});

const MIGRATIONS = z.object({
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_POOLED: flag.default(false),
  DATABASE_DIRECT_URL: databaseUrl.optional(),
});

// The defaults are those of `.env.example`.
const TOKENS = z.object({
  APP_ENV: environment,
  OIDC_ISSUER: text.default(DEVELOPMENT_ISSUER),
  OIDC_AUDIENCE: text.default("service"),
  TENANT_CLAIM: claimName.default("tenant"),
  SCOPE_CLAIM: claimName.default("scope"),
});

/** What `serve` needs. `.env.example` explains each variable. */
export type Settings = Named<z.infer<typeof SERVICE>> & {
  /** Whether this is the real thing. */
  readonly production: boolean;
};

/** What `migrate` needs: an address that reaches the server without a transaction pooler. */
export interface MigrationSettings {
  /** Where to migrate. */
  readonly url: string;
  /** The variable that `url` was read from. */
  readonly variable: string;
}

/** What `token` needs. */
export type TokenSettings = Named<z.infer<typeof TOKENS>>;

/**
 * Read what `serve` needs.
 *
 * @throws ConfigurationError all that is wrong with the environment, at once.
 */
export function readSettings(env: Environment): Settings {
  const settings = read(SERVICE, env, {
    METRICS_PORT: (value, { PORT }) =>
      value !== 0 && value === PORT && "must differ from PORT: metrics are not for the public",
    SHUTDOWN_GRACE_MS: (value, { SHUTDOWN_DRAIN_MS = 0 }) =>
      value <= SHUTDOWN_DRAIN_MS && "must be greater than SHUTDOWN_DRAIN_MS",
    OIDC_ISSUER: (value, { APP_ENV }) =>
      !/^https?:$/.test(protocolOf(value))
        ? "must be the issuer's http(s) URL"
        : value === DEVELOPMENT_ISSUER &&
          APP_ENV === "production" &&
          "is the development issuer, which APP_ENV=production refuses",
    OIDC_JWKS_URL: (value, { APP_ENV }) => {
      const protocol = value === undefined ? "https:" : protocolOf(value);
      if (!/^(https?|file):$/.test(protocol)) {
        return "must be an http(s) URL, or file:PATH in development";
      }
      return (
        protocol === "file:" &&
        APP_ENV === "production" &&
        "is a file, which APP_ENV=production refuses: name the issuer's URL"
      );
    },
  });
  return { ...named(settings), production: settings.APP_ENV === "production" };
}

/**
 * Read what `migrate` needs.
 *
 * @throws ConfigurationError as above.
 */
export function readMigrationSettings(env: Environment): MigrationSettings {
  const settings = read(MIGRATIONS, env, {
    DATABASE_DIRECT_URL: (direct, { DATABASE_URL, DATABASE_POOLED }) => {
      if (direct !== undefined) {
        return (
          parseDatabaseUrl(direct).pooled &&
          "leads through a transaction pooler, where the lock that migrations hold would not" +
            " last: name the server itself, or a pooler in session mode"
        );
      }
      if (DATABASE_URL === undefined) {
        return "is required (or DATABASE_URL)";
      }
      return (
        (DATABASE_POOLED === true || parseDatabaseUrl(DATABASE_URL).pooled) &&
        "is required: DATABASE_URL leads through a transaction pooler, where the lock that" +
          " migrations hold would not last"
      );
    },
  });
  const direct = settings.DATABASE_DIRECT_URL;
  return direct === undefined
    ? { url: settings.DATABASE_URL ?? "", variable: "DATABASE_URL" }
    : { url: direct, variable: "DATABASE_DIRECT_URL" };
}

/**
 * Read what `token` needs.
 *
 * @throws ConfigurationError as above.
 */
export function readTokenSettings(env: Environment): TokenSettings {
  const settings = read(TOKENS, env, {
    APP_ENV: (value) =>
      value === "production" && "is production, where development tokens are not believed",
  });
  return named(settings);
}

/**
 * What is wrong with a variable that is sound by itself. It sees the variables above its own that
 * are sound, so each rule about two variables stands with the later one, and every error is still
 * found in one pass.
 */
type Rules<Values> = {
  readonly [Name in keyof Values]?: (value: Values[Name], sound: Partial<Values>) => string | false;
};

/** Read variables by the schema's names; an empty one counts as unset. */
function read<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Environment,
  rules: Rules<z.infer<z.ZodObject<Shape>>>,
): z.infer<z.ZodObject<Shape>> {
  type Values = z.infer<z.ZodObject<Shape>>;
  const sound: Partial<Values> = {};
  const problems: string[] = [];
  for (const name of Object.keys(schema.shape) as (keyof Values & string)[]) {
    const given = env[name] === "" ? undefined : env[name];
    const result = z.safeParse(
      schema.shape[name] as unknown as z.ZodType<Values[typeof name]>,
      given,
    );
    const problem = result.success
      ? rules[name]?.(result.data, sound)
      : given === undefined
        ? "is required"
        : (result.error.issues[0]?.message ?? "is not valid");
    if (problem) {
      problems.push(`${name} ${problem}`);
    } else if (result.success) {
      sound[name] = result.data;
    }
  }
  if (problems.length > 0) {
    throw new ConfigurationError(problems);
  }
  return sound as Values;
}

/** A variable's name as the code spells it: DATABASE_URL, databaseUrl. */
type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>;

type Named<Values> = {
  readonly [Name in keyof Values & string as CamelCase<Name>]: Values[Name];
};

function named<Values extends object>(values: Values): Named<Values> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      value as unknown,
    ]),
  ) as Named<Values>;
}

function protocolOf(url: string): string {
  return URL.parse(url)?.protocol ?? "";
}
