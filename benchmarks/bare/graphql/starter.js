/**
 * The same requests as services are often started with: Apollo Server on its own, a resolver for each
 * relation, and the calls of Prisma's documentation.
 *
 * The generated client is that of the service: the folder in SERVICE.
 */

import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { GraphQLScalarType } from "graphql";

import { connection, orderFrom, typeDefs } from "./schema.js";

const { DATABASE_URL, DATABASE_POOL_MAX, PORT, SERVICE, TENANT } = process.env;
const { PrismaClient } = await import(
  pathToFileURL(`${SERVICE}/dist/database/generated/client.js`).href
);
const { PrismaPg } = await import(
  pathToFileURL(`${SERVICE}/node_modules/@prisma/adapter-pg/dist/index.mjs`).href
);

const database = new PrismaClient({
  adapter: new PrismaPg({ connectionString: DATABASE_URL, max: Number(DATABASE_POOL_MAX) }),
});

const customers = /* GraphQL */ `
  type Customer {
    id: ID!
    name: String!
    orders(first: Int = 20): OrderConnection
  }

  type CustomerEdge {
    cursor: String!
    node: Customer!
  }

  type CustomerConnection {
    edges: [CustomerEdge!]!
    pageInfo: PageInfo!
  }

  extend type Query {
    customers(first: Int = 20): CustomerConnection
  }
`;

const page = (first) => ({ orderBy: { id: "desc" }, take: first + 1 });

const resolvers = {
  DateTime: new GraphQLScalarType({ name: "DateTime", serialize: (value) => value.toISOString() }),
  Query: {
    order: (_, { id }) =>
      database.order.findUnique({ where: { tenantId_id: { tenantId: TENANT, id } } }),
    orders: async (_, { first }) =>
      connection(
        await database.order.findMany({ where: { tenantId: TENANT }, ...page(first) }),
        first,
      ),
    customers: async (_, { first }) =>
      connection(
        await database.customer.findMany({ where: { tenantId: TENANT }, ...page(first) }),
        first,
      ),
  },
  Customer: {
    orders: async ({ id }, { first }) =>
      connection(
        await database.order.findMany({
          where: { tenantId: TENANT, customerId: id },
          ...page(first),
        }),
        first,
      ),
  },
  Order: {
    totalMinor: ({ totalMinor }) => Number(totalMinor),
    items: ({ id, items }) =>
      items ??
      database.orderItem.findMany({
        where: { tenantId: TENANT, orderId: id },
        orderBy: { position: "asc" },
      }),
  },
  OrderItem: { unitPriceMinor: ({ unitPriceMinor }) => Number(unitPriceMinor) },
  Mutation: {
    createOrder: async (_, { input }) => {
      const { items, ...order } = orderFrom(input, randomUUID);
      const lines = items.map((item, index) => ({ ...item, position: index + 1 }));
      return database.order.create({
        data: { tenantId: TENANT, ...order, items: { create: lines } },
        include: { items: { orderBy: { position: "asc" } } },
      });
    },
  },
};

const server = new ApolloServer({ typeDefs: [typeDefs, customers], resolvers, introspection: false });
await startStandaloneServer(server, { listen: { port: Number(PORT), host: "127.0.0.1" } });
