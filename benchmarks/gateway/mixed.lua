-- Many users on many paths: 100 paths, 200 tokens, and on half of the requests a trace and a request id of their own.
-- One request in 200 comes from a caller that samples its trace. All are made beforehand; no two of them are the same.
local requests, next_one = {}, 0

function init(arguments)
  local tokens = {}
  for token in io.lines(arguments[1]) do tokens[#tokens + 1] = token end
  local base = wrk.path:match("^(.*/)[^/]*$")
  math.randomseed(7)
  for n = 1, 20000 do
    local headers = { ["Authorization"] = "Bearer " .. tokens[math.random(#tokens)] }
    if n % 2 == 0 then
      headers["X-Request-ID"] = string.format("load-%08x-%08x", n, math.random(0, 2^31 - 1))
      headers["Traceparent"] = string.format("00-%08x%08x%08x%08x-%08x%08x-%s", n, math.random(0, 2^31 - 1),
        math.random(0, 2^31 - 1), math.random(1, 2^31 - 1), n, math.random(1, 2^31 - 1), n % 200 == 0 and "01" or "00")
    end
    requests[n] = wrk.format("GET", base .. math.random(100), headers)
  end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'wrk-report {"requests": %d, "duration": %d, "p50": %.1f, "p99": %.1f, ' ..
    '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
