/**
 * Why a request of a well-behaved caller can be refused.
 *
 *     DomainError
 *     ├── NotFound             nothing by that id for this tenant
 *     ├── Conflict             a uniqueness rule forbids it
 *     ├── InvalidTransition    the state machine forbids it
 *     ├── InvalidReference     the input names something that does not exist
 *     └── Unavailable          the service cannot answer now, but may soon
 *
 * Messages are shown to the caller: they never hold another tenant's data.
 */

/** Base of all refusals; `message` is the sentence for the caller. */
export abstract class DomainError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** There is no such thing for this tenant. */
export class NotFound extends DomainError {}

/** The change would break a uniqueness rule. */
export class Conflict extends DomainError {}

/** The thing cannot go from its present state to the wanted one. */
export class InvalidTransition extends DomainError {}

/** A field of the input, by its name in the API, names something that does not exist. */
export class InvalidReference extends DomainError {
  readonly field: string;

  constructor(field: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.field = field;
  }
}

/** A dependency is away or busy; try again after `retryAfter` seconds. */
export class Unavailable extends DomainError {
  readonly retryAfter: number;

  constructor(message: string, { retryAfter = 1, ...options }: UnavailableOptions = {}) {
    super(message, options);
    this.retryAfter = retryAfter;
  }
}

interface UnavailableOptions extends ErrorOptions {
  readonly retryAfter?: number;
}
