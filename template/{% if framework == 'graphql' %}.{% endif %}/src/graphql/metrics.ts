/** Prometheus metrics of operations: rate, errors and duration, by type and known name. */

import { Counter, Histogram, type Registry } from "prom-client";

const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is told of an operation; its name is one of a bounded set. */
export interface OperationLabels {
  readonly type: string;
  readonly name: string;
}

export class OperationMetrics {
  readonly #operations: Counter<"type" | "name" | "outcome">;
  readonly #durations: Histogram<"type" | "name">;

  constructor(registry: Registry) {
    this.#operations = new Counter({
      name: "graphql_operations_total",
      help: "Operations, by what became of them: ok, or the code of the first error.",
      labelNames: ["type", "name", "outcome"],
      registers: [registry],
    });
    this.#durations = new Histogram({
      name: "graphql_operation_duration_seconds",
      help: "Time of execution.",
      labelNames: ["type", "name"],
      buckets: DURATION_BUCKETS_S,
      registers: [registry],
    });
  }

  /** Count an operation that was executed. */
  executed(labels: OperationLabels, seconds: number, outcome: string): void {
    const { type, name } = labels;
    this.#operations.inc({ type, name, outcome });
    this.#durations.observe({ type, name }, seconds);
  }

  /** Count a document that was not. */
  refused(code: string): void {
    this.#operations.inc({ type: "unknown", name: "anonymous", outcome: code });
  }
}
