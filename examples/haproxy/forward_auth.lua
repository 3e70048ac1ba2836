-- Asks ARI about each request: http-request lua.forward-auth "scope=orders:read"
--
-- ARI_ADDRESS is ARI's address as HAProxy reaches it. The variable txn.ari_uri must have the client's path and query.
-- With a 200 of ARI txn.ari_verified is true: let nothing pass without it, since HAProxy goes on if a script fails. ARI's
-- RateLimit headers are in txn.ratelimit and txn.ratelimit_policy.
-- HAProxy's own HTTP client isn't used: it repeats a question without a response, which would be charged twice.

local HOST, PORT = (os.getenv("ARI_ADDRESS") or "127.0.0.1:3000"):match("^(.*):(%d+)$")
local TIMEOUT_SECONDS = 5
local SENT = { "x-api-key", "authorization", "user-agent", "x-request-id", "origin", "access-control-request-method" }
local IDENTITY = { "x-ari-key-id", "x-ari-key-name", "x-ari-key-consumer", "x-ari-key-scopes", "x-ari-key-metadata" }
local RETURNED = { "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id" }
local TOO_LARGE = {
    status = 431,
    headers = {},
    body = '{"title":"Request header fields too large","status":431,"code":"too_large"}',
}
local UNAVAILABLE = '{"title":"Service unavailable","status":503,"code":"unavailable"}'

local function write_question(txn, options)
    local lines = {
        "GET /api/forward-auth?" .. options .. " HTTP/1.1",
        "Host: ari",
        "Connection: close",
        "X-Original-Method: " .. txn.f:method(),
        "X-Original-URI: " .. txn:get_var("txn.ari_uri"),
        "X-Forwarded-For: " .. txn.f:src(),
    }
    local given = txn.http:req_get_headers()
    for _, name in ipairs(SENT) do
        local values = given[name]
        for index = 0, values and #values or -1 do  -- HAProxy counts from 0
            lines[#lines + 1] = name .. ": " .. values[index]
        end
    end
    return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function read_response(connection)
    local line = connection:receive("*l")
    local response = { status = tonumber((line or ""):match("^HTTP/1%.1 (%d%d%d)")), headers = {} }
    repeat
        line = connection:receive("*l")
        local name, value = (line or ""):match("^([^:]+):%s*(.-)%s*$")
        if name then
            response.headers[name:lower()] = value
        end
    until not line or line:gsub("\r", "") == ""
    local length = tonumber(response.headers["content-length"])
    if not line or not response.status or not length then
        return nil
    end
    response.body = length == 0 and "" or connection:receive(length)
    return response.body and response
end

local function ask(question)
    local connection, response = core.tcp(), nil
    connection:settimeout(TIMEOUT_SECONDS)
    if connection:connect(HOST, tonumber(PORT)) and connection:send(question) then
        response = read_response(connection)
    end
    connection:close()
    return response
end

local function refuse(txn, response)
    local reply = txn:reply({ status = response and response.status or 503 })
    reply:add_header("content-type", "application/problem+json")
    reply:add_header("cache-control", "no-store")
    if response then
        for _, name in ipairs(RETURNED) do
            if response.headers[name] then
                reply:add_header(name, response.headers[name])
            end
        end
    else
        reply:add_header("retry-after", "1")
    end
    reply:set_body(response and response.body or UNAVAILABLE)
    txn:done(reply)
end

-- HAProxy drops a header without a word if the request's head has no room for it.
local function holds_identity(txn, response)
    local set = txn.http:req_get_headers()
    for _, name in ipairs(IDENTITY) do
        local value, found = response.headers[name] or "", set[name]
        if value ~= "" and not (found and found[0] == value and not found[1]) then
            return false
        end
    end
    return true
end

core.register_action("forward-auth", { "http-req" }, function(txn, options)
    local response = ask(write_question(txn, options))
    if response and response.status >= 400 and response.status ~= 500 then
        return refuse(txn, response)
    end
    -- ARI sends every identity header with a 200, if only empty.
    if not response or response.status ~= 200 or not response.headers["x-ari-key-id"] then
        return refuse(txn, nil)
    end
    for _, name in ipairs(IDENTITY) do
        local value = response.headers[name]
        if value and value ~= "" then
            txn.http:req_set_header(name, value)
        end
    end
    if not holds_identity(txn, response) then
        return refuse(txn, TOO_LARGE)
    end
    txn:set_var("txn.ari_verified", true)
    txn:set_var("txn.ratelimit", response.headers["ratelimit"] or "")
    txn:set_var("txn.ratelimit_policy", response.headers["ratelimit-policy"] or "")
end, 1)
