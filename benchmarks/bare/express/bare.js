/**
 * Express with nothing around it: the service's statements, its kind of pool, its documents.
 *
 * With TUNED=1 it also leaves out what the service leaves out of Express and what is no layer: the
 * hash of every body as its ETag, the parser of queries, X-Powered-By, and the steps of
 * `response.json`.
 *
 * Packages and generated client are those of the service: the folder in SERVICE.
 */

import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

import { PrismaPg } from "@prisma/adapter-pg";
import express from "express";
import pg from "pg";
import { z } from "zod";

const { DATABASE_URL, DATABASE_POOL_MAX, PORT, SERVICE, TENANT, TUNED } = process.env;
const generated = pathToFileURL(`${SERVICE}/dist/database/generated/client.js`);
const { Prisma, PrismaClient } = await import(generated.href);

const pool = new pg.Pool({
  connectionString: DATABASE_URL,
  max: Number(DATABASE_POOL_MAX),
  connectionTimeoutMillis: 500,
});
const database = new PrismaClient({ adapter: new PrismaPg(pool) });

const SELECT = Prisma.sql`
select o.id, o.customer_id as "customerId", o.status, o.currency, o.total_minor as "totalMinor",
       o.created_at as "createdAt", o.updated_at as "updatedAt", o.version,
       (select coalesce(json_agg(json_build_array(i.id, i.sku, i.quantity, i.unit_price_minor)
                                 order by i.position), '[]')
          from order_items i
         where i.tenant_id = o.tenant_id and i.order_id = o.id) as items
  from orders o`;

const orderPath = z.object({ orderId: z.guid() });
const orderQuery = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) });
const newOrder = z.object({
  customerId: z.guid(),
  currency: z.string(),
  items: z.array(z.object({ sku: z.string(), quantity: z.int(), unitPriceMinor: z.int() })),
});

const app = express();
if (TUNED === "1") {
  app.disable("x-powered-by");
  app.disable("etag");
  app.disable("query parser");
}

app.get("/v1/orders/:orderId", async (request, response) => {
  const { orderId } = orderPath.parse(request.params);
  const [row] = await database.$queryRaw`
    ${SELECT} where o.tenant_id = ${TENANT} and o.id = ${orderId}::uuid`;
  if (row === undefined) {
    response.sendStatus(404);
  } else {
    answer(response, 200, orderOf(row));
  }
});

app.get("/v1/orders", async (request, response) => {
  const { limit } = orderQuery.parse(queryOf(request));
  const rows = await database.$queryRaw`
    ${SELECT} where o.tenant_id = ${TENANT} order by o.id desc limit ${limit + 1}`;
  const items = rows.slice(0, limit).map(orderOf);
  answer(response, 200, {
    items,
    nextCursor: rows.length > limit ? items[items.length - 1].id : null,
  });
});

app.post("/v1/orders", express.json(), async (request, response) => {
  const { customerId, currency, items: lines } = newOrder.parse(request.body);
  const now = new Date();
  const items = lines.map((line) => ({ id: randomUUID(), ...line }));
  const order = {
    id: randomUUID(),
    customerId,
    status: "pending",
    currency,
    totalMinor: items.reduce((sum, item) => sum + item.quantity * item.unitPriceMinor, 0),
    items,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
  await database.$transaction(async (transaction) => {
    await transaction.$executeRaw`
      with placed as (
        insert into orders (tenant_id, id, customer_id, status, currency, total_minor,
                            created_at, updated_at, version)
        values (${TENANT}, ${order.id}::uuid, ${order.customerId}::uuid, ${order.status},
                ${order.currency}, ${order.totalMinor}, ${order.createdAt}, ${order.updatedAt},
                ${order.version})
      )
      insert into order_items (tenant_id, id, order_id, position, sku, quantity, unit_price_minor)
      select ${TENANT}, item.id, ${order.id}::uuid, item.position,
             item.sku, item.quantity, item.unit_price_minor
        from unnest(${items.map(({ id }) => id)}::uuid[],
                    ${items.map(({ sku }) => sku)}::text[],
                    ${items.map(({ quantity }) => quantity)}::integer[],
                    ${items.map(({ unitPriceMinor }) => unitPriceMinor)}::bigint[])
             with ordinality as item (id, sku, quantity, unit_price_minor, position)`;
  });
  answer(response, 201, order);
});

app.listen(Number(PORT), "127.0.0.1");

function queryOf(request) {
  if (TUNED === "1") {
    const [, query] = request.url.split("?", 2);
    return Object.fromEntries(new URLSearchParams(query));
  }
  return request.query;
}

function answer(response, status, document) {
  if (TUNED === "1") {
    const body = JSON.stringify(document);
    response
      .writeHead(status, {
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(body),
      })
      .end(body);
  } else {
    response.status(status).json(document);
  }
}

function orderOf({ totalMinor, items, ...columns }) {
  return {
    ...columns,
    totalMinor: Number(totalMinor),
    items: items.map(([id, sku, quantity, unitPriceMinor]) => ({
      id,
      sku,
      quantity,
      unitPriceMinor,
    })),
  };
}
