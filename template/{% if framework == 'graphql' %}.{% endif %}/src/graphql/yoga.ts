/**
 * GraphQL Yoga: parses, validates and executes documents, each document parsed and validated once.
 *
 * Yoga's HTTP side is not used: callers are admitted, bodies read and errors told as everywhere in
 * this service, without the Fetch API between a request and Node. Plugins of Envelop and Yoga work
 * (`onParse`, `onValidate`, `onExecute`, ...), except for their HTTP hooks.
 */

import {
  type DocumentNode,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  validate,
} from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";

import type { Context } from "./context.ts";
import { parseDocument } from "./document.ts";
import { DocumentCache } from "./document-cache.ts";

/** What Yoga does for one request. */
export interface Engine {
  readonly schema: GraphQLSchema;
  /** @throws GraphQLError the text is no document. */
  parse(text: string): DocumentNode;
  validate(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[];
  /** The context, with what plugins add to it. */
  contextFactory(): Context | Promise<Context>;
  execute(args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult>;
  /** Whether a text was parsed not long ago. */
  hasParsed(text: string): boolean;
}

/** @param hidden whether nothing is told of the schema: in production. */
export function createEngine(
  schema: GraphQLSchema,
  { hidden }: { readonly hidden: boolean },
): (context: Context) => Engine {
  const documents = new DocumentCache<DocumentNode>();
  const yoga = createYoga<Context>({
    schema,
    plugins: [useReferenceEngine(hidden), ...(hidden ? [useNoIntrospection()] : [])],
    parserAndValidationCache: {
      documentCache: documents,
      errorCache: new DocumentCache<Error>(),
    },
    maskedErrors: false, // errors.ts does it
    batching: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    multipart: false,
  });
  const hasParsed = (text: string) => documents.get(text) !== undefined;
  return (context) => ({ ...yoga.getEnveloped(context), hasParsed });
}

/** GraphQL.js itself; without "Did you mean ...", which tells the schema a name at a time, if so wanted. */
function useReferenceEngine(hideSuggestions: boolean): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn(parseDocument);
    },
    onValidate({ setValidationFn }) {
      setValidationFn((...[schema, document, rules]: Parameters<typeof validate>) =>
        validate(schema, document, rules, { hideSuggestions }),
      );
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => execute({ ...args, hideSuggestions }));
    },
  };
}

/** `__schema` and `__type` are refused; `__typename` is not, which clients need. */
function useNoIntrospection(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}
