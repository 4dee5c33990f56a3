/** The outermost layers: what every reply has, whatever happens inside. */

import { once } from "node:events";
import type { RequestListener } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";

import { cors } from "../../src/http/cors.ts";
import { edge, type EdgeOptions } from "../../src/http/edge.ts";
import { failsafe } from "../../src/http/failsafe.ts";
import { Lifecycle } from "../../src/http/lifecycle.ts";
import type { RequestContext } from "../../src/observability/context.ts";
import { exchange, refusalIn, send, serveForTest } from "../http.ts";

const hello: RequestListener = (_request, response) => {
  response.end("hello");
};

/** An application within the edge, listening, and what its observer has seen. */
async function surrounded(
  application: RequestListener = hello,
  options: Partial<EdgeOptions> = {},
): Promise<{ url: string; seen: RequestContext[] }> {
  const seen: RequestContext[] = [];
  const observe = (request: RequestContext, seconds: number) => {
    expect(seconds).toBeGreaterThanOrEqual(0);
    seen.push(request);
  };
  const lifecycle = new Lifecycle();
  const url = await serveForTest(
    edge(application, { lifecycle, observers: [observe], ...options }),
  );
  return { url, seen };
}

describe("a request's id", () => {
  test.for(["a", "A-z_0.9", "x".repeat(128)])("is the caller's own: %.20s", async (given) => {
    const { url, seen } = await surrounded();
    const reply = await send("GET", url, { headers: { "x-request-id": given } });
    expect(reply.headers.get("x-request-id")).toBe(given);
    expect(seen[0]?.requestId).toBe(given);
  });

  test.for(["", "x".repeat(129), "a b", "a\tb", "\u00e4", "a/b", '"'])(
    "is ours instead of %.20j",
    async (given) => {
      const { url } = await surrounded();
      const headers = { "x-request-id": given };
      const replies = [await send("GET", url, { headers }), await send("GET", url, { headers })];
      const ids = new Set(replies.map((reply) => reply.headers.get("x-request-id")));
      expect(ids.size).toBe(2);
      expect(ids).not.toContain(given);
    },
  );

  test("is ours when the caller sends several", async () => {
    const { url, seen } = await surrounded();
    const ids = "X-Request-Id: a\r\nX-Request-Id: b\r\n";
    await exchange(url, [`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${ids}\r\n`]);
    expect(seen[0]?.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

test.for<[string, string | undefined]>([
  [`00-${TRACE}-00f067aa0ba902b7-01`, TRACE],
  [`01-${TRACE}-00f067aa0ba902b7-01-more`, TRACE],
  [`ff-${TRACE}-00f067aa0ba902b7-01`, undefined],
  [`00-${"0".repeat(32)}-00f067aa0ba902b7-01`, undefined],
  [`00-${TRACE}-${"0".repeat(16)}-01`, undefined],
  [`00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`, undefined],
  ["00", undefined],
])("traceparent %s names the trace %s", async ([traceparent, trace]) => {
  const { url, seen } = await surrounded();
  await send("GET", url, { headers: { traceparent } });
  expect(seen[0]?.traceId).toBe(trace);
});

test.for<[number, string | undefined, string]>([
  [0, "6.6.6.6", "127.0.0.1"],
  [1, "6.6.6.6, 10.0.0.1", "10.0.0.1"],
  [2, "6.6.6.6, 203.0.113.7, 10.0.0.1", "203.0.113.7"],
  [2, "203.0.113.7", "203.0.113.7"],
  [2, "x".repeat(1000), "x".repeat(64)],
  [1, undefined, "127.0.0.1"],
])("behind %i proxies of ours, %s means the address %s", async ([hops, forwarded, address]) => {
  const { url, seen } = await surrounded(hello, { trustProxyHops: hops });
  const headers: Record<string, string> =
    forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  await send("GET", url, { headers });
  expect(seen[0]?.address).toBe(address);
});

test("an address that is remembered does not hold on to the header that it came in", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const addresses: string[] = [];
  const observe = ({ address }: RequestContext) => addresses.push(address);
  const { url } = await surrounded(hello, { trustProxyHops: 1, observers: [observe] });
  const ask = async (times: number) => {
    for (let time = 0; time < times; time++) {
      const forwarded = `${"x".repeat(12_000)}, 2001:db8:1:2:3:4:5:${time.toString(16)}`;
      await send("GET", url, { headers: { "x-forwarded-for": forwarded } });
    }
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await ask(100);
  const after = await ask(800);
  expect(addresses).toHaveLength(900);
  expect(after - before).toBeLessThan(5_000_000);
});

test.for<[number, string, boolean]>([
  [0, "https", false],
  [1, "http", false],
  [1, "https, http", false],
  [1, "https", true],
])("behind %i proxies of ours, %s means HSTS: %s", async ([hops, proto, sent]) => {
  const { url } = await surrounded(hello, { trustProxyHops: hops });
  const reply = await send("GET", url, { headers: { "x-forwarded-proto": proto } });
  expect(reply.headers.has("strict-transport-security")).toBe(sent);
});

test("no browser guesses a type, and no cache keeps a reply that says nothing of it", async () => {
  const { url } = await surrounded();
  const { headers } = await send("GET", url);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("cache-control")).toBe("no-store");
});

test("replies close the connection while draining", async () => {
  const lifecycle = new Lifecycle();
  const { url } = await surrounded(hello, { lifecycle });
  expect((await send("GET", url)).headers.get("connection")).not.toBe("close");
  lifecycle.draining = true;
  expect((await send("GET", url)).headers.get("connection")).toBe("close");
});

test.for(["/a?secret=1", "http://elsewhere/a?secret=1"])(
  "the path of %s is known without its query",
  async (target) => {
    const { url, seen } = await surrounded();
    await exchange(url, [`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`]);
    expect(seen.map((request) => request.path)).toEqual(["/a"]);
  },
);

describe("the failsafe", () => {
  test("answers for an application that throws, without its words", async () => {
    const broken: RequestListener = () => {
      throw new Error("boom");
    };
    const { url, seen } = await surrounded(failsafe(broken, { timeoutMs: 5000 }));
    const reply = await send("GET", `${url}/x`);
    expect(reply.status).toBe(500);
    expect(refusalIn(reply)).toMatchObject({
      code: "internal",
      requestId: reply.headers.get("x-request-id"),
    });
    expect(reply.text).not.toContain("boom");
    expect(seen.map((request) => request.status)).toEqual([500]);
  });

  test("cuts off a reply that fails in the middle", async () => {
    const broken: RequestListener = (_request, response) => {
      response.write("hello");
      throw new Error("boom");
    };
    const { url, seen } = await surrounded(failsafe(broken, { timeoutMs: 5000 }));
    await expect(send("GET", url)).rejects.toThrow();
    expect(seen).toHaveLength(1);
  });

  test("gives 504 in time, whatever the application does later", async () => {
    const late: RequestListener = (_request, response) => {
      setTimeout(() => {
        response.setHeader("X-Late", "1");
        response.writeHead(200, { "Content-Type": "text/plain" }).end("too late");
      }, 1000);
    };
    const { url, seen } = await surrounded(failsafe(late, { timeoutMs: 50 }));
    const started = performance.now();
    const reply = await send("GET", `${url}/x`);
    expect(performance.now() - started).toBeLessThan(900);
    expect(reply.status).toBe(504);
    expect(refusalIn(reply).code).toBe("timeout");
    await sleep(1050);
    expect(seen).toMatchObject([{ status: 504, givenUp: true }]);
    expect((await send("GET", url)).status).toBe(504); // the server is well
  });

  test("gives 504 and closes the connection when the body has not come either", async () => {
    const patient: RequestListener = () => undefined;
    const { url } = await surrounded(failsafe(patient, { timeoutMs: 50 }));
    const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    const { text, closed } = await exchange(url, [head, "half"]);
    expect(text).toMatch(/^HTTP\/1\.1 504 /);
    expect(closed).toBe(true);
  });

  test("leaves alone what has begun to answer in time", async () => {
    const slow: RequestListener = (_request, response) => {
      const parts = ["a", "b", "c"];
      const timer = setInterval(() => {
        const part = parts.shift();
        if (part !== undefined) response.write(part);
        else response.end();
        if (part === undefined) clearInterval(timer);
      }, 30);
    };
    const { url } = await surrounded(failsafe(slow, { timeoutMs: 50 }));
    expect((await send("GET", url)).text).toBe("abc");
  });

  test("cuts off a reply that nobody reads, and no reply that is read slowly", async () => {
    const body = Buffer.alloc(20_000_000);
    const large: RequestListener = (_request, response) => response.end(body);
    const { url, seen } = await surrounded(failsafe(large, { timeoutMs: 150 }));
    const ask = () => {
      const caller = connect(Number(new URL(url).port), "127.0.0.1");
      caller.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      return caller.on("error", () => undefined);
    };
    const deaf = ask();
    const slow = ask();
    let bytes = 0;
    for await (const chunk of slow) {
      bytes += (chunk as Buffer).length;
      await sleep(1);
    }
    expect(bytes).toBeGreaterThan(body.length);
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(2);
    deaf.destroy();
  });

  test("has nothing to answer when the caller is gone", async () => {
    const silent: RequestListener = () => undefined;
    const { url, seen } = await surrounded(failsafe(silent, { timeoutMs: 100 }));
    const caller = connect(Number(new URL(url).port), "127.0.0.1");
    await once(caller, "connect");
    caller.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await sleep(30);
    caller.destroy();
    await sleep(150);
    expect(seen).toMatchObject([{ status: 0 }]);
    expect(seen[0]?.givenUp).toBe(false);
  });
});

describe("CORS", () => {
  const ORIGINS = ["https://a.example.com"];
  const PREFLIGHT = {
    "access-control-request-method": "PATCH",
    "access-control-request-headers": "if-match, authorization",
  };

  test.for<[string, boolean]>([
    ["https://a.example.com", true],
    ["https://b.example.com", false],
    ["https://a.example.com.evil.com", false],
    ["http://a.example.com", false],
    ["null", false],
  ])("for %s: %s", async ([origin, allowed]) => {
    const { url } = await surrounded(cors(hello, ORIGINS));
    const reply = await send("GET", url, { headers: { origin } });
    expect(reply.text).toBe("hello");
    expect(reply.headers.get("access-control-allow-origin")).toBe(allowed ? origin : null);
    expect(reply.headers.get("vary")).toBe("Origin");
    const before = await send("OPTIONS", url, { headers: { origin, ...PREFLIGHT } });
    expect(before.status).toBe(allowed ? 204 : 400);
    if (allowed) {
      expect(before.headers.get("access-control-allow-methods")).toContain("PATCH");
      expect(before.headers.get("access-control-allow-headers")).toContain("If-Match");
    } else {
      expect(refusalIn(before).code).toBe("bad-request");
    }
  });

  test.for([
    { "access-control-request-method": "TRACE" },
    { ...PREFLIGHT, "access-control-request-headers": "x-unknown" },
  ])("is refused for what the API does not take: %j", async (asked) => {
    const { url } = await surrounded(cors(hello, ORIGINS));
    const headers = { origin: "https://a.example.com", ...asked };
    expect((await send("OPTIONS", url, { headers })).status).toBe(400);
  });
});
