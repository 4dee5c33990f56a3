/**
 * graphql-yoga with nothing around it: the service's statements, its kind of pool, its documents.
 *
 * Packages and generated client are those of the service: the folder in SERVICE.
 */

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

import { PrismaPg } from "@prisma/adapter-pg";
import { GraphQLScalarType } from "graphql";
import { createSchema, createYoga } from "graphql-yoga";
import pg from "pg";

import { connection, orderFrom, typeDefs } from "./schema.js";

const { DATABASE_URL, DATABASE_POOL_MAX, PORT, SERVICE, TENANT } = process.env;
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

const resolvers = {
  DateTime: new GraphQLScalarType({ name: "DateTime", serialize: (value) => value.toISOString() }),
  Query: {
    async order(_, { id }) {
      const [row] = await database.$queryRaw`
        ${SELECT} where o.tenant_id = ${TENANT} and o.id = ${id}::uuid`;
      return row && orderOf(row);
    },
    async orders(_, { first }) {
      const rows = await database.$queryRaw`
        ${SELECT} where o.tenant_id = ${TENANT} order by o.id desc limit ${first + 1}`;
      return connection(rows.map(orderOf), first);
    },
  },
  Mutation: {
    async createOrder(_, { input }) {
      const order = orderFrom(input, randomUUID);
      const { items } = order;
      await database.$transaction(async (transaction) => {
        await transaction.$executeRaw`
          with placed as (
            insert into orders (tenant_id, id, customer_id, status, currency, total_minor,
                                created_at, updated_at, version)
            values (${TENANT}, ${order.id}::uuid, ${order.customerId}::uuid, ${order.status},
                    ${order.currency}, ${order.totalMinor}, ${order.createdAt},
                    ${order.updatedAt}, ${order.version})
          )
          insert into order_items (tenant_id, id, order_id, position, sku, quantity,
                                   unit_price_minor)
          select ${TENANT}, item.id, ${order.id}::uuid, item.position,
                 item.sku, item.quantity, item.unit_price_minor
            from unnest(${items.map(({ id }) => id)}::uuid[],
                        ${items.map(({ sku }) => sku)}::text[],
                        ${items.map(({ quantity }) => quantity)}::integer[],
                        ${items.map(({ unitPriceMinor }) => unitPriceMinor)}::bigint[])
                 with ordinality as item (id, sku, quantity, unit_price_minor, position)`;
      });
      return order;
    },
  },
};

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  graphiql: false,
  landingPage: false,
  logging: false,
});

createServer(yoga).listen(Number(PORT), "127.0.0.1");

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
