"""Parts of fuzzed requests: ordinary words first and most, odd ones among them."""

TARGETS = [
    b"/api/me",
    b"/api/keys",
    b"/api/usage",
    b"/api/events",
    b"/api/openapi.json",
    b"/api/verify",
    b"/api/nothing",
]
METHODS = [
    b"GET",
    b"GET",
    b"GET",
    b"HEAD",
    b"POST",
    b"PATCH",
    b"DELETE",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"get",
    b"G T",
]
VERSIONS = [b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"HTTP/1.1 ", b""]
ENDINGS = [b"\r\n"] * 8 + [b"\n", b"\r", b"\r\r\n", b"\x00\r\n"]
NAMES = [
    b"x-api-key",
    b"X-API-KEY",
    b"x_api_key",
    b"x-api-key ",
    b" x-api-key",
    b"x-api-key\x00",
    b"authorization",
    b"x-request-id",
    b"cookie",
    b"host",
    b"content-length",
    b"transfer-encoding",
    b"content-type",
    b"expect",
    b"upgrade",
    b"connection",
    b"x-forwarded-for",
    b"origin",
    b"accept",
    b"te",
    b":authority",
    b"",
    b"\xc3\xa9",
]
