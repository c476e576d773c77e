"""Addresses that settings or people name."""

from urllib.parse import urlsplit

_LONGEST = 500


def is_address(url: str) -> bool:
    """Whether a text is an address that can be asked over HTTP: of plain printable letters, with a
    host, and without a user in it, as that would be a secret.
    """
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    shape = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST
    return known and shape and parts.scheme in ("http", "https") and "@" not in parts.netloc
