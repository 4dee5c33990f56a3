/**
 * /graphql: a caller is admitted before anything is read, a document is measured before it is
 * validated, and validated before any of it is executed.
 */

import type { IncomingMessage, ServerResponse } from "node:http";

import { type ExecutionResult, OperationTypeNode } from "graphql";

import { GRAPHQL, type MediaType, preferredMediaType } from "../http/media-types.ts";
import type { Parts } from "../http/parts.ts";
import { METHOD_NOT_ALLOWED, Problem, type ProblemType } from "../http/problems.ts";
import { type OperationRequest, readOperation } from "../http/request.ts";
import { contextOf } from "../observability/context.ts";
import { createContext } from "./context.ts";
import { NotExecuted, told } from "./errors.ts";
import { OperationMetrics } from "./metrics.ts";
import { type Operation, Operations, type Rules } from "./operations.ts";
import { createEngine, type Engine } from "./yoga.ts";

const NOT_ACCEPTABLE: ProblemType = {
  slug: "not-acceptable",
  status: 406,
  title: "The reply has no media type that is accepted",
};
const ANONYMOUS = "anonymous";

/** What decides how requests are answered. */
export interface EndpointOptions extends Rules {
  /** Whether neither introspection nor suggestions tell of the schema: in production. */
  readonly hidden: boolean;
}

/** A listener for /graphql; what it throws is answered as a problem. */
export function endpoint(
  parts: Parts,
  options: EndpointOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const operations = new Operations(options);
  const engineFor = createEngine(options.schema, options);
  const metrics = new OperationMetrics(parts.metrics.registry);
  const { names } = options.persisted;

  return async (request, response) => {
    const about = contextOf(request);
    const { headers } = request;
    const caller = await parts.admission.admit(about, headers.authorization, []);
    const mediaType = preferredMediaType(headers.accept);
    if (mediaType === undefined) {
      throw new Problem(NOT_ACCEPTABLE, `Accept ${GRAPHQL} or application/json.`);
    }
    const asked = await readOperation(request, response, parts.bodyLimit);
    const context = createContext(parts, caller);
    const engine = engineFor(context);
    try {
      const operation = operations.find(engine, asked);
      const type = operation.definition.operation;
      const name = operation.definition.name?.value ?? "";
      about.operation = { type, name: names.has(name) ? name : ANONYMOUS };
      if (type !== OperationTypeNode.QUERY && request.method !== "POST") {
        throw new Problem(METHOD_NOT_ALLOWED, `Send a ${type} by POST.`, {
          headers: { Allow: "POST" },
        });
      }
      operations.check(engine, operation, asked);
      const started = performance.now();
      const { data, errors, extensions } = await execute(engine, operation, asked);
      const toldErrors = errors && told(errors, about.requestId);
      const outcome = toldErrors?.[0]?.extensions.code ?? "ok";
      metrics.executed(about.operation, (performance.now() - started) / 1000, outcome);
      if (context.replayed) {
        response.setHeader("Idempotency-Replayed", "true");
      }
      send(response, 200, mediaType, { errors: toldErrors, data, extensions });
    } catch (error) {
      if (!(error instanceof NotExecuted)) {
        throw error;
      }
      const errors = told(error.errors, about.requestId);
      metrics.refused(errors[0]?.extensions.code ?? "");
      send(response, mediaType === GRAPHQL ? error.status : 200, mediaType, { errors });
    }
  };
}

/** @throws NotExecuted the variables do not fit their types. */
async function execute(
  engine: Engine,
  { document }: Operation,
  { operationName, variables }: OperationRequest,
): Promise<ExecutionResult> {
  const result = await engine.execute({
    schema: engine.schema,
    document,
    operationName,
    variableValues: variables,
    contextValue: await engine.contextFactory(),
  });
  if (result.data === undefined) {
    throw NotExecuted.forVariables(result.errors ?? []);
  }
  return result;
}

/** Answer, unless the request has an answer already. */
function send(
  response: ServerResponse,
  status: number,
  mediaType: MediaType,
  document: object,
): void {
  if (response.headersSent) {
    return;
  }
  const body = JSON.stringify(document);
  response
    .writeHead(status, {
      "Content-Type": `${mediaType}; charset=utf-8`,
      "Content-Length": Buffer.byteLength(body),
    })
    .end(body);
}
