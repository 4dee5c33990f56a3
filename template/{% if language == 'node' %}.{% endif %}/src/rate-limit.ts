/**
 * How often something may happen: token buckets, in this process.
 *
 * Each replica counts for itself. To count across replicas, implement `RateLimiter` over a shared
 * store; let it throw when the store is away: callers then let the request through and count that.
 */

/** Counts by key; both methods give the seconds until there is room again, 0 when there is. */
export interface RateLimiter {
  /** Count one for `key`, if there is room for it. */
  take(key: string): number | Promise<number>;
  /** The same without counting. */
  wait(key: string): number | Promise<number>;
}

/** How large buckets are, how fast they refill, and how many are kept. */
export interface BucketOptions {
  readonly capacity: number;
  readonly perSecond: number;
  readonly maxKeys?: number;
  /** Seconds since some moment; never goes back. */
  readonly clock?: () => number;
}

/** Below this a wait is an error of rounding. */
const ROUNDING_S = 1e-9;

/**
 * A bucket for each key: holds `capacity`, refills at `perSecond`, in bounded memory.
 *
 * The keys that were used longest ago are forgotten first. A forgotten key starts with a full bucket,
 * so a flood of new keys may favour some callers but never fills the memory.
 */
export class TokenBuckets {
  readonly #capacity: number;
  readonly #perSecond: number;
  readonly #maxKeys: number;
  readonly #clock: () => number;
  /** The level of each bucket is kept as the moment at which it was, or will be, full. */
  readonly #fullAt = new Map<string, number>();

  constructor({ capacity, perSecond, maxKeys = 50_000, clock = monotonic }: BucketOptions) {
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#maxKeys = maxKeys;
    this.#clock = clock;
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Take one, if the bucket holds one; else the seconds until it does. */
  tryTake(key = ""): number {
    const now = this.#clock();
    const fullAt = Math.max(this.#fullAt.get(key) ?? now, now) + 1 / this.#perSecond;
    const wait = fullAt - now - this.#capacity / this.#perSecond;
    if (wait > ROUNDING_S) {
      return wait;
    }
    this.#fullAt.delete(key); // a map is ordered by insertion: this key was used last
    this.#fullAt.set(key, fullAt);
    if (this.#fullAt.size > this.#maxKeys) {
      const [oldest = ""] = this.#fullAt.keys();
      this.#fullAt.delete(oldest);
    }
    return 0;
  }

  /** The seconds until the bucket holds one; nothing is taken. */
  secondsToWait(key = ""): number {
    const fullAt = this.#fullAt.get(key);
    if (fullAt === undefined) {
      return 0;
    }
    const wait = fullAt - this.#clock() + (1 - this.#capacity) / this.#perSecond;
    return wait > ROUNDING_S ? wait : 0;
  }
}

/** `perMinute` for each key, all at once if they like. */
export class LocalRateLimiter implements RateLimiter {
  readonly #buckets: TokenBuckets;

  constructor(perMinute: number) {
    this.#buckets = new TokenBuckets({ capacity: perMinute, perSecond: perMinute / 60 });
  }

  take(key: string): number {
    return this.#buckets.tryTake(key);
  }

  wait(key: string): number {
    return this.#buckets.secondsToWait(key);
  }
}

function monotonic(): number {
  return performance.now() / 1000;
}
