/** A page for people, in development: tries a document, and shows /schema.graphql. Loads nothing else. */

export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>GraphQL</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
  textarea, input, pre { font: 14px/1.4 ui-monospace, monospace; box-sizing: border-box; width: 100%; }
  textarea, input { padding: 0.6rem; border: 1px solid #8886; border-radius: 4px; }
  pre { overflow: auto; padding: 0.8rem; background: #8881; border-radius: 4px; }
  label { display: block; margin-top: 0.8rem; }
  button { margin: 0.8rem 0; padding: 0.4rem 1.2rem; font: inherit; }
  :root { color-scheme: light dark; }
</style>
<h1>GraphQL</h1>
<form>
  <label>Token (make token) <input name="token" autocomplete="off" spellcheck="false"></label>
  <label>Document <textarea name="query" rows="12" spellcheck="false">{ __typename }</textarea></label>
  <label>Variables, as JSON <textarea name="variables" rows="3" spellcheck="false">{}</textarea></label>
  <button>Send (Ctrl-Enter)</button>
</form>
<pre id="reply" aria-live="polite">The reply comes here.</pre>
<h2>Schema</h2>
<pre id="schema">Loading /schema.graphql ...</pre>
<script type="module">
  const form = document.querySelector("form");
  const reply = document.querySelector("#reply");
  const ask = async () => {
    const { token, query, variables } = Object.fromEntries(new FormData(form));
    const response = await fetch("/graphql", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(token.trim() && { Authorization: "Bearer " + token.trim() }),
      },
      body: JSON.stringify({ query, variables: JSON.parse(variables || "{}") }),
    });
    return response.status + "\\n" + JSON.stringify(await response.json(), null, 2);
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    reply.textContent = await ask().catch(String);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  document.querySelector("#schema").textContent = await (await fetch("/schema.graphql")).text();
</script>
</html>
`;
