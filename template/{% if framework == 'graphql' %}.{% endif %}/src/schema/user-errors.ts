/**
 * Why a mutation was refused: members of its result, with the codes of the REST API.
 *
 *     UserError
 *     ├── ValidationError           what is wrong with each field of the input
 *     ├── NotFoundError             nothing by that id for this tenant
 *     ├── ConflictError             a uniqueness rule or the state machine forbids it
 *     ├── PreconditionFailedError   the thing has changed since it was read
 *     └── IdempotencyError          the key stands for another write, or for one at work
 */

import type { z } from "zod";

import { Conflict, InvalidReference, InvalidTransition, NotFound } from "../domain/errors.ts";
import { faultsIn } from "../http/field-errors.ts";
import { builder } from "./builder.ts";

/** What is wrong with one field of the input; `path` leads to it. */
export interface FieldError {
  readonly path: readonly string[];
  readonly code: string;
  readonly message: string;
}

export abstract class UserError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export class ValidationError extends UserError {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[], options?: ErrorOptions) {
    super("validation", "The input is not valid.", options);
    this.errors = errors;
  }
}

export class NotFoundError extends UserError {
  constructor(message: string, options?: ErrorOptions) {
    super("not-found", message, options);
  }
}

export class ConflictError extends UserError {}

export class PreconditionFailedError extends UserError {
  readonly currentVersion: number;

  constructor(currentVersion: number) {
    super(
      "precondition-failed",
      `The resource is at version ${currentVersion} now; read it again.`,
    );
    this.currentVersion = currentVersion;
  }
}

export class IdempotencyError extends UserError {
  /** Seconds. */
  readonly retryAfter: number | undefined;

  constructor(
    code: "idempotency-key-reused" | "idempotency-in-progress",
    message: string,
    retryAfter?: number,
  ) {
    super(code, message);
    this.retryAfter = retryAfter;
  }
}

/** The user error that a refusal amounts to; whatever else was thrown stays what it is. */
export function asUserError(error: unknown): unknown {
  if (error instanceof NotFound) {
    return new NotFoundError(error.message, { cause: error });
  }
  if (error instanceof Conflict) {
    return new ConflictError("conflict", error.message, { cause: error });
  }
  if (error instanceof InvalidTransition) {
    return new ConflictError("invalid-transition", error.message, { cause: error });
  }
  if (error instanceof InvalidReference) {
    const { field, message } = error;
    return new ValidationError([{ path: [field], code: "unknown-reference", message }], {
      cause: error,
    });
  }
  return error;
}

/** What a schema finds wrong with an input. */
export function fieldErrors({ issues }: z.core.$ZodError, input: unknown): FieldError[] {
  return faultsIn(input, issues).map(({ path, ...fault }) => ({
    path: path.map(String),
    ...fault,
  }));
}

const UserErrorType = builder.interfaceRef<UserError>("UserError").implement({
  description: "Why a mutation was refused; codes are stable, messages are for people.",
  fields: (t) => ({ code: t.exposeString("code"), message: t.exposeString("message") }),
});

const FieldErrorType = builder.objectRef<FieldError>("FieldError").implement({
  description: "What is wrong with one field of the input.",
  fields: (t) => ({
    path: t.stringList({ resolve: ({ path }) => [...path] }),
    code: t.exposeString("code"),
    message: t.exposeString("message"),
  }),
});

builder.objectType(ValidationError, {
  name: "ValidationError",
  description: "The input is well-formed but invalid.",
  interfaces: [UserErrorType],
  fields: (t) => ({
    errors: t.field({ type: [FieldErrorType], resolve: ({ errors }) => [...errors] }),
  }),
});

builder.objectType(NotFoundError, {
  name: "NotFoundError",
  description: "There is no such thing.",
  interfaces: [UserErrorType],
});

builder.objectType(ConflictError, {
  name: "ConflictError",
  description: "What is stored does not permit the change.",
  interfaces: [UserErrorType],
});

builder.objectType(PreconditionFailedError, {
  name: "PreconditionFailedError",
  description: "The thing is at another version than the expected one.",
  interfaces: [UserErrorType],
  fields: (t) => ({ currentVersion: t.exposeInt("currentVersion") }),
});

builder.objectType(IdempotencyError, {
  name: "IdempotencyError",
  description: "The key stands for another write, or for one that is still at work.",
  interfaces: [UserErrorType],
  fields: (t) => ({
    retryAfter: t.exposeInt("retryAfter", { nullable: true, description: "Seconds." }),
  }),
});
