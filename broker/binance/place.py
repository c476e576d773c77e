"""Which address is the real exchange, and which one only plays."""

from urllib.parse import urlsplit

from engine.errors import InvalidInput

#: The exchange's own networks without real money, and a stand-in on this machine.
_PLAY = frozenset(
    ("testnet.binance.vision", "demo-api.binance.com", "127.0.0.1", "localhost", "::1")
)
_LOCAL = frozenset(("127.0.0.1", "localhost", "::1"))


def is_real(url: str) -> bool:
    """Whether real money moves at an address: everywhere but where it is known not to. Raises
    :class:`InvalidInput` for an address without https, except on this machine.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)
    if not secure or not host or parts.query or parts.username is not None:
        raise InvalidInput("BINANCE_URL is not like https://testnet.binance.vision")
    return host not in _PLAY
