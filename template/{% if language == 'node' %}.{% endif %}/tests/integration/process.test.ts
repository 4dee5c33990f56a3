/** The commands, as a shell or an orchestrator sees them: output, signals and exit codes. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Agent, get as request, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished } from "vitest";

import { exchange, send, serveForTest } from "../http.ts";
import { test as base, type Environment } from "../service.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
// Older versions of Node warn of type stripping, which is a matter of development only.
const MAIN = ["--disable-warning=ExperimentalWarning", "src/main.ts"];

/** A command that has been started. */
class Run {
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  stdout = "";
  stderr = "";

  constructor(command: readonly string[], environment: Environment) {
    this.process = spawn(process.execPath, [...MAIN, ...command], {
      cwd: ROOT,
      env: { PATH: process.env["PATH"], ...environment },
    });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.exit = once(this.process, "close").then(([code]) => code as number | null);
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.process.kill(signal);
    return await this.exit;
  }

  /** The lines of the log so far. */
  get lines(): Record<string, unknown>[] {
    return this.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** What a command has written when it has ended by itself. */
async function completed(command: readonly string[], environment: Environment): Promise<Run> {
  const run = new Run(command, environment);
  onTestFinished(async () => {
    await run.stop("SIGKILL");
  });
  await run.exit;
  return run;
}

/** A service that answers. */
class Serving extends Run {
  readonly url: string;
  readonly metricsUrl: string;

  static async start(environment: Environment): Promise<Serving> {
    const [port, metricsPort] = await freePorts();
    const serving = new Serving(environment, port, metricsPort);
    while (serving.process.exitCode === null) {
      const reply = await send("GET", `${serving.url}/readyz`).catch(() => undefined);
      if (reply?.status === 200) return serving;
      await sleep(20);
    }
    return expect.fail(`it ended: ${serving.stdout}${serving.stderr}`);
  }

  private constructor(environment: Environment, port: number, metricsPort: number) {
    super([], {
      LOG_LEVEL: "info",
      SHUTDOWN_DRAIN_MS: "500",
      SHUTDOWN_GRACE_MS: "5000",
      ...environment,
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
    });
    this.url = `http://127.0.0.1:${port}`;
    this.metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  }
}

/** Two ports that nobody listens on at the moment. */
async function freePorts(): Promise<[number, number]> {
  const probes = [createServer(), createServer()] as const;
  for (const probe of probes) await once(probe.listen(0, "127.0.0.1"), "listening");
  const [first, second] = probes.map((probe) => (probe.address() as AddressInfo).port);
  for (const probe of probes) await new Promise((closed) => probe.close(closed));
  return [first!, second!];
}

const test = base
  /** For tests that leave it as it is. */
  .extend("running", { scope: "file" }, async ({ environment }, { onCleanup }) => {
    const serving = await Serving.start({ ...environment, LOG_LEVEL: "warning" });
    onCleanup(async () => {
      await serving.stop("SIGKILL");
    });
    return serving;
  })
  /** For tests that have it to themselves. */
  .extend("serve", ({ environment }) => async (changes: Environment = {}): Promise<Serving> => {
    const serving = await Serving.start({ ...environment, LOG_LEVEL: "info", ...changes });
    onTestFinished(async () => {
      await serving.stop("SIGKILL");
    });
    return serving;
  });

describe("at the start", () => {
  test("a wrong configuration is told in lines, with exit code 2", async () => {
    const run = await completed([], { PORT: "x", OIDC_AUDIENCE: "shop" });
    expect(await run.exit).toBe(2);
    expect(run.stderr.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "PORT",
      "DATABASE_URL",
      "OIDC_ISSUER",
      "",
    ]);
    expect(run.stdout).toBe("");
  });

  test.for(["PORT", "METRICS_PORT"])(
    "a taken %s is one line, with exit code 1",
    async (name, { environment }) => {
      const other = createServer();
      await once(other.listen(0, "0.0.0.0"), "listening");
      onTestFinished(() => void other.close());
      const taken = (other.address() as AddressInfo).port;
      const ports = { PORT: "0", METRICS_PORT: "0", [name]: String(taken) };
      const run = await completed([], { ...environment, ...ports });
      expect(await run.exit).toBe(1);
      expect(run.stderr).toMatch(new RegExp(`^${name}: cannot listen on port ${taken}: .+\n$`));
    },
  );

  test.for(["explode", "serve now", "--verbose", "migrate --up x", "migrate --down"])(
    "'%s' is no command: exit code 2",
    async (command, { environment }) => {
      const run = await completed(command.split(" "), environment);
      expect(await run.exit).toBe(2);
      expect(run.stderr).not.toBe("");
      expect(run.stderr).not.toContain("    at ");
    },
  );
});

describe("the commands", () => {
  test("openapi needs no environment", async () => {
    const run = await completed(["openapi"], {});
    expect(await run.exit).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ openapi: "3.1.0" });
    expect(run.stdout).toMatch(/}\n$/);
  });

  test("migrate names an unreachable database in one line", async () => {
    const run = await completed(["migrate"], { DATABASE_URL: "postgresql://127.0.0.1:1/nowhere" });
    expect(await run.exit).toBe(1);
    expect(run.stderr).toMatch(
      /^migrate: cannot connect to 127\.0\.0\.1:1\/nowhere: .+; start the server, or mend DATABASE_URL\n$/,
    );
  });

  test("migrate tells what the server refuses in one line", async ({ environment }) => {
    const url = `${environment["DATABASE_URL"]}?options=-c%20default_transaction_read_only%3Don`;
    const run = await completed(["migrate"], { DATABASE_URL: url });
    expect(await run.exit).toBe(1);
    expect(run.stderr).toMatch(
      /^migrate: cannot execute CREATE TABLE in a read-only transaction\n$/,
    );
  });

  test("token is refused in production", async () => {
    const run = await completed(["token"], { APP_ENV: "production" });
    expect(await run.exit).toBe(2);
    expect(run.stderr).toMatch(/^APP_ENV is production, .+\n$/);
  });
});

describe("while it serves", () => {
  test("logs are JSON from the first line to the last", async ({ serve }) => {
    const service = await serve();
    await send("GET", `${service.url}/livez`, { headers: { "x-request-id": "find-me" } });
    expect(await service.stop("SIGTERM")).toBe(0);
    expect(service.lines[0]?.["event"]).toBe("listening");
    expect(service.lines.at(-1)?.["event"]).toBe("stopped");
    const found = service.lines.filter((line) => line["request_id"] === "find-me");
    expect(found.map((line) => line["route"])).toEqual(["/livez"]);
    expect(service.stderr).toBe("");
  });

  test("metrics have a port of their own", async ({ running }) => {
    await send("GET", `${running.url}/nowhere`);
    const { text } = await send("GET", running.metricsUrl);
    expect(text).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 1');
    expect(text).toMatch(/^database_pool_max_connections \d+$/m);
    expect((await send("GET", `${running.url}/metrics`)).status).toBe(404);
    expect((await send("POST", running.metricsUrl)).status).toBe(405);
  });

  test("a request is one span of the caller's trace", async ({ serve }) => {
    let exported = Buffer.alloc(0);
    const endpoint = await serveForTest((received, reply) => {
      received.on("data", (data: Buffer) => (exported = Buffer.concat([exported, data])));
      received.on("end", () => reply.end());
    });
    const service = await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    const [trace, parent] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
    const headers = { traceparent: `00-${trace}-${parent}-01` };
    await send("GET", `${service.url}/livez?secret=1`, { headers });
    expect(await service.stop("SIGTERM")).toBe(0);

    const [line] = service.lines.filter((written) => written["trace_id"] === trace);
    const span = expect.stringMatching(/^[0-9a-f]{16}$/) as string;
    expect(line).toMatchObject({ event: "request", span_id: span });
    for (const id of [trace, parent, String(line?.["span_id"])]) {
      expect(exported.includes(Buffer.from(id, "hex")), id).toBe(true);
    }
    expect(exported.includes("GET /livez")).toBe(true);
    expect(exported.includes("secret")).toBe(false);
  });
});

describe("what is no request", () => {
  const HEAD = "POST /livez HTTP/1.1\r\nHost: x\r\n";

  test.for([
    "nonsense\r\n\r\n",
    "GET /livez HTTP/3.7\r\nHost: x\r\n\r\n",
    "BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /livez HTTP/1.1\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n",
    `${HEAD}Content-Length: x\r\n\r\n`,
    `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ])("is answered 400 and closed, and nobody else notices: %j", async (nonsense, { running }) => {
    const reply = await exchange(running.url, [nonsense]);
    expect(reply.text).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply.closed).toBe(true);
    expect((await send("GET", `${running.url}/livez`)).status).toBe(200);
  });

  test.for([
    "GET /",
    "GET /livez HTTP/1.1\r\nA: ",
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\nA: `,
  ])("is not read for ever: %j", async (start, { running }) => {
    const pieces = [start, ...Array<string>(10).fill("a".repeat(100_000))];
    const reply = await exchange(running.url, pieces);
    expect(reply.closed).toBe(true);
    expect(reply.text).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    expect((await send("GET", `${running.url}/livez`)).status).toBe(200);
  });

  test("after a request takes away no reply", async ({ running }) => {
    const request = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    const reply = await exchange(running.url, [`${request}nonsense\r\n\r\n`]);
    expect(reply.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(reply.closed).toBe(true);
  });
});

test.for([1, 3])(
  "a head as proxies let through is served, in %d pieces",
  async (count, { running }) => {
    const filler = `A: ${"a".repeat(32_000)}\r\n\r\n`;
    const head = `GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${filler}`;
    const size = Math.ceil(head.length / count);
    const pieces = Array.from({ length: count }, (_, part) =>
      head.slice(part * size, (part + 1) * size),
    );
    expect((await exchange(running.url, pieces)).text).toMatch(/^HTTP\/1\.1 200 /);
  },
);

/** One request by an agent, which may keep the connection. */
async function ask(url: string, agent?: Agent): Promise<IncomingMessage> {
  const [reply] = (await once(request(url, { agent }), "response")) as [IncomingMessage];
  reply.resume();
  await once(reply, "end");
  return reply;
}

describe("the end", () => {
  test("after SIGTERM it drains, and exits with 0", async ({ serve }) => {
    const service = await serve({ SHUTDOWN_DRAIN_MS: "2000" });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => {
      agent.destroy();
    });
    const before = await ask(`${service.url}/livez`, agent);
    expect(before.headers.connection).not.toBe("close");
    service.process.kill("SIGTERM");
    await expect.poll(async () => (await ask(`${service.url}/readyz`)).statusCode).toBe(503);
    const draining = await ask(`${service.url}/livez`, agent);
    expect([draining.statusCode, draining.headers.connection]).toEqual([200, "close"]);
    expect(await service.exit).toBe(0);
  });

  test("SIGINT does not make a developer wait", async ({ serve }) => {
    const service = await serve({ SHUTDOWN_DRAIN_MS: "20000", SHUTDOWN_GRACE_MS: "25000" });
    const started = performance.now();
    expect(await service.stop("SIGINT")).toBe(0);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("takes an open connection no longer than a moment", async ({ serve }) => {
    const service = await serve();
    const pending = exchange(service.url, ["GET /livez HTTP/1.1\r\nHost: x\r\n"], 9000);
    await sleep(100);
    const started = performance.now();
    expect(await service.stop("SIGTERM")).toBe(0);
    expect(performance.now() - started).toBeLessThan(4500);
    expect((await pending).closed).toBe(true);
  });

  test("fails no request: callers stop when they are told to, or are not let in", async ({
    serve,
  }) => {
    const drainMs = 500;
    const service = await serve({ SHUTDOWN_DRAIN_MS: String(drainMs) });
    const failures: unknown[] = [];
    let letInUntil = Infinity;

    async function callOnNewConnections(): Promise<void> {
      for (;;) {
        try {
          const reply = await ask(`${service.url}/livez`, new Agent());
          if (reply.statusCode !== 200) failures.push(reply.statusCode);
        } catch (error) {
          // The system takes connections on its own, and resets those that nobody came for.
          if (performance.now() < letInUntil) failures.push(error);
          return;
        }
      }
    }

    async function callOnAKeptConnection(): Promise<void> {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let told = false; !told;) {
        try {
          told = (await ask(`${service.url}/livez`, agent)).headers.connection === "close";
        } catch (error) {
          failures.push(error);
          told = true;
        }
      }
      agent.destroy();
    }

    const callers = [
      callOnNewConnections(),
      callOnNewConnections(),
      ...Array.from({ length: 4 }, callOnAKeptConnection),
    ];
    await sleep(300);
    letInUntil = performance.now() + drainMs;
    expect(await service.stop("SIGTERM")).toBe(0);
    await Promise.all(callers);
    expect(failures).toEqual([]);
  });
});
