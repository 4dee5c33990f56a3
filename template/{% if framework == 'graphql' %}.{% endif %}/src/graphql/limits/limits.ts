/** How much a document may ask for: measured before anything of it is executed. */

import type { Shape } from "./shape.ts";

/** How deep tools go that ask for the whole schema. */
const INTROSPECTION_DEPTH = 15;

/** The limits of every document; all but the first apply to the operation that is executed. */
export interface Limits {
  readonly tokens: number;
  /** In fields. */
  readonly depth: number;
  /** In root fields. */
  readonly width: number;
  readonly aliases: number;
  readonly cost: number;
}

/** The limits as the settings name them. */
export interface LimitSettings {
  readonly graphqlMaxTokens: number;
  readonly graphqlMaxDepth: number;
  readonly graphqlMaxWidth: number;
  readonly graphqlMaxAliases: number;
  readonly graphqlMaxCost: number;
}

export function limitsOf(settings: LimitSettings): Limits {
  return {
    tokens: settings.graphqlMaxTokens,
    depth: settings.graphqlMaxDepth,
    width: settings.graphqlMaxWidth,
    aliases: settings.graphqlMaxAliases,
    cost: settings.graphqlMaxCost,
  };
}

/** What is over its limit. */
export interface Excess {
  readonly code: string;
  readonly message: string;
  readonly limit: number;
  readonly cost?: number;
}

export function tooManyTokens(limit: number): Excess {
  const message = `The document has more than the ${limit} tokens that are allowed.`;
  return { code: "document-too-large", message, limit };
}

/** The first limit that an operation is over whatever its variables say. */
export function excessOf(shape: Shape, limits: Limits): Excess | undefined {
  const { depth, introspectionDepth, aliases, width } = shape;
  if (depth > limits.depth) {
    return excess("document-too-deep", `is ${depth} fields deep`, limits.depth);
  }
  if (introspectionDepth > INTROSPECTION_DEPTH) {
    const measured = `introspects ${introspectionDepth} fields deep`;
    return excess("document-too-deep", measured, INTROSPECTION_DEPTH);
  }
  if (aliases > limits.aliases) {
    return excess("too-many-aliases", `has ${aliases} aliases`, limits.aliases);
  }
  if (width > limits.width) {
    return excess("document-too-wide", `has ${width} root fields`, limits.width);
  }
  return undefined;
}

/** Whether an operation would cost too much. */
export function excessOfCost(cost: number, limits: Limits): Excess | undefined {
  return cost > limits.cost
    ? { ...excess("document-too-costly", `costs ${cost}`, limits.cost), cost }
    : undefined;
}

function excess(code: string, measured: string, limit: number): Excess {
  return { code, message: `The operation ${measured}; ${limit} are allowed.`, limit };
}
