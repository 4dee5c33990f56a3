/** Is the database there? Asked on a connection of its own, so that a full pool is no outage. */

import pg from "pg";

import type { DatabaseAddress } from "./url.ts";

const INTERVAL_MS = 1_000;
const TIMEOUT_MS = 1_000;
const FAILURES_UNTIL_DOWN = 3;
const NOT_ASKED = "not asked yet";

/** How a probe asks, and whom it tells. */
export interface ProbeOptions {
  /** Called with the error when the database is away, with undefined when it answers again. */
  readonly onChange?: (error: string | undefined) => void;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
}

/**
 * Asks every second; down after three failures in a row, up after one success.
 *
 * A database that suspends itself when nobody asks (Neon) stays awake as long as the service runs:
 * on purpose, since readiness that was not asked for is a guess, and a cold start a caller's wait.
 */
export class DatabaseProbe {
  readonly #address: DatabaseAddress;
  readonly #onChange: (error: string | undefined) => void;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #failures = FAILURES_UNTIL_DOWN; // down until the first answer

  /** The name of the last failure; undefined when the last question was answered. */
  lastError: string | undefined = NOT_ASKED;

  constructor(address: DatabaseAddress, options: ProbeOptions = {}) {
    this.#address = address;
    this.#onChange = options.onChange ?? (() => undefined);
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** Whether the database answered lately. */
  get up(): boolean {
    return this.#failures < FAILURES_UNTIL_DOWN;
  }

  /** Probe until stopped. */
  start(): void {
    this.#running = true;
    void this.#round();
  }

  /** Stop probing and let go of the connection. */
  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#disconnect();
    return Promise.resolve();
  }

  /** Ask once and remember the outcome; takes at most the timeout, also when the server is frozen. */
  async ask(): Promise<void> {
    try {
      await this.#selectOne();
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === FAILURES_UNTIL_DOWN || this.lastError === NOT_ASKED) {
        this.#onChange(String(error));
      }
      this.lastError = nameOf(error);
      this.#disconnect();
      return;
    }
    if (!this.up) {
      this.#onChange(undefined);
    }
    this.#failures = 0;
    this.lastError = undefined;
  }

  async #round(): Promise<void> {
    await this.ask();
    if (this.#running) {
      this.#timer = setTimeout(() => void this.#round(), this.#intervalMs);
    }
  }

  async #selectOne(): Promise<void> {
    if (this.#client === undefined) {
      const client = new pg.Client({
        ...this.#address.connect,
        application_name: "probe",
        connectionTimeoutMillis: this.#timeoutMs,
        query_timeout: this.#timeoutMs,
      });
      // What breaks between two questions is noticed by the next one.
      client.on("error", () => undefined);
      this.#client = client;
      await client.connect();
    }
    await this.#client.query("select 1");
  }

  /** Let go of the connection without a farewell that the server would have to answer. */
  #disconnect(): void {
    this.#client?.end().catch(() => undefined);
    this.#client = undefined;
  }
}

function nameOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? String(error);
}
