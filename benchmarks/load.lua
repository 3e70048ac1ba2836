-- Sends the requests of the file BENCH_REQUESTS in rotation. Record separators (0x1e) separate them; each unit separator
-- (0x1f) is replaced by 16 hexadecimal digits that differ in each request. Prints the result as one line of JSON.
local ready, at, sent = {}, 0, 0

function init()
  local file = assert(io.open(os.getenv("BENCH_REQUESTS"), "rb"))
  for one in file:read("*a"):gmatch("[^\30]+") do
    local parts = {}
    for part in one:gmatch("[^\31]+") do parts[#parts + 1] = part end
    ready[#ready + 1] = parts
  end
  file:close()
end

function request()
  at = at % #ready + 1
  sent = sent + 1
  local parts = ready[at]
  if #parts == 1 then return parts[1] end
  return table.concat(parts, string.format("%016x", sent))
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "microseconds": %d, "refused": %d, "broken": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, failed.status, failed.timeout + failed.connect + failed.read + failed.write,
    latency:percentile(50), latency:percentile(99)))
end
