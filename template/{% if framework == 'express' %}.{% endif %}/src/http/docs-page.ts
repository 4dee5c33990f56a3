/** A page that shows /openapi.json to people: small, and without anything from another host. */

export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>API</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  summary { cursor: pointer; padding: 0.4rem 0; }
  code, pre { font: 14px/1.4 ui-monospace, monospace; }
  pre { overflow: auto; padding: 0.8rem; background: #8881; border-radius: 4px; }
  .method { display: inline-block; width: 4.5rem; font-weight: bold; }
  table { border-collapse: collapse; }
  th, td { text-align: left; vertical-align: top; padding: 0.2rem 1rem 0.2rem 0; }
  :root { color-scheme: light dark; }
</style>
<main>Loading /openapi.json ...</main>
<script type="module">
  const element = (name, content = "", className = "") => {
    const made = document.createElement(name);
    made.append(...[content].flat());
    made.className = className;
    return made;
  };
  const code = (text) => element("code", text);
  const details = (title, ...content) => {
    const made = element("details", [element("summary", title), ...content]);
    return made;
  };
  const schemaOf = ({ content = {} }) => {
    const [schema] = Object.values(content).map((media) => media.schema);
    return schema === undefined ? [] : [element("pre", JSON.stringify(schema, null, 2))];
  };
  const row = (...cells) => element("tr", cells.map((cell) => element("td", cell)));
  const parameters = (list) =>
    list.map(({ name, in: place, required, description = "", schema }) =>
      row(code(name), place + (required ? ", required" : ""), description, code(JSON.stringify(schema))));

  const api = await (await fetch("/openapi.json")).json();
  document.title = api.info.title;
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })));
  const tags = Map.groupBy(operations, ({ tags: [tag] }) => tag);
  const shown = ({ path, method, summary, description, security = [], requestBody, ...operation }) =>
    details(
      [element("span", method.toUpperCase(), "method"), code(path), " ", summary],
      element("p", description),
      element("p", security.flatMap(Object.values).flat().map((scope) => "Scope: " + scope)),
      element("table", parameters(operation.parameters ?? [])),
      ...(requestBody ? [element("p", "Body:"), ...schemaOf(requestBody)] : []),
      ...Object.entries(operation.responses).map(([status, response]) =>
        details(status + " " + response.description, ...schemaOf(response))),
    );
  document.querySelector("main").replaceChildren(
    element("h1", api.info.title + " " + api.info.version),
    element("p", api.info.description),
    ...[...tags].flatMap(([tag, of]) => [element("h2", tag), ...of.map(shown)]),
    element("h2", "schemas"),
    ...Object.entries(api.components.schemas).map(([name, schema]) =>
      details(name, element("pre", JSON.stringify(schema, null, 2)))),
  );
</script>
</html>
`;
