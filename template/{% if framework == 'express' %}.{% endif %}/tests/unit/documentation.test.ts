import { describe, expect, test } from "vitest";

import { DOCS_PAGE } from "../../src/http/docs-page.ts";
import { documentationOf } from "../../src/routes/documentation.ts";
import { routes } from "../../src/routes/index.ts";

describe("the documentation", () => {
  test("is a document and a page, or the document alone", () => {
    const paths = (page: boolean) => documentationOf(routes, { page }).map(({ path }) => path);
    expect(paths(true)).toEqual(["/openapi.json", "/docs"]);
    expect(paths(false)).toEqual(["/openapi.json"]);
  });

  test("is no part of what it documents", () => {
    const described = routes.map(({ path }) => path);
    expect(described).not.toContain("/openapi.json");
    expect(described).not.toContain("/docs");
  });

  test("has a page that loads nothing from another host", () => {
    expect(DOCS_PAGE).toContain('fetch("/openapi.json")');
    expect(DOCS_PAGE).not.toMatch(/(?:https?:)?\/\/\w+\.|@import|<link|src=/);
  });
});
