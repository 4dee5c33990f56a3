/** Who and what the current request is, for every log line and every reply. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { IncomingMessage } from "node:http";

/** Facts of one request, filled in as they become known. */
export interface RequestContext {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** `performance.now()` when the request's head had arrived. */
  readonly started: number;
  /** The caller's, as far as TRUST_PROXY_HOPS lets us believe it. */
  readonly address: string;
  readonly secure: boolean;
  traceId?: string | undefined;
  spanId?: string | undefined;
  /** The path template (`/v1/things/{thingId}`), never the path: it labels metrics. */
  route?: string | undefined;
  /** What was asked, where that is no matter of the path (GraphQL); both of bounded sets. */
  operation?: { readonly type: string; readonly name: string };
  /** Of the reply; 0 when the caller went away before it. */
  status?: number;
  tenant?: string | undefined;
  subject?: string | undefined;
  /** It has had its reply, 504: nothing that is still under way for it may take effect. */
  givenUp?: boolean;
}

const CONTEXT = Symbol("context");
const storage = new AsyncLocalStorage<RequestContext>();

/** The request that the running code works for. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

/** The context of a request that has passed the edge. */
export function contextOf(request: IncomingMessage): RequestContext {
  const context = (request as { [CONTEXT]?: RequestContext })[CONTEXT];
  if (context === undefined) {
    throw new Error("this request has not passed the edge");
  }
  return context;
}

/** Work for a request: `currentRequest` and `contextOf` give its context from now on. */
export function runInContext<Arguments extends unknown[]>(
  context: RequestContext,
  request: IncomingMessage,
  work: (request: IncomingMessage, ...rest: Arguments) => void,
  ...rest: Arguments
): void {
  (request as { [CONTEXT]?: RequestContext })[CONTEXT] = context;
  storage.run(context, work, request, ...rest);
}
