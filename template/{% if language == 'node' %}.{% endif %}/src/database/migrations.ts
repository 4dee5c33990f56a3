/**
 * Applies the migrations of `prisma/migrations`, and takes them back by the `down.sql` beside them.
 *
 * Prisma's own command downloads an engine at first use and has no way down. This keeps its ledger,
 * `_prisma_migrations`, in its form and under its lock, so `prisma migrate deploy` can take over at
 * any time, and the other way round.
 */

import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import pg from "pg";

import { startUpOptions } from "./database.ts";
import { parseDatabaseUrl } from "./url.ts";

/** Beside `src` and `dist`. */
const MIGRATIONS = fileURLToPath(new URL("../../prisma/migrations/", import.meta.url));

const CONNECT_TIMEOUT_MS = 10_000;
const LOCK = 72_707_369; // Prisma's
const LOCK_POLL_MS = 200;
const IN_TRANSACTION = "25001"; // active_sql_transaction: the statement must stand alone

/** As Prisma makes it. */
const LEDGER = `
create table if not exists _prisma_migrations (
  id                  varchar(36) primary key not null,
  checksum            varchar(64) not null,
  finished_at         timestamptz,
  migration_name      varchar(255) not null,
  logs                text,
  rolled_back_at      timestamptz,
  started_at          timestamptz not null default now(),
  applied_steps_count integer not null default 0
)`;

/** Why migrations cannot go on, in one line for the operator. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/** It came to no connection; one line for the operator. */
export class CannotConnect extends Error {
  override readonly name = "CannotConnect";
}

export interface MigrationOptions {
  /** Take back what is newer than this migration instead; "base": everything. */
  readonly downTo?: string | undefined;
  /** Told what was done, a line for each migration. */
  readonly report?: (line: string) => void;
  /** Where the migrations are. */
  readonly folder?: string;
}

/** One folder of `prisma/migrations`; its name begins with 14 digits, which give the order. */
interface Migration {
  readonly name: string;
  readonly script: string;
  readonly down: string | undefined;
}

/** A row of the ledger that has not been rolled back. */
interface Entry {
  readonly id: string;
  readonly name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

/**
 * Bring the database at `url` to the newest migration, or back to `downTo`. Runs wait for each other.
 *
 * @throws CannotConnect
 * @throws MigrationError a script failed, the ledger does not fit the migrations, or the server refuses.
 */
export async function migrate(url: string, options: MigrationOptions = {}): Promise<void> {
  const { downTo, report = () => undefined, folder = MIGRATIONS } = options;
  const migrations = readMigrations(folder);
  const address = parseDatabaseUrl(url);
  const client = new pg.Client({
    ...address.connect,
    application_name: "migrate",
    options: startUpOptions(address.settings),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  client.on("error", () => undefined); // the statement that it interrupts is rejected as well
  try {
    await client.connect();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const reason = message || (code ?? "unknown");
    throw new CannotConnect(`cannot connect to ${String(address)}: ${reason}`, { cause: error });
  }
  try {
    await holdLock(client);
    const ledger = await Ledger.open(client);
    if (downTo === undefined) {
      await migrateUp(ledger, migrations, report);
    } else {
      await migrateDown(ledger, migrations, downTo, report);
    }
  } catch (error) {
    if (error instanceof MigrationError) {
      throw error;
    }
    throw new MigrationError((error as Error).message, { cause: error });
  } finally {
    await client.end();
  }
}

/**
 * Wait for other migrations to end; the lock goes with the connection.
 *
 * Polled, never `pg_advisory_lock`: its open statement would hold a snapshot that CREATE INDEX
 * CONCURRENTLY of the other run waits for, and both would hang.
 */
async function holdLock(client: pg.Client): Promise<void> {
  for (;;) {
    const attempt = await client.query<{ held: boolean }>(
      "select pg_try_advisory_lock($1) as held",
      [LOCK],
    );
    if (attempt.rows[0]?.held === true) {
      return;
    }
    await sleep(LOCK_POLL_MS);
  }
}

async function migrateUp(
  ledger: Ledger,
  migrations: readonly Migration[],
  report: (line: string) => void,
): Promise<void> {
  const entries = new Map((await ledger.entries()).map((entry) => [entry.name, entry]));
  for (const { name, script } of migrations) {
    const entry = entries.get(name);
    if (entry !== undefined && !entry.finished) {
      throw new MigrationError(
        `${name} failed and may have left a part of itself behind: take it back with` +
          ` "migrate --down ${before(migrations, name)}", or mend the database by hand and run` +
          ` "npx prisma migrate resolve --rolled-back ${name}"`,
      );
    }
    if (entry !== undefined && !checksums(script).includes(entry.checksum)) {
      throw new MigrationError(
        `${name} was edited after it had been applied: restore it, and put the change into a new` +
          " migration",
      );
    }
  }
  for (const migration of migrations) {
    if (!entries.has(migration.name)) {
      await ledger.apply(migration);
      report(`applied ${migration.name}`);
    }
  }
}

async function migrateDown(
  ledger: Ledger,
  migrations: readonly Migration[],
  downTo: string,
  report: (line: string) => void,
): Promise<void> {
  const entries = await ledger.entries();
  if (downTo !== "base" && !entries.some(({ name }) => name === downTo)) {
    throw new MigrationError(`${downTo} is no applied migration; "base" takes back everything`);
  }
  const newer = entries
    .filter(({ name }) => downTo === "base" || name > downTo)
    .sort((one, other) => (one.name < other.name ? 1 : -1))
    .map((entry) => ({ entry, down: migrations.find(({ name }) => name === entry.name)?.down }));
  const missing = newer.find(({ down }) => down === undefined);
  if (missing !== undefined) {
    throw new MigrationError(`${missing.entry.name} has no down.sql here: nothing was taken back`);
  }
  for (const { entry, down = "" } of newer) {
    await ledger.takeBack(entry, down);
    report(`took back ${entry.name}`);
  }
}

/** Prisma's table of migrations, and what changes together with it. */
class Ledger {
  readonly #client: pg.Client;
  readonly #table: string;

  private constructor(client: pg.Client, table: string) {
    this.#client = client;
    this.#table = table;
  }

  static async open(client: pg.Client): Promise<Ledger> {
    const found = await client.query<{ schema: string | null }>("select current_schema as schema");
    const schema = found.rows[0]?.schema;
    if (schema == null) {
      throw new MigrationError("no schema of the search_path exists: create it first");
    }
    await client.query(LEDGER);
    // With its schema: a script may change the search path.
    return new Ledger(client, `${pg.escapeIdentifier(schema)}._prisma_migrations`);
  }

  async entries(): Promise<Entry[]> {
    const found = await this.#client.query<Entry>(
      `select id, migration_name as name, checksum, finished_at is not null as finished
         from ${this.#table} where rolled_back_at is null`,
    );
    return found.rows;
  }

  /**
   * Apply a migration and enter it, in one transaction where the script permits one: what fails or is
   * killed leaves nothing, and the next run begins where this one did.
   */
  async apply({ name, script }: Migration): Promise<void> {
    const file = `${name}/migration.sql`;
    const id = randomUUID();
    const columns = "id, checksum, migration_name, started_at, finished_at, applied_steps_count";
    const [idText, checksum, nameText] = [id, checksums(script)[0] ?? "", name].map((text) =>
      pg.escapeLiteral(text),
    );
    const entered = await this.#runWith(
      script,
      `insert into ${this.#table} (${columns})
       values (${String(idText)}, ${String(checksum)}, ${String(nameText)}, now(), clock_timestamp(), 1)`,
      file,
    );
    if (entered) {
      return;
    }
    // As Prisma does: what breaks off here is an entry that is not finished.
    await this.#client.query(
      `insert into ${this.#table} (id, checksum, migration_name) values ($1, $2, $3)`,
      [id, checksums(script)[0], name],
    );
    try {
      await this.#run(script, file);
    } catch (error) {
      await this.#client.query(`update ${this.#table} set logs = $2 where id = $1`, [
        id,
        (error as Error).message,
      ]);
      throw error;
    }
    await this.#client.query(
      `update ${this.#table} set finished_at = now(), applied_steps_count = 1 where id = $1`,
      [id],
    );
  }

  /** Run the script that takes a migration back and remove its entry, likewise. */
  async takeBack({ id, name }: Entry, script: string): Promise<void> {
    const file = `${name}/down.sql`;
    const removal = `delete from ${this.#table} where id = ${pg.escapeLiteral(id)}`;
    if (!(await this.#runWith(script, removal, file))) {
      await this.#run(script, file);
      await this.#client.query(removal);
    }
  }

  /**
   * Run a script and a statement of ours as one transaction.
   *
   * @returns false when the script has to stand alone, such as CREATE INDEX CONCURRENTLY; nothing
   *   was done then.
   */
  async #runWith(script: string, statement: string, file: string): Promise<boolean> {
    try {
      await this.#run(`${script}\n;\n${statement}`, file);
      return true;
    } catch (error) {
      if (((error as Error).cause as pg.DatabaseError).code === IN_TRANSACTION) {
        return false;
      }
      throw error;
    }
  }

  /** Send a script as one simple query, as Prisma does: several statements are one transaction. */
  async #run(script: string, file: string): Promise<void> {
    try {
      await this.#client.query(script);
    } catch (error) {
      await this.#client.query("rollback").catch(() => undefined); // of a `begin` in the script
      const { message, position } = error as pg.DatabaseError;
      const line = position === undefined ? "" : `, line ${lineOf(script, Number(position))}`;
      throw new MigrationError(`${file}${line}: ${message}`, { cause: error });
    }
  }
}

function readMigrations(folder: string): Migration[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const down = join(folder, name, "down.sql");
      return {
        name,
        script: readFileSync(join(folder, name, "migration.sql"), "utf8"),
        down: existsSync(down) ? readFileSync(down, "utf8") : undefined,
      };
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** What Prisma may have entered for a script: the hash of it, or of it with other line ends. */
function checksums(script: string): string[] {
  const lines = script.replaceAll("\r\n", "\n");
  return [script, lines, lines.replaceAll("\n", "\r\n")].map((text) =>
    createHash("sha256").update(text).digest("hex"),
  );
}

/** The migration before that one, in the words of `--down`. */
function before(migrations: readonly Migration[], name: string): string {
  return (
    migrations[migrations.findIndex((migration) => migration.name === name) - 1]?.name ?? "base"
  );
}

function lineOf(script: string, position: number): number {
  return script.slice(0, position).split("\n").length;
}
