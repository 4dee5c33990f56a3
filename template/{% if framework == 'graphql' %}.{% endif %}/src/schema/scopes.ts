/**
 * The scope that a field needs, as an option of the field: `scope: "things:read"`.
 *
 * Without it in the caller's token the field is null, with an error. Every field of Query and
 * Mutation has to say a scope, or null when any caller may ask it.
 */

import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type PothosOutputFieldConfig,
  type SchemaTypes,
  type TypeParam,
} from "@pothos/core";
import { type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from "graphql";

import type { Context } from "../graphql/context.ts";
import { forbidden } from "./field-refusals.ts";

const PLUGIN = "scopes";
const ROOTS = new Set(["Query", "Mutation"]);

// A plugin adds options to Pothos' own interfaces, whose parameters it has to repeat.
/* eslint-disable @typescript-eslint/no-namespace, @typescript-eslint/no-unused-vars */
declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      scopes: ScopesPlugin<Types>;
    }

    export interface FieldOptions<
      Types extends SchemaTypes,
      ParentShape,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveShape,
      ResolveReturnShape,
    > {
      /** What the caller's token has to allow. */
      scope?: string | null;
    }

    export interface QueryFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      /** What the caller's token has to allow; null: nothing, any caller may ask. */
      scope: string | null;
    }

    export interface MutationFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      /** What the caller's token has to allow; null: nothing, any caller may ask. */
      scope: string | null;
    }
  }
}
/* eslint-enable @typescript-eslint/no-namespace, @typescript-eslint/no-unused-vars */

export class ScopesPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(
    field: PothosOutputFieldConfig<Types>,
  ): PothosOutputFieldConfig<Types> {
    const { scope } = field.pothosOptions as { scope?: string | null };
    if (scope === undefined && ROOTS.has(field.parentType)) {
      throw new Error(`${field.parentType}.${field.name} says no scope`); // where types were evaded
    }
    return { ...field, extensions: { ...field.extensions, scope } };
  }

  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types["Context"], object>,
    field: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types["Context"], object> {
    const scope = field.extensions?.["scope"];
    if (typeof scope !== "string") {
      return resolve;
    }
    return (parent, args, context, info) => {
      if (!(context as Context).caller.scopes.has(scope)) {
        throw forbidden(scope);
      }
      return resolve(parent, args, context, info);
    };
  }
}

SchemaBuilder.registerPlugin(PLUGIN, ScopesPlugin);

export default PLUGIN;

/** Every scope that any field of a schema asks for. */
export function scopesIn(schema: GraphQLSchema): string[] {
  const fields = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()));
  const scopes = fields.map(({ extensions }) => extensions["scope"]);
  return [...new Set(scopes.filter((scope) => typeof scope === "string"))].sort();
}
