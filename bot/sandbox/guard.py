"""Keeps the sandbox to this machine and this page: who may call, and what a browser may load."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOOPBACK_NAMES = {"127.0.0.1", "localhost", "[::1]"}
# The page itself may be opened from a link anywhere; nothing else may be used from elsewhere.
PUBLIC_PATHS = ("/page/",)
# What browsers call requests of the page itself, and addresses typed by a person.
OWN_REQUESTS = ("same-origin", "none")
# Not every browser counts a WebSocket to the same host as 'self'.
POLICY = (
    "default-src 'self'; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A name that resolves to 127.0.0.1 (DNS rebinding) or another site's script gets 403."""
    refusal = _refusal(request)
    response = (
        web.Response(status=403, text=refusal) if refusal else await _handle(request, handler)
    )
    if not response.prepared:
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-cache")
        if not refusal:
            policy = POLICY.format(host=request.headers["Host"])
            response.headers["Content-Security-Policy"] = policy
    return response


async def _handle(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        body = {"ok": False, "error_code": 404, "description": "Not Found"}
        return web.json_response(body, status=404)
    except web.HTTPMethodNotAllowed as error:
        body = {"ok": False, "error_code": 405, "description": "Method Not Allowed"}
        return web.json_response(body, status=405, headers={"Allow": error.headers["Allow"]})


def _refusal(request: web.Request) -> str | None:
    host = request.headers.get("Host", "")
    if host_name(host) not in LOOPBACK_NAMES:
        return "The sandbox answers on 127.0.0.1 and localhost only."
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        return "Another site's page may not use the sandbox."
    is_page = request.path == "/" or request.path.startswith(PUBLIC_PATHS)
    if request.headers.get("Sec-Fetch-Site", "none") not in OWN_REQUESTS and not is_page:
        return "Another site's page may not use the sandbox."
    return None


def host_name(host: str) -> str:
    """The Host header without its port; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        return host[: host.find("]") + 1]
    return host.rsplit(":", 1)[0] if ":" in host else host
