"""The body of an HTTP answer as JSON: read up to a bound, strictly."""

from collections.abc import Sequence
from typing import Any

from aiohttp import ClientResponse

from broker.wire import Broken, load

#: Nothing that a venue is asked for is longer, in bytes.
_LARGEST = 4 * 2**20


async def body_of(answer: ClientResponse, *good: int, hidden: Sequence[str] = ()) -> Any:
    """What was answered, without what is ``hidden``: some repeat the key that they refuse.

    Raises :class:`Broken` for what is too long, and for what is no JSON where the status is one of
    the ``good``. A gateway's page is no answer of a venue, while its status still says enough: it
    is an empty document.
    """
    raw = bytearray()
    async for chunk in answer.content.iter_any():
        raw += chunk
        if len(raw) > _LARGEST:
            raise Broken("the answer is too long")
    try:
        return load(without(bytes(raw), hidden))
    except Broken:
        if answer.status in good:
            raise
        return {}


def without(raw: bytes, hidden: Sequence[str]) -> bytes:
    """A body in which nothing hidden is left."""
    for secret in hidden:
        raw = raw.replace(secret.encode(), b"***")
    return raw
