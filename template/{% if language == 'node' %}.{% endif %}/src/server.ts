/** The process: a listener for the API, one for metrics, and an orderly end. */

import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as TcpServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { getSystemErrorMap } from "node:util";

import { type Application, createApplication } from "./application.ts";
import { answerInstead } from "./http/failsafe.ts";
import type { Lifecycle } from "./http/lifecycle.ts";
import { BAD_REQUEST, Problem } from "./http/problems.ts";
import { configureLogs, log } from "./observability/logs.ts";
import type { Metrics } from "./observability/metrics.ts";
import type { Settings } from "./settings.ts";

/**
 * Longer than the 60 s after which common load balancers drop an idle connection: whoever closes
 * first may do so while the other one is sending.
 */
const KEEP_ALIVE_MS = 75_000;
const HEAD_TIMEOUT_MS = 75_000;
/** More than any proxy lets through. */
const MAX_HEAD_BYTES = 65_536;
const SETTLE_MS = 500;

/** A listener could not be opened; the message names the variable and the cause. */
export class PortTaken extends Error {
  override readonly name = "PortTaken";
}

/**
 * Serve until a signal ends it in good order. What cannot go on ends the process with exit code 1.
 *
 * @throws PortTaken before anything has started.
 */
export async function serve(settings: Settings): Promise<void> {
  configureLogs(settings.logLevel);
  process.on("uncaughtException", (exception, origin) => {
    log.error("uncaught exception", { origin, exception });
    process.exit(1);
  });
  const application = createApplication(settings);
  const connections = new Connections();
  const server = apiServer(application, connections, settings);
  const scraped = createServer(metricsListener(application.metrics));
  const port = await listen(server, "PORT", settings.port);
  const metricsPort = await listen(scraped, "METRICS_PORT", settings.metricsPort);

  const ended = orderlyEnd(server, connections, application.lifecycle, settings);
  await application.start();
  log.info("listening", { port, metrics_port: metricsPort });
  await ended;
  await application.close();
  log.info("stopped");
}

/** The server of the API: its limits, and what becomes of what is no request. */
function apiServer(
  application: Application,
  connections: Connections,
  { requestTimeoutMs }: Settings,
): Server {
  const answer: RequestListener = (request, response) => {
    connections.answering(request.socket, response);
    application.listener(request, response);
  };
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: HEAD_TIMEOUT_MS + requestTimeoutMs, // until then it has been answered 504
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5_000,
    },
    answer,
  );
  server.on("connection", (socket) => {
    connections.opened(socket);
  });
  server.on("checkContinue", (request, response) => {
    // Whoever reads the body says so to the client. If nobody does, it may come all the same or
    // not: only on a new connection is it certain where the next request begins.
    response.setHeader("Connection", "close");
    answer(request, response);
  });
  server.on("checkExpectation", answer); // an expectation that nobody knows is none
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    refuse(error, socket, connections.lastReply(socket));
  });
  return server;
}

/**
 * End a connection on which something came that is no request, or nothing in time.
 *
 * @param last the reply that is due on it, or was sent last.
 */
function refuse(error: NodeJS.ErrnoException, socket: Socket, last?: ServerResponse): void {
  const due = last !== undefined && !last.writableFinished;
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
  } else if (due && last.req.complete) {
    // Nonsense after a complete request does not take away its reply.
    closeAfter(last);
  } else if (due && !last.headersSent) {
    answerInstead(last.req, last, new Problem(BAD_REQUEST, "The body cannot be read."));
  } else if ((last === undefined || last.req.complete) && socket.bytesRead > 0) {
    socket.write(
      `HTTP/1.1 ${statusLineOf(error)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
    socket.destroySoon();
  } else {
    socket.destroySoon();
  }
}

function statusLineOf({ code }: NodeJS.ErrnoException): string {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return "431 Request Header Fields Too Large";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "408 Request Timeout";
    default:
      return "400 Bad Request";
  }
}

function closeAfter(response: ServerResponse): void {
  if (response.headersSent) {
    response.once("finish", () => response.socket?.destroySoon());
  } else {
    response.setHeader("Connection", "close");
  }
}

/** The open connections, each with the reply that is due on it or was the last one. */
class Connections {
  readonly #replies = new Map<Socket, ServerResponse | undefined>();

  get size(): number {
    return this.#replies.size;
  }

  opened(socket: Socket): void {
    this.#replies.set(socket, undefined);
    socket.once("close", () => this.#replies.delete(socket));
  }

  answering(socket: Socket, response: ServerResponse): void {
    this.#replies.set(socket, response);
  }

  lastReply(socket: Socket): ServerResponse | undefined {
    return this.#replies.get(socket);
  }

  /** Have the replies that are due say that they are the last ones of their connections. */
  announceClose(): void {
    for (const response of this.#replies.values()) {
      if (response !== undefined && !response.headersSent) {
        response.setHeader("Connection", "close");
      }
    }
  }

  /** Close those on which no reply is due. */
  closeIdle(): void {
    for (const [socket, response] of this.#replies) {
      if (response === undefined || response.writableFinished) {
        socket.destroy();
      }
    }
  }
}

/**
 * An end that load balancers can live with; resolves when the last connection is closed.
 *
 * SIGTERM: not ready from now on, and every reply says `Connection: close`; requests are served for
 * SHUTDOWN_DRAIN_MS more, since the news takes time to spread; then the listener closes, and what is
 * in flight finishes. SIGINT (a developer's Ctrl-C) skips the wait; a second one skips the rest. An end
 * that takes longer than SHUTDOWN_GRACE_MS is cut short with exit code 1.
 */
async function orderlyEnd(
  server: Server,
  connections: Connections,
  lifecycle: Lifecycle,
  { shutdownDrainMs, shutdownGraceMs }: Settings,
): Promise<void> {
  const hurry = new AbortController();
  const pause = (ms: number) =>
    sleep(ms, undefined, { signal: hurry.signal }).catch(() => undefined);
  const signal = await new Promise<NodeJS.Signals>((begin) => {
    const told = (signal: NodeJS.Signals) => {
      if (!lifecycle.draining) {
        lifecycle.draining = true;
        connections.announceClose();
        begin(signal);
      } else if (signal === "SIGINT") {
        hurry.abort();
      }
    };
    process.on("SIGTERM", told).on("SIGINT", told);
  });
  log.info("draining", { signal, drain_s: shutdownDrainMs / 1000 });
  setTimeout(giveUp, shutdownGraceMs, connections);
  await pause(signal === "SIGTERM" ? shutdownDrainMs : 0);

  // Only the listener: `http.Server.close` would close idle connections as well. One that looks idle
  // may have been opened, or its next request sent, just now: the request is on its way. It gets its
  // reply, with `Connection: close`.
  TcpServer.prototype.close.call(server);
  const settled = performance.now() + SETTLE_MS;
  while (connections.size > 0 && !hurry.signal.aborted) {
    if (performance.now() >= settled) {
      connections.closeIdle();
    }
    await pause(20);
  }
}

function giveUp(connections: Connections): void {
  log.error("shutdown took longer than SHUTDOWN_GRACE_MS", { connections: connections.size });
  process.exit(1);
}

/** What METRICS_PORT answers: `GET /metrics`. */
export function metricsListener(metrics: Metrics): RequestListener {
  return (request, response) => {
    const { method = "", url = "" } = request;
    if (url.split("?", 1)[0] !== "/metrics") {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("Not Found");
    } else if (method !== "GET" && method !== "HEAD") {
      response
        .writeHead(405, { "Content-Type": "text/plain", Allow: "GET, HEAD" })
        .end("Method Not Allowed");
    } else {
      metrics.text().then(
        (text) => {
          response.writeHead(200, { "Content-Type": metrics.contentType }).end(text);
        },
        (error: unknown) => {
          log.error("metrics cannot be read", { exception: error });
          response.writeHead(500).end();
        },
      );
    }
  };
}

/** Listen on every IPv4 address; the port, which the system chooses when `port` is 0. */
async function listen(server: Server, variable: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const [, reason = error.message] = getSystemErrorMap().get(error.errno ?? 0) ?? [];
      reject(
        new PortTaken(
          `${variable}: cannot listen on port ${port}: ${reason};` +
            " stop the other program, or name another port",
        ),
      );
    });
    server.listen(port, "0.0.0.0", () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}
