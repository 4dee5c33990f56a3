/**
 * Values that are read far more often than they change: from Redis, else from where they live.
 *
 * A reader who finds nothing leaves a lease in the place of the value and loads it. Only while that
 * very lease is still there may the value take its place; and whoever changes the thing deletes what
 * is there once the change is committed, value or lease. So a reader who loaded the old row before
 * the commit stores it nowhere after it, whatever was slow, restarted or evicted in between. The
 * lease is also what makes others wait for one load instead of loading, too.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { Counter, type Registry } from "prom-client";

import { type RedisStore, Script } from "./store.ts";

/** How long a load may take before others believe that it failed. Too short costs a second load. */
const LEASE_MS = 2_000;
/** Between questions whether another process has loaded; after the last one, load as well. */
const PATIENCE_MS = [5, 10, 20, 40, 0];
const VALUE = "=";
const LEASE = "?";

const FIND_OR_LEASE = new Script(`
local found = redis.call('GET', KEYS[1])
if found then
  return found
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`);

const KEEP = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  return redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`);

/** What is cached, and how it is written. */
export interface Kind<Value> {
  /** Another one whenever the form changes, so that releases side by side do not meet. */
  readonly name: string;
  readonly write: (value: Value) => string;
  readonly read: (text: string) => Value;
}

/** How long values stay, and where what happens is counted. */
export interface CacheOptions {
  /**
   * The most that a value stays. It bounds how long a change stays unseen whose process was killed,
   * or cut off from Redis, between the commit and the deletion.
   */
  readonly ttlMs: number;
  readonly registry: Registry;
}

/** Reads through Redis; without a store, or while it is away, straight from where values live. */
export class Cache {
  readonly #store: RedisStore | undefined;
  readonly #ttlMs: number;
  readonly #loads = new Map<string, Promise<unknown>>();
  readonly #requests: Counter<"result">;
  readonly #failures: Counter;

  constructor(store: RedisStore | undefined, { ttlMs, registry }: CacheOptions) {
    this.#store = store;
    this.#ttlMs = ttlMs;
    this.#requests = new Counter({
      name: "cache_requests_total",
      help: "Reads through the cache: hit without the database, miss and error (of Redis) with it.",
      labelNames: ["result"],
      registers: [registry],
    });
    this.#failures = new Counter({
      name: "cache_failures_total",
      help: "Questions that Redis did not answer.",
      registers: [registry],
    });
  }

  /** The value of that identity; `load` gets it from where it lives, undefined if there is none. */
  async getOrLoad<Value>(
    kind: Kind<Value>,
    identity: readonly string[],
    load: () => Promise<Value | undefined>,
  ): Promise<Value | undefined> {
    const store = this.#store;
    if (store === undefined) return load();
    const key = store.key(kind.name, ...identity);
    const lease = LEASE + randomUUID();
    for (const patience of PATIENCE_MS) {
      const found = await store.run(FIND_OR_LEASE, key, lease, LEASE_MS).catch(() => undefined);
      if (typeof found !== "string") {
        this.#failures.inc();
        this.#requests.inc({ result: "error" });
        return load();
      }
      if (found === lease) {
        this.#requests.inc({ result: "miss" });
        return this.#load(store, kind, key, lease, load);
      }
      if (found.startsWith(VALUE)) {
        const value = readable(kind, found.slice(VALUE.length));
        if (value === undefined) break;
        this.#requests.inc({ result: "hit" });
        return value;
      }
      // Somebody loads. The lease was still there when asked, so nothing was changed since.
      const underWay = this.#loads.get(found);
      if (underWay === undefined) {
        await sleep(patience);
        continue;
      }
      try {
        const value = await underWay;
        this.#requests.inc({ result: "hit" });
        return value as Value | undefined;
      } catch {
        break;
      }
    }
    this.#requests.inc({ result: "miss" });
    return load();
  }

  /**
   * Carry out the transaction that changes something: whatever comes of it, forget the value.
   *
   * A change whose commit is not known to have failed may have happened, so errors forget, too.
   */
  async changing<Result>(
    kind: { readonly name: string },
    identity: readonly string[],
    change: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await change();
    } finally {
      const store = this.#store;
      if (store !== undefined) {
        const deleted = await store.delete(store.key(kind.name, ...identity), this.#ttlMs);
        if (!deleted) this.#failures.inc();
      }
    }
  }

  /** Load for everybody who waits for `lease`, and put the value in its place. */
  async #load<Value>(
    store: RedisStore,
    kind: Kind<Value>,
    key: string,
    lease: string,
    load: () => Promise<Value | undefined>,
  ): Promise<Value | undefined> {
    const loading = load();
    this.#loads.set(lease, loading);
    let kept = "";
    try {
      const value = await loading;
      if (value !== undefined) kept = VALUE + kind.write(value);
      return value;
    } finally {
      const ttlMs = Math.max(1, Math.round(this.#ttlMs * (0.8 + 0.2 * Math.random())));
      await store.run(KEEP, key, lease, kept, ttlMs).catch(() => {
        this.#failures.inc();
      });
      this.#loads.delete(lease);
    }
  }
}

/** A value that was found; undefined when it is not as this release writes it. */
function readable<Value>(kind: Kind<Value>, text: string): Value | undefined {
  try {
    return kind.read(text);
  } catch {
    return undefined;
  }
}
