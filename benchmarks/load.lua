-- Rotates through ready-made requests (the file in BENCH_REQUESTS, separated by the record separator) and tells the
-- result as one line of JSON.
local ready, at = {}, 0

function init()
  local file = assert(io.open(os.getenv("BENCH_REQUESTS"), "rb"))
  for one in file:read("*a"):gmatch("[^\30]+") do ready[#ready + 1] = one end
  file:close()
end

function request()
  at = at % #ready + 1
  return ready[at]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "microseconds": %d, "refused": %d, "broken": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, failed.status, failed.timeout + failed.connect + failed.read + failed.write,
    latency:percentile(50), latency:percentile(99)))
end
