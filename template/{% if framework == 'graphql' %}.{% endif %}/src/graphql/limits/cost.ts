/**
 * What an operation may cost: each field 1, and what stands below a list as often as its `first` says;
 * where it has none, as often as the field says that it may (`extensions: { size: 100 }`).
 *
 * A valid document is weighed once; only what its variables decide is left for each request.
 */

import {
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from "graphql";

const SIZE = "first";
const SIZE_OF_LIST = "size";
/** Fragments in fragments may stand for more than a number can tell. */
const MOST = Number.MAX_SAFE_INTEGER;

/** The values of an operation's variables, as they were sent. */
export type Variables = Readonly<Record<string, unknown>>;

/** A cost, in which the variables are still open. */
interface Weight {
  /** What is known. */
  readonly fixed: number;
  /** What else there is, and how many times. */
  readonly parts: readonly { readonly times: Times; readonly weight: Weight }[];
}

/** How many things a list holds: a number, or what a variable says. */
type Times = number | SizeOfVariable;

interface SizeOfVariable {
  readonly variable: string;
  /** Where the variable is not given: its default, else the argument's. */
  readonly absent: number;
  /** Where it is null, which its own default does not replace: what the field itself takes then. */
  readonly none: number;
}

/** Gives the cost of an operation for its variables. */
export type Cost = (variables: Variables) => number;

/** The cost of an operation of a valid document. */
export function costOf(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Cost {
  const defaults = new Map(
    (operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [
      variable.name.value,
      numberIn(defaultValue),
    ]),
  );
  const known = new Map<string, Weight>();

  function selectionWeight(
    { selections }: SelectionSetNode,
    parent: GraphQLCompositeType | undefined,
  ): Weight {
    return sumOf(
      selections.map((selection) => {
        switch (selection.kind) {
          case Kind.FIELD:
            return fieldWeight(selection, parent);
          case Kind.INLINE_FRAGMENT:
            return selectionWeight(
              selection.selectionSet,
              typeNamed(selection.typeCondition?.name.value) ?? parent,
            );
          case Kind.FRAGMENT_SPREAD:
            return fragmentWeight(selection.name.value);
        }
      }),
    );
  }

  function fieldWeight(node: FieldNode, parent: GraphQLCompositeType | undefined): Weight {
    const field = fieldOf(parent, node.name.value);
    const type = field && getNamedType(field.type);
    const below =
      node.selectionSet === undefined
        ? { fixed: 0, parts: [] }
        : selectionWeight(node.selectionSet, isCompositeType(type) ? type : undefined);
    const { fixed, parts } = multiple(sizeOf(node, field), below);
    return { fixed: 1 + fixed, parts };
  }

  function fragmentWeight(name: string): Weight {
    let weight = known.get(name);
    if (weight === undefined) {
      const fragment = fragments.get(name);
      weight =
        fragment === undefined
          ? { fixed: 0, parts: [] }
          : selectionWeight(fragment.selectionSet, typeNamed(fragment.typeCondition.name.value));
      known.set(name, weight);
    }
    return weight;
  }

  function typeNamed(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : schema.getType(name);
    return isCompositeType(type) ? type : undefined;
  }

  function sizeOf(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): Times {
    const declared = field?.args.find(({ name }) => name === SIZE);
    if (declared === undefined) {
      const size = field?.extensions[SIZE_OF_LIST];
      return typeof size === "number" ? size : 1;
    }
    const byDefault = defaultOf(declared);
    const given = node.arguments?.find(({ name }) => name.value === SIZE)?.value;
    if (given?.kind === Kind.VARIABLE) {
      const variable = given.name.value;
      return { variable, absent: defaults.get(variable) ?? byDefault, none: byDefault };
    }
    return numberIn(given) ?? byDefault;
  }

  const root = schema.getRootType(operation.operation) ?? undefined;
  const weight = selectionWeight(operation.selectionSet, root);
  return (variables) => valueOf(weight, variables, new Map());
}

function fieldOf(
  parent: GraphQLCompositeType | undefined,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
}

/** The size of a list of which the document says none. */
function defaultOf(declared: GraphQLArgument): number {
  const { default: byDefault } = declared;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- as Pothos still gives it
  const { defaultValue } = declared;
  const value: unknown =
    byDefault?.literal === undefined
      ? (byDefault?.value ?? defaultValue)
      : numberIn(byDefault.literal);
  return typeof value === "number" ? notBelowZero(value) : 1;
}

function sumOf(weights: readonly Weight[]): Weight {
  let fixed = 0;
  const parts: { times: Times; weight: Weight }[] = [];
  for (const weight of weights) {
    if (weight.parts.length === 0) {
      fixed += weight.fixed;
    } else {
      parts.push({ times: 1, weight }); // not taken apart: a fragment stays one, however often spread
    }
  }
  return { fixed: Math.min(fixed, MOST), parts };
}

function multiple(times: Times, weight: Weight): Weight {
  return typeof times === "number" && weight.parts.length === 0
    ? { fixed: Math.min(times * weight.fixed, MOST), parts: [] }
    : { fixed: 0, parts: [{ times, weight }] };
}

function valueOf(weight: Weight, variables: Variables, known: Map<Weight, number>): number {
  const found = known.get(weight);
  if (found !== undefined) {
    return found;
  }
  let value = weight.fixed;
  for (const { times, weight: of } of weight.parts) {
    value += timesOf(times, variables) * valueOf(of, variables, known);
  }
  value = Math.min(value, MOST);
  known.set(weight, value);
  return value;
}

function timesOf(times: Times, variables: Variables): number {
  if (typeof times === "number") {
    return times;
  }
  const { variable, absent, none } = times;
  const given = Object.hasOwn(variables, variable) ? variables[variable] : undefined;
  if (given === null) {
    return none;
  }
  return isInt(given) ? notBelowZero(given) : absent; // what is no Int is refused as a variable
}

function isInt(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;
}

function numberIn(value: ValueNode | undefined): number | undefined {
  return value?.kind === Kind.INT ? notBelowZero(Number(value.value)) : undefined;
}

/** A field refuses such a size by itself; until then nothing else may become cheaper by it. */
function notBelowZero(size: number): number {
  return Math.max(size, 0);
}
