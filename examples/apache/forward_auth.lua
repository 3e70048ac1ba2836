-- Asks ARI about each request, before Apache passes it on (LuaHookAccessChecker, function "check").
--
-- The environment variable ARI_OPTIONS says what the key needs, such as scope=orders:read; set it with SetEnvIfExpr.
-- With a 200 of ARI the variable ARI_VERIFIED is set: let nothing pass without it (Require env ARI_VERIFIED). Each thread keeps its connection to ARI (LuaScope thread).

local socket = require "socket"

local HOST, PORT = "127.0.0.1", 3000
local TIMEOUT_SECONDS = 5
local SENT = { "x-api-key", "authorization", "user-agent", "x-request-id", "origin", "access-control-request-method" }
local RETURNED = { "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id" }
local IDENTITY = {
    "X-Ari-Key-Id", "X-Ari-Key-Name", "X-Ari-Key-Consumer", "X-Ari-Key-Scopes", "X-Ari-Key-Metadata",
}
local UNAVAILABLE = '{"title":"Service unavailable","status":503,"code":"unavailable"}'

local kept

local function write_question(r)
    local lines = {
        "GET /api/forward-auth?" .. (r.subprocess_env["ARI_OPTIONS"] or "") .. " HTTP/1.1",
        "Host: ari",
        "X-Original-Method: " .. r.method,
        "X-Original-URI: " .. r.unparsed_uri,
        "X-Forwarded-For: " .. r.useragent_ip,
    }
    for _, name in ipairs(SENT) do
        local value = r.headers_in[name]
        if value then
            lines[#lines + 1] = name .. ": " .. value
        end
    end
    return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- The response, and whether ARI gave none because it had closed a kept connection.
local function ask(connection, question)
    if not connection:send(question) then
        return nil, true
    end
    local line, problem, partial = connection:receive("*l")
    if not line then
        return nil, problem == "closed" and partial == ""
    end
    local response = { status = tonumber(line:match("^HTTP/1%.1 (%d%d%d)")), headers = {} }
    repeat
        line = connection:receive("*l")
        local name, value = (line or ""):match("^([^:]+):%s*(.-)%s*$")
        if name then
            response.headers[name:lower()] = value
        end
    until not line or line == ""
    local length = tonumber(response.headers["content-length"])
    if not line or not response.status or not length then
        return nil, false
    end
    response.body = length == 0 and "" or connection:receive(length)
    return response.body and response, false
end

local function verify(question)
    local response, is_stale
    local before = kept
    kept = nil
    if before then
        response, is_stale = ask(before, question)
    end
    if not before or is_stale then
        before = socket.tcp()
        before:settimeout(TIMEOUT_SECONDS)
        if before:connect(HOST, PORT) then
            before:setoption("tcp-nodelay", true)
            response = ask(before, question)
        end
    end
    if response and (response.headers["connection"] or ""):lower() ~= "close" then
        kept = before
    else
        before:close()
    end
    return response
end

local function refuse(r, response)
    r.status = response and response.status or 503
    r.content_type = "application/problem+json"
    r.err_headers_out["Cache-Control"] = "no-store"
    if response then
        for _, name in ipairs(RETURNED) do
            if response.headers[name] then
                r.err_headers_out[name] = response.headers[name]
            end
        end
    else
        r.err_headers_out["Retry-After"] = "1"
    end
    r:puts(response and response.body or UNAVAILABLE)
    return apache2.DONE
end

-- mod_proxy removes every header that Connection names, and a client could name those of ARI there. Only WebSockets may
-- replace HTTP: any other protocol, such as h2c, would carry requests past ARI.
local function limit_connection(r)
    local kept = {}
    r.headers_in["HTTP2-Settings"] = nil
    if (r.headers_in["Upgrade"] or ""):lower() ~= "websocket" then
        r.headers_in["Upgrade"] = nil
    end
    for token in (r.headers_in["Connection"] or ""):lower():gmatch("[^%s,]+") do
        if token == "close" or token == "keep-alive" or token == "upgrade" then
            kept[#kept + 1] = token
        end
    end
    r.headers_in["Connection"] = #kept > 0 and table.concat(kept, ", ") or nil
end

-- One path has one spelling, so that it has one scope: no //, /./, /../, backslash, ; or encoded ones of these.
local function is_ambiguous(uri)
    local path = uri:match("^[^?]*"):lower():gsub("^%a[%w+.-]*://[^/]*", ""):gsub("%%2e", ".") .. "/"
    for _, pattern in ipairs({ "//.", "/%./", "/%.%./", "[\\;#]", "%%2f", "%%5c", "%%3b", "%%23", "%%[01].", "%%7f", "%%c2%%[89]." }) do
        if path:find(pattern) then
            return true
        end
    end
    return false
end

function check(r)
    -- A tunnel would carry requests past ARI.
    if r.method:upper() == "CONNECT" or r.method:upper() == "TRACE" then
        return 405
    end
    if is_ambiguous(r.unparsed_uri) then
        return 400
    end
    -- Apache removes headers that clients name in Connection, also those that this script sets.
    if (r.headers_in["Connection"] or ""):lower():find("x-ari", 1, true) then
        return 400
    end
    local question = write_question(r)
    -- Apps that read headers from CGI variables make no difference between "-" and "_", some none to ".". Some frameworks
    -- take X-Original-URL or X-Rewrite-URL for the path, which has another scope. Apache itself sets X-Forwarded-For.
    for name in pairs(r:headers_in_table()) do
        local lower = name:lower()
        local is_path = lower:find("^x[^%w]original[^%w]url$") or lower:find("^x[^%w]rewrite[^%w]url$")
        if is_path or lower:find("^x[^%w]ari") or lower:find("^x[^%w]forwarded[^%w]for$") then
            r.headers_in[name] = nil
        end
    end
    limit_connection(r)
    local response = verify(question)
    if response and response.status >= 400 and response.status ~= 500 then
        return refuse(r, response)
    end
    -- ARI sends every identity header with a 200, if only empty.
    if not response or response.status ~= 200 or not response.headers["x-ari-key-id"] then
        return refuse(r, nil)
    end
    for _, name in ipairs(IDENTITY) do
        local value = response.headers[name:lower()]
        if value and value ~= "" then
            r.headers_in[name] = value
        end
    end
    for _, name in ipairs({ "ratelimit", "ratelimit-policy" }) do
        if response.headers[name] then
            r.err_headers_out[name] = response.headers[name]
        end
    end
    r.subprocess_env["ARI_VERIFIED"] = "yes"
    return apache2.OK
end
