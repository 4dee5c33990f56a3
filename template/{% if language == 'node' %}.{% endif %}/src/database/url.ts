/**
 * One DATABASE_URL for every client: what `psql`, Neon, Supabase, Heroku and Prisma hand out.
 *
 * libpq understands more than node-postgres does, which also reads `sslmode` differently.
 * `parseDatabaseUrl` accepts the libpq form and sorts its parameters into what the driver takes, what
 * becomes a setting of the session, and what has no meaning here. The driver never sees the URL.
 */

import { readFileSync } from "node:fs";

import type pg from "pg";

const URL_FORM =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?:(?<credentials>[^/?#]*)@)?(?<host>\[[^\]]*\]|[^/?#@:]*)(?::(?<port>\d*))?(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/i;
const SCHEMES = new Set(["postgres", "postgresql"]);
const SSL_MODES = ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"];
const TLS_FILES = { sslrootcert: "ca", sslcert: "cert", sslkey: "key", sslcrl: "crl" } as const;

/** Names that libpq or an ORM reads and node-postgres has no use for: they may stand in a shared URL. */
const IGNORED = new Set([
  "channel_binding", // Neon; it is used wherever TLS is
  "connect_timeout", // DATABASE_POOL_ACQUIRE_TIMEOUT_MS rules
  "connection_limit",
  "gssencmode",
  "keepalives",
  "keepalives_count",
  "keepalives_idle",
  "keepalives_interval",
  "pool_timeout",
  "sslnegotiation",
  "statement_cache_size",
  "target_session_attrs",
]);
const SETTING = /(?:-c\s*|--)(?<name>[A-Za-z_][\w.]*)=(?<value>(?:\\.|[^\s\\])*)/g;

/** Where the database is and how to speak to it. */
export class DatabaseAddress {
  /** Settings for every session, by PostgreSQL's names. */
  readonly settings: Readonly<Record<string, string>>;
  /** The address says by itself that a transaction pooler stands before the server. */
  readonly pooled: boolean;
  readonly #connect: pg.ClientConfig; // private, so that no log shows the password

  constructor(connect: pg.ClientConfig, settings: Record<string, string>, pooled: boolean) {
    this.#connect = connect;
    this.settings = settings;
    this.pooled = pooled;
  }

  /** What node-postgres needs to connect; never a connection string. */
  get connect(): Readonly<pg.ClientConfig> {
    return this.#connect;
  }

  /** Where it is, without who asks: `host:port/database`. */
  toString(): string {
    const { host, port, database } = this.connect;
    return `${host ?? "localhost"}:${String(port ?? 5432)}/${database ?? ""}`;
  }
}

/**
 * Read a PostgreSQL URL as libpq understands it.
 *
 * @throws Error it is no such URL; the message never repeats it, since it may hold a password.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const scheme = /^([^:/?#]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || !SCHEMES.has(scheme)) {
    throw new Error("must begin with postgresql:// or postgres://");
  }
  const parts = URL_FORM.exec(text)?.groups;
  if (parts === undefined) {
    throw notAUrl();
  }
  const database = decoded(parts["database"] ?? "");
  if (database === "") {
    throw new Error("must name a database after the host: postgresql://host/name");
  }
  const [user, password] = credentials(parts["credentials"]);
  const connect: pg.ClientConfig = {
    database,
    ...present({ user, password }),
    ...present({ host: decoded((parts["host"] ?? "").replace(/^\[(.*)\]$/, "$1")) }),
    ...present({ port: portOf(parts["port"] ?? "") }),
  };
  const tls: Record<string, string> = {};
  const settings: Record<string, string> = {};
  let pgbouncer = false;

  // A plus is a plus to libpq, a blank only to forms.
  for (const [name, value] of new URLSearchParams((parts["query"] ?? "").replaceAll("+", "%2B"))) {
    switch (name) {
      case "host":
      case "user":
      case "password":
        connect[name] = value;
        break;
      case "port":
        Object.assign(connect, present({ port: portOf(value) }));
        break;
      case "options":
        Object.assign(settings, settingsOf(value));
        break;
      case "application_name":
      case "search_path":
        settings[name] = value;
        break;
      case "schema": // Prisma's name for it
        settings["search_path"] = value;
        break;
      case "pgbouncer":
        pgbouncer = ["1", "true", "yes"].includes(value.toLowerCase());
        break;
      case "sslmode":
        if (!SSL_MODES.includes(value)) {
          throw new Error(`has an unknown sslmode; use one of ${SSL_MODES.join(", ")}`);
        }
        tls[name] = value;
        break;
      default:
        if (name in TLS_FILES) {
          tls[name] = value;
        } else if (!IGNORED.has(name)) {
          throw new Error(`has the parameter '${name}', which this service does not understand`);
        }
    }
  }
  connect.ssl = tlsOptions(tls);
  return new DatabaseAddress(connect, settings, pgbouncer || isPooler(connect));
}

/** Neon's naming of its pooled endpoints, and Supabase's port of its transaction mode. */
function isPooler({ host = "", port }: pg.ClientConfig): boolean {
  const [endpoint = ""] = host.split(".", 1);
  return endpoint.endsWith("-pooler") || (port === 6543 && /\.supabase\.(com|co)$/.test(host));
}

/**
 * What libpq's `sslmode` means in terms of Node's TLS.
 *
 * `require` encrypts and verifies nothing, unless there is a root certificate: libpq then verifies
 * as with `verify-ca`. `prefer` and `allow` promise nothing, and node-postgres cannot try twice: they
 * mean no TLS here, like no mode at all.
 */
function tlsOptions(tls: Readonly<Record<string, string>>): NonNullable<pg.ClientConfig["ssl"]> {
  const system = tls["sslrootcert"] === "system"; // libpq 16: the authorities of the platform
  const { sslmode = system ? "verify-full" : "prefer", ...files } = tls;
  if (system && sslmode !== "verify-full") {
    // Anybody gets a certificate of these authorities, for a name of their own.
    throw new Error("has sslrootcert=system, which goes with sslmode=verify-full only");
  }
  if (["disable", "allow", "prefer"].includes(sslmode)) {
    return false;
  }
  const verified = sslmode !== "require" || files["sslrootcert"] !== undefined;
  const options: Exclude<pg.ClientConfig["ssl"], boolean | undefined> = {
    rejectUnauthorized: verified,
  };
  if (verified && sslmode !== "verify-full") {
    options.checkServerIdentity = () => undefined;
  }
  for (const [name, option] of Object.entries(TLS_FILES)) {
    const path = files[name];
    if (path !== undefined && !(name === "sslrootcert" && system)) {
      options[option] = contentOf(name, path);
    }
  }
  return options;
}

function contentOf(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new Error(`has the ${name} '${path}', which cannot be read (${code})`, { cause: error });
  }
}

/** The settings in libpq's `options`: `-c name=value --name=value`, a backslash escapes. */
function settingsOf(options: string): Record<string, string> {
  const settings: Record<string, string> = {};
  const rest = options.replace(SETTING, (_, name: string, value: string) => {
    settings[name] = value.replace(/\\(.)/g, "$1");
    return "";
  });
  // Neon routes clients without SNI by `options=endpoint=...`; node-postgres always sends SNI.
  if (rest.replace(/(?:endpoint|project)=\S+/g, "").trim() !== "") {
    throw new Error("has `options` that are not of the form -c name=value");
  }
  return settings;
}

function credentials(text: string | undefined): [string?, string?] {
  if (text === undefined) {
    return [];
  }
  const colon = text.indexOf(":");
  return colon < 0
    ? [decoded(text)]
    : [decoded(text.slice(0, colon)), decoded(text.slice(colon + 1))];
}

function portOf(text: string): number | undefined {
  if (text === "") {
    return undefined;
  }
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw notAUrl();
  }
  return port;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notAUrl();
  }
}

function notAUrl(): Error {
  return new Error("is not a URL (is a character of the password not percent-encoded?)");
}

/** The members that hold something: an option that is undefined is none. */
function present<T extends object>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined && value !== ""),
  ) as { [K in keyof T]?: NonNullable<T[K]> };
}
