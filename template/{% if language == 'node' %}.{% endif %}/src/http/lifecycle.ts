/** Is the process serving, or on its way out? Set by the server, read by the layers. */
export class Lifecycle {
  /** True from the first SIGTERM on: not ready, and every reply closes. */
  draining = false;
}
