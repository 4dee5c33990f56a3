-- What wrk sends to a REST API: one of three requests, the same bytes to every subject. An answer that
-- is not 2xx is unexpected (wrk itself counts only 400 and above).
-- Arguments: get|list|post TOKEN CUSTOMER_ID NONCE ORDER_ID ...
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "count.lua")

function init(args)
  count(function(status) return status >= 200 and status <= 299 end)
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
