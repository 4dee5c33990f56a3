/** From a request to an operation that may be executed: what is refused before, and in which order. */

import {
  type DocumentNode,
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";

import type { OperationRequest } from "../http/request.ts";
import { coded, NotExecuted, withCode } from "./errors.ts";
import { type Cost, costOf } from "./limits/cost.ts";
import {
  type Excess,
  excessOf,
  excessOfCost,
  type Limits,
  tooManyTokens,
} from "./limits/limits.ts";
import { fragmentsOf, shapeOf } from "./limits/shape.ts";
import { hasMoreTokens } from "./limits/tokens.ts";
import { hashOf, type PersistedOperations } from "./persisted-operations.ts";
import type { Engine } from "./yoga.ts";

/** Which documents are taken. */
export interface Rules {
  readonly schema: GraphQLSchema;
  readonly persisted: PersistedOperations;
  /** Whether no other documents are taken. */
  readonly onlyPersisted: boolean;
  readonly limits: Limits;
}

/** An operation of a document that has been parsed, and what was found out about it once. */
export interface Operation {
  readonly document: DocumentNode;
  readonly definition: OperationDefinitionNode;
  readonly excess: Excess | undefined;
  readonly weigh: () => Cost;
}

/** Finds the operations that requests ask for. */
export class Operations {
  readonly #rules: Rules;
  readonly #known = new WeakMap<DocumentNode, Map<string | undefined, Operation>>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /**
   * The operation that is asked for, its document parsed and nothing more.
   *
   * @throws NotExecuted there is none.
   */
  find(engine: Engine, asked: OperationRequest): Operation {
    const document = this.#parse(engine, this.#documentOf(asked));
    const ofDocument = this.#known.get(document) ?? new Map<string | undefined, Operation>();
    this.#known.set(document, ofDocument);
    const known = ofDocument.get(asked.operationName);
    if (known !== undefined) {
      return known;
    }
    const operation = this.#read(document, asked.operationName);
    ofDocument.set(asked.operationName, operation);
    return operation;
  }

  /**
   * Hold an operation against the limits and the schema.
   *
   * @throws NotExecuted it is beyond a limit, or not valid.
   */
  check(engine: Engine, operation: Operation, { variables }: OperationRequest): void {
    const { document, excess, weigh } = operation;
    refuse(excess); // first: validation takes long where a document is large
    const errors = engine.validate(engine.schema, document);
    if (errors.length > 0) {
      throw new NotExecuted(errors.map((error) => withCode(error, "invalid-document")));
    }
    refuse(excessOfCost(weigh()(variables), this.#rules.limits));
  }

  #documentOf({ document, hash }: OperationRequest): string {
    const { persisted, onlyPersisted } = this.#rules;
    if (onlyPersisted && document !== undefined) {
      throw new NotExecuted([
        coded("persisted-operation-required", "Only persisted operations are taken here."),
      ]);
    }
    if (hash !== undefined && document !== undefined && hash !== hashOf(document)) {
      throw new NotExecuted([coded("bad-request", "The hash is not that of the document.")]);
    }
    const found = document ?? persisted.get(hash ?? "");
    if (found === undefined) {
      const message = "There is no persisted operation of that name.";
      throw new NotExecuted([coded("persisted-operation-not-found", message)], { status: 404 });
    }
    return found;
  }

  #parse(engine: Engine, source: string): DocumentNode {
    const { tokens } = this.#rules.limits;
    if (!engine.hasParsed(source) && hasMoreTokens(source, tokens)) {
      refuse(tooManyTokens(tokens));
    }
    try {
      return engine.parse(source);
    } catch (error) {
      throw error instanceof GraphQLError
        ? new NotExecuted([withCode(error, "invalid-document")])
        : error;
    }
  }

  #read(document: DocumentNode, name: string | undefined): Operation {
    const definition = getOperationAST(document, name);
    if (!definition) {
      const message =
        name === undefined
          ? "The document has not exactly one operation: say which by 'operationName'."
          : "The document has no operation of that name.";
      throw new NotExecuted([coded("invalid-document", message)]);
    }
    const { schema, limits } = this.#rules;
    const fragments = fragmentsOf(document);
    let cost: Cost | undefined;
    return {
      document,
      definition,
      excess: excessOf(shapeOf(definition, fragments), limits),
      weigh: () => (cost ??= costOf(schema, definition, fragments)), // of a valid document only
    };
  }
}

function refuse(excess: Excess | undefined): void {
  if (excess !== undefined) {
    const { code, message, ...numbers } = excess;
    throw new NotExecuted([coded(code, message, { ...numbers })]);
  }
}
