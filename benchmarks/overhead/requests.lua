-- What wrk sends: one of the three requests, the same bytes to every subject, and a count of every
-- answer that is not 2xx (wrk itself counts only 400 and above).
-- Arguments: get|list|post TOKEN CUSTOMER_ID NONCE [ORDER_ID ...]
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  unexpected, last_unexpected = 0, 0
  local kind, token, customer, nonce = args[1], args[2], args[3], args[4]
  wrk.headers["Authorization"] = "Bearer " .. token
  if kind == "get" then
    local orders, next_order = {}, 0
    for position = 5, #args do
      orders[position - 4] = wrk.format("GET", "/v1/orders/" .. args[position])
    end
    request = function()
      next_order = next_order % #orders + 1
      return orders[next_order]
    end
  elseif kind == "list" then
    local list = wrk.format("GET", "/v1/orders?limit=20")
    request = function() return list end
  else
    local sent = 0
    local body = string.format(
      '{"customerId":"%s","currency":"EUR","items":[' ..
      '{"sku":"TEA-250","quantity":2,"unitPriceMinor":495},' ..
      '{"sku":"POT-1","quantity":1,"unitPriceMinor":2900}]}', customer)
    wrk.headers["Content-Type"] = "application/json"
    request = function()
      sent = sent + 1
      wrk.headers["Idempotency-Key"] = nonce .. "-" .. sent
      return wrk.format("POST", "/v1/orders", nil, body)
    end
  end
end

function response(status)
  if status < 200 or status > 299 then
    unexpected, last_unexpected = unexpected + 1, status
  end
end

function done(summary, latency)
  local unexpected_total, last_status = 0, 0
  for _, thread in ipairs(threads) do
    unexpected_total = unexpected_total + thread:get("unexpected")
    last_status = math.max(last_status, thread:get("last_unexpected"))
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "unexpected": %d, "unexpected_status": %d, ' ..
    '"socket_errors": %d, "p50_ms": %f, "p99_ms": %f}\n',
    summary.requests, summary.duration / 1e6, unexpected_total, last_status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
