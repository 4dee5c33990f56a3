/**
 * Your routes: template updates never touch this file.
 *
 * A route with a `scope` is authenticated, limited and documented like the others. As the service
 * grows, make a module for each resource here and list its routes: `[...things.routes]`.
 */

import type { Route } from "../http/route.ts";

export const routes: readonly Route[] = [];
