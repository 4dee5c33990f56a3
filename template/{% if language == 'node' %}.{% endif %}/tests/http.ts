/** HTTP, from both ends: servers for a test, requests of a client, and bytes that no client sends. */

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** A server on a port that was free. */
export async function serve(
  listener: RequestListener,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The address of a server that is there until the test ends. */
export async function serveForTest(listener: RequestListener): Promise<string> {
  const server = await serve(listener);
  onTestFinished(() => server.close());
  return server.url;
}

/** A reply, read to its end. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it stands when it is text, else as JSON. */
  readonly body?: unknown;
}

/** Sends one request; a redirect would be a reply like any other. */
export async function send(method: string, url: string, sent: Sent = {}): Promise<Reply> {
  const headers = new Headers(sent.headers);
  let body: string | null = null;
  if (typeof sent.body === "string") {
    body = sent.body;
  } else if (sent.body !== undefined) {
    body = JSON.stringify(sent.body);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
  }
  const reply = await fetch(url, { method, headers, body, redirect: "manual" });
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}

/** What an error reply says (RFC 9457). */
export interface ProblemDocument {
  readonly type: string;
  readonly status: number;
  readonly instance: string;
  readonly requestId: string;
  readonly errors?: readonly { pointer?: string; parameter?: string; code: string }[];
}

export function problemIn(reply: Reply): ProblemDocument {
  return JSON.parse(reply.text) as ProblemDocument;
}

/**
 * Sends pieces on a connection of its own, a moment apart; what came back until the other side
 * closed, or said nothing for `quietMs`.
 */
export async function exchange(
  url: string,
  pieces: readonly string[],
  quietMs = 500,
): Promise<{ text: string; closed: boolean }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const seen = { text: "", closed: false };
  socket.setEncoding("latin1");
  socket.on("data", (data: string) => (seen.text += data));
  socket.on("error", () => undefined); // it was closed while we were sending
  const closing = new Promise<void>((resolve) => {
    socket.on("close", () => {
      seen.closed = true;
      resolve();
    });
  });
  await once(socket, "connect");
  for (const piece of pieces) {
    socket.write(piece, "latin1");
    await sleep(20);
  }
  for (let heard = -1; !seen.closed && heard !== seen.text.length;) {
    heard = seen.text.length;
    await Promise.race([closing, sleep(quietMs)]);
  }
  const answer = { ...seen };
  socket.destroy();
  return answer;
}
