/** The caller, once believed. */

/** Who a verified token speaks for; `expiresAt` in seconds since the epoch. */
export interface Principal {
  readonly tenant: string;
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  readonly expiresAt: number;
}

/** The token cannot be believed; `message` may be shown to the caller. */
export class InvalidToken extends Error {
  override readonly name = "InvalidToken";
}
