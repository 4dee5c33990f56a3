/** Errors as clients see them: a stable code, the request's id, and nothing that is not theirs. */

import { GraphQLError, Kind, type SourceLocation } from "graphql";

import { problemOf } from "../http/problems.ts";

/** One of the errors of a reply. */
export interface Told {
  readonly message: string;
  readonly locations?: readonly SourceLocation[];
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>> & {
    readonly code: string;
    readonly requestId: string;
  };
}

/** A document that is not executed. */
export class NotExecuted extends Error {
  override readonly name = "NotExecuted";
  readonly errors: readonly GraphQLError[];
  /** Unless the client takes nothing but `application/json`, where all of this is 200. */
  readonly status: number;

  constructor(errors: readonly GraphQLError[], { status = 400 } = {}) {
    super(errors.map(({ message }) => message).join("\n"));
    this.errors = errors;
    this.status = status;
  }

  /** What the engine says of variables that do not fit their types. */
  static forVariables(errors: readonly GraphQLError[]): NotExecuted {
    return new NotExecuted(errors.map((error) => withCode(error, "bad-request")));
  }
}

/** An error with a code, and what else clients may want to know. */
export function coded(
  code: string,
  message: string,
  extensions: Readonly<Record<string, unknown>> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...extensions } });
}

/** The same error with this code. */
export function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes, source, positions, path } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions: { code } });
}

/** What is told of errors. Only one that has a code, or is foreseen, is told in its own words. */
export function told(errors: readonly GraphQLError[], requestId: string): Told[] {
  // A batch that failed has failed for each field that waited for it: it is logged once.
  const reasons = new Map<unknown, Reason>();
  return errors.map((error) => {
    const { locations, path } = error;
    const cause = causeOf(error);
    const reason = reasons.get(cause) ?? reasonOf(error, cause);
    reasons.set(cause, reason);
    const { message, ...extensions } = reason;
    return {
      message,
      ...(locations && { locations: locations.map(({ line, column }) => ({ line, column })) }),
      ...(path && { path }),
      extensions: { ...extensions, requestId },
    };
  });
}

interface Reason extends Readonly<Record<string, unknown>> {
  readonly message: string;
  readonly code: string;
}

function reasonOf(error: GraphQLError, cause: unknown): Reason {
  const { code } = error.extensions;
  if (typeof code === "string") {
    return { ...error.extensions, message: error.message, code };
  }
  if (isArgumentError(cause)) {
    return { message: cause.message, code: "bad-request" };
  }
  const { kind, detail, headers } = problemOf(cause); // logs what nobody foresaw
  const retryAfter = headers["Retry-After"];
  return {
    message: detail,
    code: kind.slug,
    ...(retryAfter !== undefined && { retryAfter: Number(retryAfter) }),
  };
}

/** What was thrown, below the places that it was noticed at. */
function causeOf(error: GraphQLError): unknown {
  let cause: unknown = error;
  while (cause instanceof GraphQLError && cause.cause !== undefined) {
    cause = cause.cause;
  }
  return cause;
}

/**
 * Whether a variable had no value that an argument takes; such an error knows the argument. One that
 * knows a field is about what its resolver gave, and may quote it.
 */
function isArgumentError(error: unknown): error is GraphQLError {
  const nodes = error instanceof GraphQLError ? error.nodes : undefined;
  return nodes?.every(({ kind }) => kind !== Kind.FIELD) ?? false;
}
