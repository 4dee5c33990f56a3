/** How often something may happen, counted by all processes together. */

import type { RateLimiter } from "../rate-limit.ts";
import { type RedisStore, Script } from "./store.ts";

/**
 * The same bucket as `TokenBuckets`: its level is kept as the moment at which it was, or will be,
 * full. Redis' clock counts, in whole microseconds, so processes need not agree on one.
 */
const TAKE = new Script(`
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, capacity, count = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval
local wait = full_at - now - capacity * interval
if wait > 0 then
  return wait
end
if count then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at),
             'PX', math.ceil((full_at - now) / 1000))
end
return 0
`);

/**
 * `perMinute` for each key in all processes, all at once if they like.
 *
 * Each question is one round trip. Both methods reject with RedisAway when Redis cannot tell.
 */
export class RedisRateLimiter implements RateLimiter {
  readonly #store: RedisStore;
  readonly #capacity: number;
  readonly #intervalUs: number;

  constructor(store: RedisStore, perMinute: number) {
    this.#store = store;
    this.#capacity = perMinute;
    this.#intervalUs = Math.max(1, Math.round(60_000_000 / perMinute));
  }

  take(key: string): Promise<number> {
    return this.#ask(key, 1);
  }

  wait(key: string): Promise<number> {
    return this.#ask(key, 0);
  }

  async #ask(key: string, count: 0 | 1): Promise<number> {
    const name = this.#store.key("limit", key);
    const waitUs = await this.#store.run(TAKE, name, this.#intervalUs, this.#capacity, count);
    return Number(waitUs) / 1_000_000;
  }
}
