/**
 * Loaders: what the fields of one request ask for at about the same time is read together.
 *
 * Each belongs to one request, hence to one tenant; nothing is kept beyond it.
 */

import type { Context } from "../graphql/context.ts";

/** A loader for each request, made by `create` when the request first asks for it. */
export function perRequest<Loader extends object>(
  create: (context: Context) => Loader,
): (context: Context) => Loader {
  return (context) => {
    const made = context.loaders.get(create);
    if (made !== undefined) {
      return made as Loader;
    }
    const loader = create(context);
    context.loaders.set(create, loader);
    return loader;
  };
}
