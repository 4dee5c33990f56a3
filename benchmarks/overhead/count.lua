-- What every script of requests shares: a count of the answers that are not as expected, and one line
-- of JSON about the run. `expected(status, body)` is the script's own.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function count(expected)
  unexpected, last_unexpected = 0, 0
  response = function(status, _, body)
    if not expected(status, body) then
      unexpected, last_unexpected = unexpected + 1, status
    end
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
