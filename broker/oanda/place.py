"""Which address is OANDA's practice, and where real money moves."""

from urllib.parse import urlsplit

from engine.errors import InvalidInput

PRACTICE = "https://api-fxpractice.oanda.com"
_LOCAL = frozenset(("127.0.0.1", "localhost", "::1"))
#: OANDA's own practice, and a stand-in on this machine.
_PLAY = frozenset(("api-fxpractice.oanda.com", *_LOCAL))


def is_real(url: str) -> bool:
    """Whether real money moves at an address: everywhere but where it is known not to. Raises
    :class:`InvalidInput` for an address without https, except on this machine.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)
    if not secure or not host or parts.query or parts.username is not None:
        raise InvalidInput(f"OANDA_URL is not like {PRACTICE}")
    return host not in _PLAY
