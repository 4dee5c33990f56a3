/** The part of the service's schema that is asked for. */

export const typeDefs = /* GraphQL */ `
  scalar DateTime

  type OrderItem {
    id: ID!
    sku: String!
    quantity: Int!
    unitPriceMinor: Int!
  }

  type Order {
    id: ID!
    customerId: ID!
    status: String!
    currency: String!
    totalMinor: Float!
    items: [OrderItem!]!
    createdAt: DateTime!
    updatedAt: DateTime!
    version: Int!
  }

  type OrderEdge {
    cursor: String!
    node: Order!
  }

  type PageInfo {
    hasNextPage: Boolean!
    endCursor: String
  }

  type OrderConnection {
    edges: [OrderEdge!]!
    pageInfo: PageInfo!
  }

  type Query {
    order(id: ID!): Order
    orders(first: Int = 20): OrderConnection
  }

  input OrderItemInput {
    sku: String!
    quantity: Int!
    unitPriceMinor: Int!
  }

  input CreateOrderInput {
    customerId: ID!
    currency: String!
    items: [OrderItemInput!]!
    idempotencyKey: String!
  }

  type Mutation {
    createOrder(input: CreateOrderInput!): Order
  }
`;

/** A page of `first` orders, out of one more than that. */
export function connection(found, first) {
  const shown = found.slice(0, first);
  return {
    edges: shown.map((node) => ({ cursor: node.id, node })),
    pageInfo: { hasNextPage: found.length > first, endCursor: shown.at(-1)?.id ?? null },
  };
}

/** A new order of `input`; `newId` makes ids. */
export function orderFrom({ customerId, currency, items }, newId) {
  const now = new Date();
  return {
    id: newId(),
    customerId,
    status: "pending",
    currency,
    totalMinor: items.reduce((sum, item) => sum + item.quantity * item.unitPriceMinor, 0),
    items: items.map((item) => ({ id: newId(), ...item })),
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
}
