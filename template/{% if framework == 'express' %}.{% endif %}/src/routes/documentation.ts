/** The OpenAPI document, and a page that shows it. */

import { DOCS_PAGE } from "../http/docs-page.ts";
import { describeApi } from "../http/openapi.ts";
import { type Route, route } from "../http/route.ts";

const COMMON = { method: "GET", tags: ["documentation"], responses: {} } as const;

/** Routes that tell of `routes`, and not of themselves; the page is for development. */
export function documentationOf(routes: readonly Route[], { page }: { page: boolean }): Route[] {
  let document: string | undefined;
  const openapi = route({
    ...COMMON,
    path: "/openapi.json",
    operationId: "openapi",
    summary: "The OpenAPI document",
    description: "All that may be asked, and all that may be answered.",
    handle() {
      document ??= JSON.stringify(describeApi(routes));
      return { status: 200, headers: { "Content-Type": "application/json" }, body: document };
    },
  });
  const docs = route({
    ...COMMON,
    path: "/docs",
    operationId: "docs",
    summary: "The document as a page",
    description: "For people; it loads nothing from elsewhere.",
    handle: () => ({
      status: 200,
      headers: { "Content-Type": "text/html; charset=utf-8" },
      body: DOCS_PAGE,
    }),
  });
  return page ? [openapi, docs] : [openapi];
}
