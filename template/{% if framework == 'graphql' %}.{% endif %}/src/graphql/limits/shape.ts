/**
 * What can be told of an operation without its schema: how deep, how wide, how many aliases.
 *
 * Fragments count as often as they are spread, and are looked at once: a few lines may stand for more
 * fields than anybody could count. Nothing here needs a valid document.
 */

import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";

/** The measures of an operation. */
export interface Shape {
  /** In fields. */
  readonly depth: number;
  /** The same below `__schema` and `__type`, where tools go deeper than any client. */
  readonly introspectionDepth: number;
  /** Root fields under names of their own: those of one name are one. */
  readonly width: number;
  readonly aliases: number;
}

/** What a selection holds; a fragment's is added up wherever it is spread. */
type Part = Omit<Shape, "width">;

const NOTHING: Part = { depth: 0, introspectionDepth: 0, aliases: 0 };
const INTROSPECTION = new Set(["__schema", "__type"]);

/** The fragments of a document by their names. */
export function fragmentsOf({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  return new Map(
    definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  );
}

/** Measure an operation of a document with these fragments. */
export function shapeOf(
  { selectionSet }: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Shape {
  const known = new Map<string, Part>();

  function partOf({ selections }: SelectionSetNode): Part {
    let { depth, introspectionDepth, aliases } = NOTHING;
    for (const selection of selections) {
      let part: Part;
      switch (selection.kind) {
        case Kind.FIELD:
          part = fieldPart(
            selection.selectionSet === undefined ? NOTHING : partOf(selection.selectionSet),
            INTROSPECTION.has(selection.name.value),
            selection.alias !== undefined,
          );
          break;
        case Kind.INLINE_FRAGMENT:
          part = partOf(selection.selectionSet);
          break;
        case Kind.FRAGMENT_SPREAD:
          part = fragmentPart(selection.name.value);
          break;
      }
      depth = Math.max(depth, part.depth);
      introspectionDepth = Math.max(introspectionDepth, part.introspectionDepth);
      aliases += part.aliases;
    }
    return { depth, introspectionDepth, aliases };
  }

  function fragmentPart(name: string): Part {
    let part = known.get(name);
    if (part === undefined) {
      known.set(name, NOTHING); // one that leads back to itself is invalid, which is found out later
      const fragment = fragments.get(name);
      part = fragment === undefined ? NOTHING : partOf(fragment.selectionSet);
      known.set(name, part);
    }
    return part;
  }

  return { ...partOf(selectionSet), width: rootNames(selectionSet, fragments).size };
}

function fieldPart(inner: Part, introspects: boolean, hasAlias: boolean): Part {
  const depth = 1 + inner.depth;
  return {
    depth: introspects ? 0 : depth,
    introspectionDepth: introspects
      ? depth
      : inner.introspectionDepth === 0
        ? 0
        : 1 + inner.introspectionDepth,
    aliases: inner.aliases + (hasAlias ? 1 : 0),
  };
}

/** The names under which root fields are answered. */
function rootNames(
  root: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Set<string> {
  const names = new Set<string>();
  const spread = new Set<string>();
  const pending = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const selection of next.selections) {
      if (selection.kind === Kind.FIELD) {
        names.add((selection.alias ?? selection.name).value);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        pending.push(selection.selectionSet);
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment !== undefined) {
          pending.push(fragment.selectionSet);
        }
      }
    }
  }
  return names;
}
