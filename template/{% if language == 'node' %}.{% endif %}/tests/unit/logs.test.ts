/** Log lines: JSON, one a line, with the request they belong to and without secrets. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

/** What a process of its own logs, with the functions of two modules at hand. */
async function linesOf(script: string): Promise<Record<string, unknown>[]> {
  const running = run(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "--eval",
      `import { configureLogs, log } from "./src/observability/logs.ts";
       import { runInContext } from "./src/observability/context.ts";
       ${script}`,
    ],
    { cwd: ROOT },
  );
  // A process that is killed has written something as well.
  const { stdout, stderr } = await running.catch(
    (failure: unknown) => failure as { stdout: string; stderr: string },
  );
  expect(stderr).toBe("");
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a line is an object with the event, its level, its time and its fields", async () => {
  const lines = await linesOf(`
    configureLogs("info");
    log.info("first", { count: 1 });
    log.warning("two\\nlines");
    log.error("failed", { error: new TypeError("boom", { cause: new Error("deeper") }) });
  `);
  expect(lines).toMatchObject([
    { event: "first", level: "info", count: 1 },
    { event: "two\nlines", level: "warning" },
    { event: "failed", level: "error" },
  ]);
  expect(JSON.stringify(lines[2])).toMatch(/TypeError: boom.+deeper/);
  for (const line of lines) {
    expect(line["time"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  }
});

test("lines below the level are not written", async () => {
  const lines = await linesOf(`
    configureLogs("warning");
    log.debug("quiet");
    log.info("quiet");
    log.warning("told");
  `);
  expect(lines.map((line) => line["event"])).toEqual(["told"]);
});

test("the last lines before a sudden end are written", async () => {
  const lines = await linesOf(`
    configureLogs("info");
    log.error("failed");
    log.info("last");
    process.exit(1);
  `);
  expect(lines).toMatchObject([{ event: "failed" }, { event: "last" }]);
});

test("lines leave without a further event; a warning takes those before it along at once", async () => {
  const lines = await linesOf(`
    configureLogs("info");
    log.info("first");
    setTimeout(() => {
      log.info("second");
      log.warning("third");
      log.info("lost");
      process.kill(process.pid, "SIGKILL");
    }, 500);
  `);
  expect(lines.map((line) => line["event"])).toEqual(["first", "second", "third"]);
});

test("a line names its request", async () => {
  const lines = await linesOf(`
    configureLogs("info");
    const request = { requestId: "r-1", method: "GET", path: "/", started: 0, address: "", secure: false };
    runInContext({ ...request, traceId: "0".repeat(31) + "1" }, {}, () => {
      log.info("in");
      setTimeout(() => log.info("later"), 1);
    });
    log.info("out");
  `);
  const named = { request_id: "r-1", trace_id: `${"0".repeat(31)}1` };
  expect(lines).toMatchObject([
    { event: "in", ...named },
    { event: "out" },
    { event: "later", ...named },
  ]);
  expect(lines[1]).not.toHaveProperty("request_id");
});

test("secrets are redacted at any depth", async () => {
  const lines = await linesOf(`
    configureLogs("info");
    log.info("login", {
      password: "hunter2",
      headers: { Authorization: "Bearer hunter2", accept: "*/*" },
      steps: [{ "api-key": "hunter2" }, { set_cookie: "hunter2" }, "plain"],
      clientSecret: "hunter2",
      accessToken: "hunter2",
    });
  `);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
  expect(lines[0]).toMatchObject({
    headers: { accept: "*/*" },
    steps: [{}, {}, "plain"],
  });
});

test("a value that is no JSON is shown all the same", async () => {
  const lines = await linesOf(`
    configureLogs("info");
    const loop = {};
    loop.self = loop;
    log.info("odd", { big: 1n, number: NaN, text: "\\ud800", loop, nothing: undefined });
  `);
  expect(lines).toMatchObject([{ event: "odd", text: "\ufffd" }]);
  expect(JSON.stringify(lines)).toMatch(/"big":"?1/);
});
