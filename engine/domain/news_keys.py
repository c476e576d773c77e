"""By what a headline is known again: digests of its id, its link and its words."""

import re
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from engine.domain.feed import NewsItem

#: Parts of a link that only say where a reader came from.
_TRACKING = re.compile(r"utm_|fbclid$|gclid$|mc_[ce]id$|cmpid$|at_|src$|ref$")
_WORD = re.compile(r"\w+")


def guid_key(item: NewsItem) -> str | None:
    """The feed's own name for it. Names that are no addresses are a feed's own counting, so that
    the source belongs to them.
    """
    if not item.guid:
        return None
    is_address = item.guid.startswith(("http://", "https://", "tag:", "urn:"))
    return _digest(item.guid if is_address else f"{item.source}\n{item.guid}")


def link_key(item: NewsItem) -> str | None:
    """The address without what only counts readers; None for a bare site."""
    try:
        parts = urlsplit(item.link)
    except ValueError:
        return None
    kept = [pair for pair in parse_qsl(parts.query) if not _TRACKING.match(pair[0])]
    if not parts.netloc or (parts.path in ("", "/") and not kept):
        return None
    path = parts.path.rstrip("/")
    plain = urlunsplit(("", parts.netloc.lower().removeprefix("www."), path, urlencode(kept), ""))
    return _digest(plain)


def words_key(item: NewsItem) -> str:
    """The words alone, without case and signs."""
    return _digest(" ".join(_WORD.findall(item.headline.casefold())))


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
