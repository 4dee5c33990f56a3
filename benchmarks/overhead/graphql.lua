-- What wrk sends to a GraphQL API: one of three operations, the same bytes to every subject. An answer
-- with an error in it has the status 200 as well, so what is looked for is the operation's data.
-- Arguments: get|list|post TOKEN CUSTOMER_ID NONCE ORDER_ID ...
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "count.lua")

local ORDER = "id customerId status currency totalMinor createdAt updatedAt version" ..
  " items { id sku quantity unitPriceMinor }"

local OPERATIONS = {
  get = "query GetOrder($id: ID!) { order(id: $id) { " .. ORDER .. " } }",
  list = "query ListOrders { orders(first: 20) { edges { node { " .. ORDER .. " } }" ..
    " pageInfo { hasNextPage endCursor } } }",
  post = "mutation PlaceOrder($input: CreateOrderInput!) { createOrder(input: $input) {" ..
    " __typename ... on Order { " .. ORDER .. " } } }",
}

local SIGNS = {
  get = '"order":{"id":"',
  list = '"edges":[{"node":{"id":"',
  post = '"__typename":"Order"',
}

local function post(kind, variables)
  local body = string.format('{"query":"%s","variables":%s}', OPERATIONS[kind], variables)
  return wrk.format("POST", "/graphql", nil, body)
end

function init(args)
  local kind, token, customer, nonce = args[1], args[2], args[3], args[4]
  local sign = SIGNS[kind]
  count(function(status, body) return status == 200 and body:find(sign, 1, true) ~= nil end)
  wrk.headers["Authorization"] = "Bearer " .. token
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Accept"] = "application/graphql-response+json"
  if kind == "get" then
    local orders, next_order = {}, 0
    for position = 5, #args do
      orders[position - 4] = post(kind, string.format('{"id":"%s"}', args[position]))
    end
    request = function()
      next_order = next_order % #orders + 1
      return orders[next_order]
    end
  elseif kind == "list" then
    local list = post(kind, "{}")
    request = function() return list end
  else
    local sent = 0
    local input = '{"input":{"customerId":"%s","currency":"EUR","items":[' ..
      '{"sku":"TEA-250","quantity":2,"unitPriceMinor":495},' ..
      '{"sku":"POT-1","quantity":1,"unitPriceMinor":2900}],"idempotencyKey":"%s-%d"}}'
    request = function()
      sent = sent + 1
      return post(kind, string.format(input, customer, nonce, sent))
    end
  end
end
