/** What `persisted-operations.json` is made of: documents that are valid, and within the limits. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  specifiedRules,
  validate,
} from "graphql";

import { parseDocument } from "./document.ts";
import { costOf } from "./limits/cost.ts";
import { excessOf, excessOfCost, type Limits } from "./limits/limits.ts";
import { fragmentsOf, shapeOf } from "./limits/shape.ts";
import { hasMoreTokens } from "./limits/tokens.ts";
import { hashOf } from "./persisted-operations.ts";

/** Those of production, where nobody is told of the schema. */
const RULES = [...specifiedRules, NoSchemaIntrospectionCustomRule];

/** A file of one operation. */
export interface OperationFile {
  readonly path: string;
  readonly document: string;
}

/** The operations in a folder and those below it. */
export function operationFiles(folder: string): OperationFile[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".graphql"))
    .sort()
    .map((name) => join(folder, name))
    .map((path) => ({ path, document: readFileSync(path, "utf8") }));
}

/** The manifest of these files, and one line for everything that is wrong with them. */
export function manifestOf(
  files: readonly OperationFile[],
  schema: GraphQLSchema,
  limits: Limits,
): { manifest: Record<string, string>; problems: string[] } {
  const manifest: Record<string, string> = {};
  const problems: string[] = [];
  const paths = new Map<string, string>();
  for (const { path, document } of files) {
    try {
      const name = checkedName(document, schema, limits);
      const other = paths.get(name);
      if (other !== undefined) {
        throw new Error(`its name ${name} is that of ${other}`);
      }
      paths.set(name, path);
      manifest[hashOf(document)] = document;
    } catch (error) {
      problems.push(`${path}${placeOf(error)}: ${(error as Error).message}`);
    }
  }
  return { manifest, problems };
}

/** The name of the operation of a document that may be executed. */
function checkedName(document: string, schema: GraphQLSchema, limits: Limits): string {
  if (hasMoreTokens(document, limits.tokens)) {
    throw new Error(`it has more than ${limits.tokens} tokens`);
  }
  const parsed = parseDocument(document);
  const operation = operationOf(parsed);
  const [error] = validate(schema, parsed, RULES);
  if (error !== undefined) {
    throw error;
  }
  const fragments = fragmentsOf(parsed);
  const cost = costOf(schema, operation, fragments)({}); // at the defaults of its variables
  const excess = excessOf(shapeOf(operation, fragments), limits) ?? excessOfCost(cost, limits);
  if (excess !== undefined) {
    throw new Error(excess.message);
  }
  return operation.name.value;
}

type NamedOperation = OperationDefinitionNode & { name: { value: string } };

function operationOf({ definitions }: DocumentNode): NamedOperation {
  const [operation, ...more] = definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined || more.length > 0 || !isNamed(operation)) {
    throw new Error("it has to hold one operation, with a name");
  }
  return operation;
}

function isNamed(definition: DocumentNode["definitions"][number]): definition is NamedOperation {
  return definition.kind === Kind.OPERATION_DEFINITION && definition.name !== undefined;
}

function placeOf(error: unknown): string {
  const [place] = (error instanceof GraphQLError ? error.locations : undefined) ?? [];
  return place === undefined ? "" : `:${place.line}:${place.column}`;
}
