"""A bundle as a small manifest and the parts it shares with other bundles, all named by hash.

A manifest or part is an object of two members: ``seen`` is what is written in it, ``parts`` names
further parts, by place or in order. In a manifest ``seen`` is the bundle less the places that are
parts: instrument, settings, calendar, news, the feed's memory, strategies, longer timeframes, and
the candles between the first group and the last (``engine.snapshot.rows``). A name is the SHA-256
of the canonical bytes before compression, so that the same bundle has the same name everywhere.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain
from operator import is_
from typing import Any

from engine.domain.feed_fault import FeedMemory
from engine.domain.market import Candle, Instrument, Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, CalendarView, Frame, Headline
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.snapshot.canonical import canonical, digest, plain, restore, squeeze, unsqueeze
from engine.snapshot.recent import Recent
from engine.snapshot.rows import groups, read_rows, write_rows

#: The stored bytes of a part by its hash; None when there is no such part.
Fetch = Callable[[str], bytes | None]

_REMEMBERED = 4096


@dataclass(frozen=True)
class Part:
    """A document under its hash. ``names`` are the parts it needs itself."""

    data: bytes
    names: tuple[str, ...] = ()

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return digest(self.data)

    @cached_property
    def body(self) -> bytes:
        """The bytes as they are stored."""
        return squeeze(self.data)


@dataclass(frozen=True, slots=True)
class Packed:
    """A bundle as stored: its manifest, every part below it by name, and the names by place."""

    manifest: Part
    parts: dict[str, Part]
    places: dict[str, Any]

    @property
    def hash(self) -> str:
        """The bundle's address."""
        return self.manifest.hash

    @property
    def body(self) -> bytes:
        """The manifest's stored bytes."""
        return self.manifest.body

    def below(self, names: Sequence[str]) -> list[Part]:
        """These parts and all that they need, by name."""
        wanted, waiting = {}, list(names)
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted[name] = self.parts[name]
                waiting += self.parts[name].names
        return [wanted[name] for name in sorted(wanted)]


class MissingParts(InvalidInput):
    """A bundle or part needs these and they were not given."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"part {names[0][:12]} is missing", names=names)
        self.names = tuple(names)


_WRITTEN: Recent[Any, tuple[tuple[Candle, ...], Part]] = Recent(_REMEMBERED)
_READ: Recent[str, Any] = Recent(_REMEMBERED)


def names_of(document: Any) -> tuple[str, ...]:
    """The parts a manifest or part names, in the order of its bytes."""
    named = document.get("parts", [])
    if isinstance(named, list):
        return tuple(named)
    places = [named[place] for place in sorted(named)]
    return tuple(chain(*([name] if isinstance(name, str) else name for name in places)))


def pack(bundle: Bundle) -> Packed:
    """The bundle's manifest and parts."""
    parts: dict[str, Part] = {}
    seen = plain(replace(bundle, candles=(), frames=()))
    for place in ("live", "prediction"):
        if getattr(bundle, place) is None:
            # As it was written before there was such a place: the same has the same name.
            del seen[place]
    named: dict[str, Any] = {}
    for place in ("instrument", "settings", "calendar", "news", "feed"):
        if seen[place]:
            named[place] = _add(parts, _part(seen.pop(place)))
    if seen["strategies"]:
        each = tuple(_add(parts, _part(strategy)) for strategy in seen.pop("strategies"))
        named["strategies"] = _add(parts, _list_part(each))
    if bundle.frames:
        del seen["frames"]
        named["frames"] = [_add(parts, _frame(parts, bundle, frame)) for frame in bundle.frames]
    _candles(parts, seen, named, bundle.symbol, bundle.timeframe, bundle.candles)
    return Packed(_part(seen, named), parts, named)


def _add(parts: dict[str, Part], part: Part) -> str:
    parts[part.hash] = part
    return part.hash


def _part(seen: Any, named: dict[str, Any] | None = None) -> Part:
    document = {"parts": named, "seen": seen} if named else {"seen": seen}
    return Part(canonical(document), names_of(document))


@lru_cache(_REMEMBERED)
def _list_part(names: tuple[str, ...]) -> Part:
    return Part(canonical({"parts": names}), names)


def _frame(parts: dict[str, Part], bundle: Bundle, frame: Frame) -> Part:
    seen = plain(replace(frame, candles=()))
    named: dict[str, Any] = {}
    _candles(parts, seen, named, bundle.symbol, frame.timeframe, frame.candles)
    return _part(seen, named)


def _candles(
    parts: dict[str, Part],
    seen: dict[str, Any],
    named: dict[str, Any],
    symbol: str,
    timeframe: Timeframe,
    candles: Sequence[Candle],
) -> None:
    """The first and the last group may lack candles and are written here; the others are parts."""
    found = groups(candles, timeframe.length)
    seen["candles"] = [write_rows(group) for group in (*found[:1], *found[1:][-1:])]
    blocks = tuple(_add(parts, _block(symbol, timeframe, group)) for group in found[1:-1])
    if blocks:
        named["candles"] = _add(parts, _list_part(blocks))


def _block(symbol: str, timeframe: Timeframe, group: tuple[Candle, ...]) -> Part:
    """Written once for as long as the same candles come."""
    key = (symbol, timeframe, group[0].time)
    known = _WRITTEN.recall(key)
    if known is None or not _same(known[0], group):
        return _WRITTEN.keep(key, (group, _part(write_rows(group))))[1]
    return _WRITTEN.keep(key, (group, known[1]))[1]


def _same(known: tuple[Candle, ...], group: tuple[Candle, ...]) -> bool:
    """Whether the candles are equal to their last digit; mostly they are the very same objects."""
    if len(known) != len(group):
        return False
    return all(map(is_, known, group)) or all(map(_exactly, known, group))


def _exactly(one: Candle, other: Candle) -> bool:
    return (
        one == other
        and one.open.same_quantum(other.open)
        and one.high.same_quantum(other.high)
        and one.low.same_quantum(other.low)
        and one.close.same_quantum(other.close)
    )


def unpack(hash_: str, body: bytes, fetch: Fetch) -> Bundle:
    """The bundle again.

    Raises :class:`InvalidInput` when any bytes are not those of their hash, and its kind
    :class:`MissingParts` when ``fetch`` has not got what is needed. Parts that were read before are
    not fetched again.
    """
    document = _open("bundle", hash_, body)
    if "seen" not in document:  # written whole, before there were parts
        return restore(Bundle, document)
    missing = [name for name in names_of(document) if name not in _READ and fetch(name) is None]
    if missing:
        raise MissingParts(missing)
    named, seen = document.get("parts", {}), document["seen"]
    for place, name in named.items():
        if place == "frames":
            seen[place] = [_read("frame", each, fetch) for each in name]
        elif place != "candles":
            seen[place] = _read(place, name, fetch)
    seen["candles"] = _join(document, fetch)
    return restore(Bundle, seen)


def _open(kind: str, hash_: str, body: bytes) -> Any:
    try:
        return json.loads(unsqueeze(hash_, body))
    except InvalidInput as error:
        raise InvalidInput(f"{kind} {error}") from error


def _read(place: str, name: str, fetch: Fetch) -> Any:
    known = _READ.recall(name)
    if known is not None:
        return known
    body = fetch(name)
    if body is None:
        raise MissingParts((name,))
    return _READ.keep(name, _DECODERS[place](_open("part", name, body), fetch))


def _join(document: Any, fetch: Fetch) -> tuple[Candle, ...]:
    """The candles of a bundle or a frame: the parts between its first and its last group."""
    ends = [read_rows(group) for group in document["seen"]["candles"]]
    name = document.get("parts", {}).get("candles")
    between = () if name is None else _read("candles", name, fetch)
    return (*(ends[0] if ends else ()), *between, *(ends[1] if ends[1:] else ()))


def _frame_of(document: Any, fetch: Fetch) -> Frame:
    return restore(Frame, document["seen"] | {"candles": _join(document, fetch)})


def _each(place: str, document: Any, fetch: Fetch) -> tuple[Any, ...]:
    return tuple(_read(place, name, fetch) for name in document["parts"])


_DECODERS: dict[str, Callable[[Any, Fetch], Any]] = {
    "instrument": lambda document, _: restore(Instrument, document["seen"]),
    "settings": lambda document, _: restore(RiskSettings, document["seen"]),
    "calendar": lambda document, _: restore(CalendarView, document["seen"]),
    "feed": lambda document, _: restore(FeedMemory, document["seen"]),
    "news": lambda document, _: restore(tuple[Headline, ...], document["seen"]),
    "strategy": lambda document, _: restore(Strategy, document["seen"]),
    "strategies": lambda document, fetch: _each("strategy", document, fetch),
    "block": lambda document, _: read_rows(document["seen"]),
    "candles": lambda document, fetch: tuple(chain(*_each("block", document, fetch))),
    "frame": _frame_of,
}
