-- Orders of two products each, of many, as clients place them; with an Idempotency-Key of its own each where asked.
-- Arguments: products, from the id, to the id, "keyed" or "bare", the token, a word that is this run's own.
local first, last, keyed, run, number = 1, 1, false, "", 0
local headers = { ["Content-Type"] = "application/json" }

function init(arguments)
  first, last, keyed = tonumber(arguments[1]), tonumber(arguments[2]), arguments[3] == "keyed"
  headers["Authorization"] = "Bearer " .. arguments[4]
  run = arguments[5]
  math.randomseed(tonumber(arguments[6]))
end

function request()
  number = number + 1
  local one = math.random(first, last)
  local other = one < last and one + 1 or first
  if keyed then headers["Idempotency-Key"] = run .. "-" .. number end
  local body = '{"items":[{"product_id":' .. one .. ',"quantity":1},{"product_id":' .. other .. ',"quantity":2}]}'
  return wrk.format("POST", "/api/v1/orders", headers, body)
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'wrk-report {"requests": %d, "duration": %d, "p50": %.1f, "p99": %.1f, ' ..
    '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
