"""Who asks: the session of a cookie, or a machine's key.

A cookie that a browser sends by itself is only believed for a change when the page that asks is
ours: ``SameSite=Strict``, and ``Origin`` and ``Sec-Fetch-Site`` where a browser says them.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web

from bot.api.uses import Access
from engine.domain.access import Caller
from engine.errors import NotAllowed, NotKnown
from engine.flow.logins import digest

SESSION_COOKIE = "auth_token"
DEVICE_COOKIE = "device_token"
KEY_HEADER = "X-API-Key"

#: Seconds for which who was found is not looked for again; a revoked session is dead after it.
_SAME_SECONDS = 0.5
_MOST_KNOWN = 1_000
_LONGEST = 1_024
_OUR_SITES = ("same-origin", "none")


@dataclass(slots=True, kw_only=True)
class Credentials:
    """Finds who asks. ``origins`` are the pages beside our own that may ask with a cookie."""

    access: Access
    timer: Callable[[], float]
    origins: frozenset[str] = frozenset()
    _known: OrderedDict[str, tuple[float, Caller]] = field(default_factory=OrderedDict)

    async def __call__(self, request: web.Request) -> Caller | None:
        """Who asks, or None where nothing is shown. Raises :class:`NotKnown` for something that is
        not good, and :class:`NotAllowed` for a cookie from a page that is not ours.
        """
        if (secret := _key(request)) is not None:
            return await self._found(secret, self.access.find_key)
        token = request.cookies.get(SESSION_COOKIE)
        if token is None:
            return None
        self.must_be_ours(request)
        session = self.access.tokens.session_id(token) if len(token) <= _LONGEST else None
        if session is None:
            raise NotKnown("the session has ended; log in again")
        return await self._found(session, self.access.find_session)

    def must_be_ours(self, request: web.Request) -> None:
        """Refuse a change that another site's page asks for; raises :class:`NotAllowed`."""
        if request.method in ("GET", "HEAD"):
            return
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        is_ours = origin is None or origin in self.origins or _same(origin, request)
        if not is_ours or (site is not None and site not in _OUR_SITES and origin is None):
            raise NotAllowed("another site's page cannot do this")

    def forget(self) -> None:
        """Look for everybody again: somebody logged out."""
        self._known.clear()

    async def _found(self, shown: str, find: Callable[[str], Awaitable[Caller | None]]) -> Caller:
        name, now = digest(shown), self.timer()
        seen = self._known.get(name)
        if seen is not None and now - seen[0] < _SAME_SECONDS:
            return seen[1]
        caller = await find(shown)
        if caller is None:
            self._known.pop(name, None)
            raise NotKnown("this opens nothing any more; log in again, or ask for a new key")
        self._known[name] = (now, caller)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return caller


def _key(request: web.Request) -> str | None:
    """A machine's key, in either of its two headers."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
    if not 1 <= len(key) <= _LONGEST or not key.isascii():
        raise NotKnown("this is no key")
    return key


def _same(origin: str, request: web.Request) -> bool:
    """Whether a page is of the host that was asked; a proxy may have taken TLS away."""
    return urlsplit(origin).netloc.lower() == request.host.lower()
