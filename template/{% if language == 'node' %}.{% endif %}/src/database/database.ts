/** The connection pool and its two uses: a read of single statements, and a transaction. */

import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

import { NAME } from "../about.ts";
import { Unavailable } from "../domain/errors.ts";
import { forgetValues } from "./errors.ts";
import { type Prisma, PrismaClient } from "./generated/client.ts";
import type { DatabaseAddress } from "./url.ts";

/** How much longer than a limit of the server, or of the pool, its own answer is waited for. */
const MARGIN_MS = 1_000;
const CLOSE_TIMEOUT_MS = 2_000;
const IDLE_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_AFTER_MS = 10_000;
/** A connection that a firewall forgot silently is gone after this; servers behind a failover move. */
const RECYCLE_AFTER_S = 1_800;
/** How many statements of full length a transaction may take, until Prisma rolls it back. */
const STATEMENTS_IN_TRANSACTION = 5;

/** What every session has, since Prisma's adapter writes times without a zone and reads them as UTC. */
const SESSION = { TimeZone: "UTC", DateStyle: "ISO" };

/** Limits of the pool and of each statement; times in milliseconds. */
export interface PoolSettings {
  readonly maxConnections: number;
  readonly acquireTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /**
   * A transaction pooler (PgBouncer, Neon, Supabase) stands before the server. It refuses start-up
   * parameters and hands each transaction to another server process, so settings are made in every
   * transaction. Statements have no names in either case: Prisma's adapter sends none.
   */
  readonly pooled: boolean;
}

/** Of the pool, what one request may have for its reads: others want some too. */
const SHARE_OF_ONE_REQUEST = 1 / 3;

/** What the database knows of the present request. */
export interface Work {
  /** Nobody waits for it any more: nothing is then read, and no transaction begun or committed. */
  readonly givenUp?: boolean;
}

/** Prisma's client for single statements: each stands for itself. */
export type Reader = Prisma.TransactionClient;

/** Prisma's client within a transaction. */
export type Transaction = Prisma.TransactionClient;

/** A bounded pool of connections to one PostgreSQL database; connects on first use. */
export class Database {
  readonly settings: PoolSettings;
  /** The pool itself, for gauges. */
  readonly pool: pg.Pool;
  readonly #client: PrismaClient;
  readonly #present: () => Work | undefined;
  readonly #turns = new WeakMap<Work, Turns>();

  /** `present` is what the running code works for. */
  constructor(
    address: DatabaseAddress,
    settings: PoolSettings,
    present: () => Work | undefined = () => undefined,
  ) {
    this.settings = settings;
    this.#present = present;
    const session = { ...address.settings, ...SESSION, ...statementLimits(settings) };
    this.pool = new pg.Pool({
      ...address.connect,
      application_name: address.settings["application_name"] ?? NAME,
      ...(settings.pooled ? {} : { options: startUpOptions(session) }),
      max: settings.maxConnections,
      connectionTimeoutMillis: settings.acquireTimeoutMs,
      query_timeout: settings.statementTimeoutMs + MARGIN_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      maxLifetimeSeconds: RECYCLE_AFTER_S,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    });
    // An idle connection that breaks is replaced by the pool; without a listener the process dies.
    this.pool.on("error", () => undefined);
    this.pool.on("connect", giveUpWhenSilent);
    if (settings.pooled) {
      const begin = `begin; ${setLocal(session)}`;
      this.pool.on("connect", (client) => {
        beginWith(client, begin);
      });
    }
    this.#client = new PrismaClient({
      adapter: new PrismaPg(this.pool, schemaOf(address)),
      errorFormat: "minimal", // an exception's text ends in the log; values belong to tenants
      transactionOptions: {
        // The pool's own limit answers first.
        maxWait: settings.acquireTimeoutMs + MARGIN_MS,
        timeout: STATEMENTS_IN_TRANSACTION * settings.statementTimeoutMs,
      },
    });
  }

  /** Read by single statements, each in one round trip; behind a pooler, in a transaction. */
  async read<T>(work: (db: Reader) => Promise<T>): Promise<T> {
    const present = this.#present();
    return present === undefined
      ? this.#read(work)
      : this.#turnsOf(present).run(() => this.#read(work));
  }

  async #read<T>(work: (db: Reader) => Promise<T>): Promise<T> {
    // Behind a pooler a limit holds only inside a transaction, so reads need one too.
    if (this.settings.pooled) {
      return this.transaction(work);
    }
    this.#checkWanted();
    try {
      return await work(this.#client);
    } catch (error) {
      throw forgetValues(error);
    }
  }

  /** Work in a transaction: committed at the end, rolled back on any exception. */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#client.$transaction(async (tx) => {
        this.#checkWanted();
        const result = await work(tx);
        this.#checkWanted();
        return result;
      });
    } catch (error) {
      throw forgetValues(error);
    }
  }

  #turnsOf(present: Work): Turns {
    const known = this.#turns.get(present);
    if (known !== undefined) {
      return known;
    }
    const turns = new Turns(Math.ceil(this.settings.maxConnections * SHARE_OF_ONE_REQUEST));
    this.#turns.set(present, turns);
    return turns;
  }

  #checkWanted(): void {
    if (this.#present()?.givenUp === true) {
      throw new Unavailable("The request was given up.");
    }
  }

  /** Close every connection; one that is in use at a server that does not answer is not waited for. */
  async close(): Promise<void> {
    await this.#client.$disconnect();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    await Promise.race([this.pool.end(), patience]);
    clearTimeout(timer);
  }
}

/** Lets a few of the works that are given to it run at once, and the others in their order. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) {
      this.#free -= 1;
    } else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#free += 1;
      } else {
        next(); // hands the turn over
      }
    }
  }
}

/** What every session of the service is limited by, in PostgreSQL's own names and units (ms). */
function statementLimits({ statementTimeoutMs }: PoolSettings): Record<string, string> {
  return {
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(2 * statementTimeoutMs),
  };
}

/** Settings as libpq's `options`: `-c name=value`, blanks and backslashes escaped. */
export function startUpOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, "\\$&")}`)
    .join(" ");
}

/** Settings for the present transaction, in one statement. */
function setLocal(settings: Readonly<Record<string, string>>): string {
  const calls = Object.entries(settings).map(
    ([name, value]) => `set_config(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(value)}, true)`,
  );
  return `select ${calls.join(", ")}`;
}

/**
 * Let go of a connection whose server leaves a query without an answer.
 *
 * node-postgres itself only stops waiting, and whoever gets the connection next stands behind it.
 */
function giveUpWhenSilent(client: pg.ClientBase): void {
  const query = queryOf(client);
  client.query = ((...given: unknown[]) => {
    const answer = query(...given);
    if (answer instanceof Promise) {
      answer.catch((error: unknown) => {
        if ((error as Error).message === "Query read timeout") {
          void (client as unknown as { end(): Promise<void> }).end();
        }
      });
    }
    return answer;
  }) as typeof client.query;
}

/** Have the transactions of a connection begin with settings of their own, in the same message. */
function beginWith(client: pg.ClientBase, begin: string): void {
  const query = queryOf(client);
  client.query = ((first: unknown, ...rest: unknown[]) =>
    (first as { text?: string }).text === "BEGIN" // as Prisma's adapter says it
      ? query({ ...(first as object), text: begin }, ...rest)
      : query(first, ...rest)) as typeof client.query;
}

function queryOf(client: pg.ClientBase): (...given: unknown[]) => unknown {
  return client.query.bind(client);
}

/** Prisma names the schema in its statements: the first of the search path, when there is one. */
function schemaOf({ settings }: DatabaseAddress): { schema?: string } {
  const schema = settings["search_path"]
    ?.split(",", 1)[0]
    ?.trim()
    .replace(/^"(.*)"$/, "$1");
  return schema === undefined ? {} : { schema };
}
