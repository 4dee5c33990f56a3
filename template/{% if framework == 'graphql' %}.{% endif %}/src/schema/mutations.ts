/** What mutations have in common: refusals as user errors, and writes that happen once a key. */

import { hash } from "node:crypto";

import type { z } from "zod";

import type { Transaction } from "../database/database.ts";
import type { Context } from "../graphql/context.ts";
import { canonicalJson } from "../http/json-body.ts";
import type { StoredReply } from "../repositories/idempotency-keys.ts";
import { KEY } from "../services/idempotent-writes.ts";
import { asUserError, fieldErrors, IdempotencyError, ValidationError } from "./user-errors.ts";

/** JSON has no times: how a stored string begins says what it is. */
const TIME = "@";
const TEXT = "=";

/** What can be written once, and shown again as it was. */
interface Thing {
  readonly createdAt: Date;
  readonly updatedAt?: Date;
}

/** How a thing is created out of the input of a mutation. */
export interface Creation<Schema extends z.ZodType, Created extends Thing> {
  /** The mutation field, within which a key is unique. */
  readonly field: string;
  readonly schema: Schema;
  /** Decides everything about the thing, so that its reply is known before it is stored. */
  readonly draft: (valid: z.output<Schema>) => Created;
  readonly write: (tx: Transaction, tenant: string, created: Created) => Promise<void>;
}

/**
 * Change something, and read anew what the rest of the document asks for.
 *
 * @throws UserError the change was refused.
 */
export async function changing<Result>(
  context: Context,
  change: () => Promise<Result>,
): Promise<Result> {
  try {
    return await change();
  } catch (error) {
    throw asUserError(error);
  } finally {
    context.loaders.clear();
  }
}

/**
 * Create a thing, or give the one that was created under the same key, as it was then.
 *
 * @throws UserError it was refused.
 */
export async function createOnce<Schema extends z.ZodType, Created extends Thing>(
  context: Context,
  { idempotencyKey, ...input }: { readonly idempotencyKey: string },
  { field, schema, draft, write }: Creation<Schema, Created>,
): Promise<Created> {
  const created = draft(validated(schema, input, idempotencyKey));
  const { tenant, subject } = context.caller;
  const scope = { tenant, subject, method: "mutation", route: field, key: idempotencyKey };
  const written = await changing(context, () =>
    context.writes.once(scope, replyOf(input, created), (tx) => write(tx, tenant, created)),
  );
  switch (written) {
    case "in progress":
      throw new IdempotencyError(
        "idempotency-in-progress",
        "The first mutation with this key is still at work.",
        1,
      );
    case "reused":
      throw new IdempotencyError(
        "idempotency-key-reused",
        "This key was used with another input; take a new key for a new write.",
      );
    default:
      if (!written.replayed) {
        return created;
      }
      context.replayed = true;
      return read(written.reply.body) as Created;
  }
}

function validated<Schema extends z.ZodType>(
  schema: Schema,
  input: object,
  key: string,
): z.output<Schema> {
  const result = schema.safeParse(input);
  const errors = result.success ? [] : fieldErrors(result.error, input);
  if (!KEY.test(key)) {
    const message = "Give 1 to 255 visible ASCII characters.";
    errors.push({ path: ["idempotencyKey"], code: "idempotency-key-missing", message });
  }
  if (!result.success || errors.length > 0) {
    throw new ValidationError(errors);
  }
  return result.data;
}

/** What is stored: the thing itself, of which a repetition may select other fields. */
function replyOf(input: object, created: Thing): StoredReply {
  return {
    requestHash: hash("sha256", canonicalJson(input), "buffer"),
    status: 200,
    contentType: "application/json",
    location: null,
    etag: null,
    body: Buffer.from(JSON.stringify(created, marked)),
  };
}

function marked(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  return typeof value !== "string"
    ? value
    : this[name] instanceof Date // `value` is what its toJSON made of it
      ? TIME + value
      : TEXT + value;
}

function read(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body).toString(), (_, value: unknown) =>
    typeof value !== "string"
      ? value
      : value.startsWith(TIME)
        ? new Date(value.slice(TIME.length))
        : value.slice(TEXT.length),
  );
}
