"""Which address of an exchange moves real money, and which one only plays."""

from collections.abc import Collection
from urllib.parse import urlsplit

from engine.errors import InvalidInput

#: A stand-in on this machine.
_LOCAL = frozenset(("127.0.0.1", "localhost", "::1"))


def moves_money(url: str, play: Collection[str], *, setting: str, example: str) -> bool:
    """Whether real money moves at an address: everywhere but on this machine and at the hosts that
    only ``play``. Raises :class:`InvalidInput`, which names the setting, for what is no address
    and for one without https, except on this machine.
    """
    wrong = f"{setting} is not like {example}"
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise InvalidInput(wrong) from error
    is_local = host in _LOCAL
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_local)
    if not secure or not host or parts.query or parts.username is not None:
        raise InvalidInput(wrong)
    return not is_local and host not in play
