-- One line of JSON at the end of a wrk run. wrk asks nothing of this script while it loads.
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'wrk-report {"requests": %d, "duration": %d, "p50": %.1f, "p99": %.1f, ' ..
    '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
