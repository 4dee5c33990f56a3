/** Who may come in: address limit, token, principal limit, scope - in this order. */

import { InvalidToken, type Principal } from "../auth/principal.ts";
import type { TokenVerifier } from "../auth/tokens.ts";
import type { RequestContext } from "../observability/context.ts";
import { log } from "../observability/logs.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { RateLimiter } from "../rate-limit.ts";
import { FORBIDDEN, Problem, RATE_LIMITED, UNAUTHORIZED } from "./problems.ts";

/**
 * Admits callers to routes that require a scope.
 *
 * An address pays for the requests that fail authentication, a principal for all of its own: so
 * guessing tokens is bounded, and colleagues behind one address do not use up each other's share.
 */
export class Admission {
  readonly #verifier: TokenVerifier;
  readonly #limiter: RateLimiter | undefined;
  readonly #metrics: Metrics;
  #limiterFails = false;

  constructor(verifier: TokenVerifier, limiter: RateLimiter | undefined, metrics: Metrics) {
    this.#verifier = verifier;
    this.#limiter = limiter;
    this.#metrics = metrics;
  }

  /**
   * The caller of a request.
   *
   * @throws Problem 401, 403 or 429.
   * @throws InvalidToken see `TokenVerifier.verify`.
   * @throws Unavailable likewise.
   */
  async admit(
    context: RequestContext,
    authorization: string | undefined,
    scopes: readonly string[],
  ): Promise<Principal> {
    const address = `address ${context.address}`;
    await this.#limit("address", (limiter) => limiter.wait(address));
    let principal: Principal;
    try {
      principal = await this.#verifier.verify(bearerToken(authorization));
    } catch (error) {
      if (error instanceof InvalidToken || error instanceof Problem) {
        await this.#limit("address", (limiter) => limiter.take(address));
      }
      throw error;
    }
    const { tenant, subject } = principal;
    context.tenant = tenant;
    context.subject = subject;
    // A separator that neither can hold: with a space two tenants might share a bucket.
    await this.#limit("principal", (limiter) => limiter.take(`principal ${tenant}\0${subject}`));
    if (!scopes.every((scope) => principal.scopes.has(scope))) {
      const needed = scopes.join(" ");
      throw new Problem(FORBIDDEN, `The token lacks the scope ${needed}.`, {
        headers: {
          "WWW-Authenticate": `Bearer error="insufficient_scope", scope="${needed}"`,
        },
      });
    }
    return principal;
  }

  async #limit(by: string, ask: (limiter: RateLimiter) => number | Promise<number>): Promise<void> {
    if (this.#limiter === undefined) {
      return;
    }
    let seconds: number;
    try {
      seconds = await ask(this.#limiter);
    } catch (error) {
      // Whatever is wrong with it, callers do not pay.
      this.#metrics.limiterFailures.inc();
      if (!this.#limiterFails) {
        this.#limiterFails = true; // an outage is one line, not one for each request
        log.warning("rate limiter fails, requests are let through", { error: String(error) });
      }
      return;
    }
    this.#limiterFails = false;
    if (seconds > 0) {
      this.#metrics.rateLimited.inc({ by });
      throw new Problem(RATE_LIMITED, `The limit of requests for this ${by} is used up.`, {
        headers: { "Retry-After": String(Math.ceil(seconds)) },
      });
    }
  }
}

/** The token of an Authorization header (RFC 6750). */
export function bearerToken(authorization: string | undefined): string {
  const token = /^bearer +(.*)$/i.exec(authorization ?? "")?.[1]?.trim();
  if (!token) {
    throw new Problem(UNAUTHORIZED, "Send an Authorization header with a bearer token.", {
      headers: { "WWW-Authenticate": "Bearer" },
    });
  }
  return token;
}
