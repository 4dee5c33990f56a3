/**
 * The request path of a well-known Express + TypeScript starter, edwinhern/express-typescript 1.0.14,
 * with the same query.
 *
 * The same middlewares in the same order, at the versions that it pins (package.json, here), with its
 * options in production: bodies, CORS, Helmet, rate limit, request id, pino-http, zod. It has no
 * database, so the calls are those of Prisma's own documentation: a relation by `include`, an adapter
 * with a pool of its own. Prisma is the service's, in the folder SERVICE. Two things differ: the
 * limit is one that is never reached, and the document is not wrapped in another.
 */

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import cors from "cors";
import express from "express";
import { rateLimit } from "express-rate-limit";
import helmet from "helmet";
import { pino } from "pino";
import pinoHttp from "pino-http";
import { z } from "zod";

const { DATABASE_URL, PORT, SERVICE, TENANT } = process.env;
const requireOfService = createRequire(`${SERVICE}/package.json`);
const { PrismaPg } = requireOfService("@prisma/adapter-pg");
const generated = pathToFileURL(`${SERVICE}/dist/database/generated/client.js`);
const { PrismaClient } = await import(generated.href);

const database = new PrismaClient({ adapter: new PrismaPg({ connectionString: DATABASE_URL }) });
const items = { orderBy: { position: "asc" } };

const app = express();
app.set("trust proxy", true);
app.use(express.json());
app.use(express.urlencoded({ extended: true }));
app.use(cors({ origin: "http://localhost:8080", credentials: true }));
app.use(helmet());
app.use(
  rateLimit({
    legacyHeaders: true,
    standardHeaders: true,
    limit: 1_000_000_000,
    windowMs: 15 * 60 * 1000,
    message: "Too many requests, please try again later.",
    keyGenerator: (request) => request.ip,
    validate: false, // it says once that `trust proxy` is too trusting
  }),
);
app.use((request, response, next) => {
  request.headers["x-request-id"] ??= randomUUID();
  response.setHeader("X-Request-Id", request.headers["x-request-id"]);
  next();
});
app.use(
  pinoHttp({
    logger: pino({ level: "info" }),
    genReqId: (request) => request.headers["x-request-id"],
    customLogLevel: (_request, { statusCode }) =>
      statusCode >= 500 ? "error" : statusCode >= 400 ? "warn" : "info",
    customSuccessMessage: ({ method, url }) => `${method} ${url} completed`,
    customErrorMessage: (_request, { statusCode }) =>
      `Request failed with status code: ${statusCode}`,
    serializers: { req: ({ method, url, id }) => ({ method, url, id }) },
  }),
);

const router = express.Router();

router.get(
  "/:id",
  validated(z.object({ params: z.object({ id: z.string().uuid() }) })),
  async (request, response) => {
    const found = await database.order.findFirst({
      where: { tenantId: TENANT, id: request.params.id },
      include: { items },
    });
    if (found === null) {
      response.status(404).send("Not Found");
    } else {
      response.status(200).send(orderOf(found));
    }
  },
);

router.get(
  "/",
  validated(z.object({ query: z.object({ limit: z.coerce.number().int().min(1).max(100) }) })),
  async (request, response) => {
    const limit = Number(request.query.limit);
    const found = await database.order.findMany({
      where: { tenantId: TENANT },
      orderBy: { id: "desc" },
      take: limit + 1,
      include: { items },
    });
    const orders = found.slice(0, limit).map(orderOf);
    const nextCursor = found.length > limit ? orders[orders.length - 1].id : null;
    response.status(200).send({ items: orders, nextCursor });
  },
);

router.post(
  "/",
  validated(
    z.object({
      body: z.object({
        customerId: z.string().uuid(),
        currency: z.string(),
        items: z.array(
          z.object({
            sku: z.string(),
            quantity: z.number().int(),
            unitPriceMinor: z.number().int(),
          }),
        ),
      }),
    }),
  ),
  async (request, response) => {
    const { customerId, currency, items: lines } = request.body;
    const now = new Date();
    const placed = await database.order.create({
      data: {
        tenantId: TENANT,
        id: randomUUID(),
        customerId,
        status: "pending",
        currency,
        totalMinor: lines.reduce((sum, line) => sum + line.quantity * line.unitPriceMinor, 0),
        createdAt: now,
        updatedAt: now,
        version: 1,
        items: {
          create: lines.map((line, index) => ({
            id: randomUUID(),
            position: index + 1,
            ...line,
          })),
        },
      },
      include: { items },
    });
    response.status(201).send(orderOf(placed));
  },
);

app.use("/v1/orders", router);
app.use((_request, response) => {
  response.status(404).send("Not Found");
});
app.use((error, _request, response, next) => {
  response.locals.err = error;
  next(error);
});
app.listen(Number(PORT), "127.0.0.1");

function validated(schema) {
  return async (request, response, next) => {
    const { body, query, params } = request;
    try {
      await schema.parseAsync({ body, query, params });
    } catch ({ errors }) {
      const faults = errors.map(({ path, message }) => `${path.join(".")}: ${message}`);
      response.status(400).send({ success: false, message: `Invalid input: ${faults.join("; ")}` });
      return;
    }
    next();
  };
}

function orderOf({ tenantId: _tenant, totalMinor, items: lines, ...columns }) {
  return {
    ...columns,
    totalMinor: Number(totalMinor),
    items: lines.map(({ id, sku, quantity, unitPriceMinor }) => ({
      id,
      sku,
      quantity,
      unitPriceMinor: Number(unitPriceMinor),
    })),
  };
}
