/** The connection to Redis: every command is bounded, and while Redis is away none is sent. */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { Redis } from "ioredis";

import type { RedisAddress } from "./url.ts";

const CONNECT_TIMEOUT_MS = 1_000;
const FIRST_DELAY_MS = 50;
const LAST_DELAY_MS = 1_000;
const NOT_ASKED = "not asked yet";

/** Redis does not answer, or refuses; do without it. */
export class RedisAway extends Error {
  constructor(reason: string | undefined) {
    super(reason);
    this.name = "RedisAway";
  }
}

/** A Lua script on one key: it runs as a whole, between the commands of all other clients. */
export class Script {
  readonly source: string;
  /** Redis' name for it. */
  readonly sha1: string;

  constructor(source: string) {
    this.source = source;
    this.sha1 = createHash("sha1").update(source).digest("hex");
  }
}

/** How a store talks to Redis, and whom it tells. */
export interface StoreOptions {
  /** Begins every key, so that services can share a database. */
  readonly prefix: string;
  /**
   * What a request may lose to Redis, once: after a command that took longer none is sent until
   * Redis has answered the store itself.
   */
  readonly timeoutMs: number;
  /** Called with the error when Redis is away, with undefined when it answers (again). */
  readonly onChange?: (error: string | undefined) => void;
}

/** One Redis database that all processes of the service share. */
export class RedisStore {
  readonly #prefix: string;
  readonly #onChange: (error: string | undefined) => void;
  readonly #address: RedisAddress;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  /** Keys whose deletion has not reached Redis, and when what they held is gone by itself. */
  readonly #undeleted = new Map<string, number>();
  /** Undefined while Redis is away. */
  #client: Redis | undefined;

  /** Why Redis is away; undefined while it answers. */
  lastError: string | undefined = NOT_ASKED;

  constructor(address: RedisAddress, { prefix, timeoutMs, onChange }: StoreOptions) {
    this.#prefix = prefix;
    this.#onChange = onChange ?? (() => undefined);
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether Redis answered lately. */
  get up(): boolean {
    return this.#client !== undefined;
  }

  /** The key of something: a digest, since parts may be addresses and names of people. */
  key(kind: string, ...parts: readonly string[]): string {
    const digest = createHash("sha256").update(parts.join("\0")).digest("hex");
    return `${this.#prefix}:${kind}:${digest.slice(0, 32)}`;
  }

  /**
   * Run a script on a key; what it returns.
   *
   * @throws RedisAway at once while Redis is away, else after the timeout at the latest.
   */
  async run(
    script: Script,
    key: string,
    ...values: readonly (string | number)[]
  ): Promise<unknown> {
    return this.#use(async (client) => {
      try {
        return await client.evalsha(script.sha1, 1, key, ...values);
      } catch (error) {
        if (!String(error).includes("NOSCRIPT")) throw error;
        return client.eval(script.source, 1, key, ...values); // the first time since Redis started
      }
    });
  }

  /**
   * Delete a key whose value lives `livesMs` at most; false when Redis is away.
   *
   * Then it is deleted as soon as Redis answers, before this process uses anything from there.
   */
  async delete(key: string, livesMs: number): Promise<boolean> {
    try {
      await this.#use((client) => client.del(key));
      return true;
    } catch (error) {
      this.#undeleted.set(key, performance.now() + livesMs);
      if (this.#client !== undefined) this.#lose(this.#client, error);
      return false;
    }
  }

  /** Connect, or go on trying in the background. */
  async start(): Promise<void> {
    if (!(await this.#ask())) void this.#recover();
  }

  /** Close the connection; a server that does not answer is not waited for. */
  close(): void {
    this.#closing.abort();
    const client = this.#client;
    this.#client = undefined;
    client?.disconnect();
  }

  async #use<Result>(command: (client: Redis) => Promise<Result>): Promise<Result> {
    const client = this.#client;
    if (client === undefined) throw new RedisAway(this.lastError);
    try {
      return await command(client);
    } catch (error) {
      this.#lose(client, error);
      throw new RedisAway(String(error));
    }
  }

  #lose(client: Redis, error: unknown): void {
    if (client !== this.#client) return; // Redis has been asked anew meanwhile
    this.#client = undefined;
    client.disconnect();
    this.#note(String(error));
    void this.#recover();
  }

  async #recover(): Promise<void> {
    let delay = FIRST_DELAY_MS;
    while (!this.#closing.signal.aborted && !(await this.#ask())) {
      const jittered = delay * (0.8 + 0.4 * Math.random());
      await sleep(jittered, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      delay = Math.min(2 * delay, LAST_DELAY_MS);
    }
  }

  /** Ask once whether Redis is there and takes writes; use it from now on if it does. */
  async #ask(): Promise<boolean> {
    const now = performance.now();
    for (const [key, goneAt] of this.#undeleted) {
      if (goneAt <= now) this.#undeleted.delete(key);
    }
    const client = clientOf(this.#address, this.#timeoutMs);
    client.on("error", () => undefined); // what breaks is told by the commands that fail
    client.once("close", () => {
      this.#lose(client, "the connection was closed");
    });
    try {
      await client.connect();
      await client.set(`${this.#prefix}:probe`, "", "PX", 1000);
      while (this.#undeleted.size > 0) {
        const keys = [...this.#undeleted];
        await client.del(keys.map(([key]) => key));
        for (const [key, goneAt] of keys) {
          // Unless it was changed once more meanwhile.
          if (this.#undeleted.get(key) === goneAt) this.#undeleted.delete(key);
        }
      }
    } catch (error) {
      client.disconnect();
      this.#note(String(error));
      return false;
    }
    if (this.#closing.signal.aborted) {
      client.disconnect();
      return true;
    }
    this.#client = client;
    this.#note(undefined);
    return true;
  }

  /** Tell once how Redis was found at first, and each outage and its end. */
  #note(error: string | undefined): void {
    const before = this.lastError;
    this.lastError = error;
    if (before === NOT_ASKED || (before === undefined) !== (error === undefined)) {
      this.#onChange(error);
    }
  }
}

function clientOf(address: RedisAddress, commandTimeout: number): Redis {
  return new Redis({
    host: address.host,
    port: address.port,
    db: address.database,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    ...(address.tls && { tls: {} }),
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout,
    // Nothing waits for a connection or is tried twice: by then the request could have its answer
    // without. The store itself connects anew.
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
}
