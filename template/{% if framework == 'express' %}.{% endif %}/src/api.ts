/** What answers requests within the layers of the application: the routes, by Express. */

import type { RequestListener } from "node:http";

import express from "express";

import { fail } from "./http/failsafe.ts";
import type { Parts } from "./http/parts.ts";
import { NOT_FOUND, Problem } from "./http/problems.ts";
import { mountRoutes, type Route } from "./http/route.ts";
import { documentationOf } from "./routes/documentation.ts";
import { routes } from "./routes/index.ts";
import type { Settings } from "./settings.ts";

/** What an API is made of. */
export type Served = readonly Route[];

/** The routes, and an answer for what matches none or is refused by the framework itself. */
export function createApi(
  parts: Parts,
  { production }: Settings,
  served: Served = routes,
): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag"); // made from versions
  app.disable("query parser"); // queries are read strictly, by their schemas
  app.enable("case sensitive routing");
  app.enable("strict routing");
  mountRoutes(app, [...served, ...documentationOf(served, { page: !production })], parts);
  return (request, response) => {
    app(request as express.Request, response as express.Response, (error: unknown) => {
      fail(request, response, isNotFound(error) ? nothingHere() : error);
    });
  };
}

/** No route matches, or the path holds what is no percent-encoding (of Express's own errors). */
function isNotFound(error: unknown): boolean {
  return error === undefined || error === null || error instanceof URIError;
}

function nothingHere(): Problem {
  return new Problem(NOT_FOUND, "There is no such path.");
}
