/** What a document wants of a field, for resolvers that can spare the database what nobody reads. */

import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from "graphql";

/** Whether anything below the field is called `name`; aliases do not matter, nor does the type. */
export function selects({ fieldNodes, fragments }: GraphQLResolveInfo, name: string): boolean {
  const seen = new Set<string>();

  function within(set: SelectionSetNode | undefined): boolean {
    return (
      set?.selections.some((selection) => {
        switch (selection.kind) {
          case Kind.FIELD:
            return selection.name.value === name || within(selection.selectionSet);
          case Kind.INLINE_FRAGMENT:
            return within(selection.selectionSet);
          case Kind.FRAGMENT_SPREAD: {
            const fragment = selection.name.value;
            if (seen.has(fragment)) {
              return false;
            }
            seen.add(fragment);
            return within(fragments[fragment]?.selectionSet);
          }
        }
      }) ?? false
    );
  }

  return fieldNodes.some(({ selectionSet }) => within(selectionSet));
}
