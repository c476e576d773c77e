"""What the settings say about the EA server that signals are pushed to, checked."""

import re
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit, urlunsplit

from bot.codes import is_strong
from bot.settings import Settings
from broker.signal_push.server import HttpSignalServer
from engine.errors import InvalidInput

#: Where signals go when the address has no path.
PATH = "/signals"
#: Outside development a key has at least so many characters, and so many different ones.
_LONG, _MIXED = 16, 8
#: The key that the documents of such servers print.
_PRINTED = "mt5_trading_secure_key_2025_prod"
_KEY = re.compile(r"[!-~]{1,256}")


def server_of(settings: Settings) -> HttpSignalServer:
    """The server; raises :class:`InvalidInput` naming the setting that is missing or wrong."""
    if not settings.ea_push_interval < settings.ea_signal_life:
        raise InvalidInput(
            f"EA_SIGNAL_LIFE ({settings.ea_signal_life}) must be more than EA_PUSH_INTERVAL"
            f" ({settings.ea_push_interval}): signals would be too old before they are sent"
        )
    patience = timedelta(seconds=settings.ea_request_timeout)
    return HttpSignalServer(_url(settings), _key(settings), patience)


def _url(settings: Settings) -> str:
    if settings.ea_server_url is not None:
        return _checked(settings.ea_server_url)
    if settings.ea_server_ip is None:
        raise InvalidInput(
            "EA_SERVER_URL is not set: write where signals go, such as https://10.0.0.5:8443, or"
            " EA_SERVER_IP and EA_SERVER_PORT"
        )
    host = settings.ea_server_ip
    try:
        is_six = isinstance(ip_address(host), IPv6Address)
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}", host):
            raise InvalidInput("EA_SERVER_IP must be an address such as 192.168.15.18") from None
        is_six = False
    return f"http://{f'[{host}]' if is_six else host}:{settings.ea_server_port}{PATH}"


def _checked(url: str) -> str:
    """The address; without a path it gets the usual one. It holds no secrets, as it is shown."""
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise InvalidInput(f"EA_SERVER_URL is no address: {error}") from error
    plain = not ("@" in parts.netloc or parts.query or parts.fragment)
    shape = re.fullmatch(r"[!-~]{1,500}", url) is not None
    if not (known and plain and shape and parts.scheme in ("http", "https")):
        raise InvalidInput(
            "EA_SERVER_URL must be such as https://10.0.0.5:8443 or http://10.0.0.5:8080/signals,"
            " without a user, a query or a fragment"
        )
    return url if parts.path not in ("", "/") else urlunsplit(parts._replace(path=PATH))


def _key(settings: Settings) -> str:
    """The key; one that is printed in documents or short is none outside development."""
    how = "make one with: openssl rand -hex 32, and give it to the EA server too"
    if settings.ea_api_key is None:
        raise InvalidInput(f"EA_API_KEY is not set; {how}")
    key = settings.ea_api_key.get_secret_value()
    if not _KEY.fullmatch(key):
        raise InvalidInput("EA_API_KEY must have 1 to 256 printable characters without spaces")
    strong = is_strong(key, size=_LONG, different=_MIXED) and key != _PRINTED
    if settings.is_production and not strong:
        raise InvalidInput(f"EA_API_KEY is too easy to guess; {how}")
    return key
