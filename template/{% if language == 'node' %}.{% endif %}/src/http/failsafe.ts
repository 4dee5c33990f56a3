/** Answers for the application when it takes too long or fails where nobody catches. */

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import { contextOf } from "../observability/context.ts";
import { log } from "../observability/logs.ts";
import { Problem, problemOf, sendProblem, TIMEOUT } from "./problems.ts";

/**
 * Surround `next`: a request that has no reply after `timeoutMs` gets 504. From then on a reply that
 * its caller does not read is cut off when nothing of it could be sent for as long again.
 */
export function failsafe(
  next: RequestListener,
  { timeoutMs }: { timeoutMs: number },
): RequestListener {
  return (request, response) => {
    const timer = setTimeout(giveUp, timeoutMs, request, response, timeoutMs);
    response.on("close", () => {
      clearTimeout(timer);
    });
    response.on("error", logFailedReply);
    try {
      next(request, response);
    } catch (error) {
      fail(request, response, error);
    }
  };
}

/** Answer for a handler that threw; one whose reply has begun can only be cut off. */
export function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const problem = problemOf(error); // logs what nobody foresaw
  if (!response.headersSent) {
    sendProblem(response, problem, contextOf(request));
  } else if (!response.writableEnded) {
    response.destroy();
  }
}

/** Reply with a problem in place of the handler, whose own reply will come to nothing. */
export function answerInstead(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
): void {
  const context = contextOf(request);
  context.givenUp = true;
  if (!request.complete) {
    response.setHeader("Connection", "close"); // rather than read a body that nobody wants
  }
  sendProblem(response, problem, context);
  mute(response);
}

function giveUp(request: IncomingMessage, response: ServerResponse, timeoutMs: number): void {
  if (response.headersSent) {
    response.socket?.setTimeout(timeoutMs); // Node closes it then, and has other limits for what follows
  } else {
    const problem = new Problem(TIMEOUT, "The request was given up; try again later.");
    answerInstead(request, response, problem);
  }
}

/** Whoever writes to this reply from now on need not know that it has been sent. */
function mute(response: ServerResponse): void {
  const nothing = () => response;
  response.setHeader = nothing;
  response.removeHeader = nothing;
  response.writeHead = nothing;
  response.end = nothing;
  response.write = () => true;
}

function logFailedReply(error: Error): void {
  log.error("reply failed", { exception: error });
}
