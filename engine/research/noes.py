"""The noes of stretches of candles that are certain: why, and as the loop would fold them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from engine.domain.gate import HALTS, Check, before_signal
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.flow.evaluations import signature_of
from engine.gate.case import SCENE_CHECKS, Scene
from engine.gate.judge import scene_order
from engine.research.eyes import Eyes
from engine.research.figures import Flags
from engine.research.market_checks import Frame
from engine.research.screen import MARKET, OTHER_SIDE, PROPOSES, Screen, closed_in, screen, unmet_in
from engine.research.simulation import Limits, State, Venue
from engine.research.stream import Stream

#: The form of bundles that are made now.
_SCHEMA = Bundle.__dataclass_fields__["schema"].default
#: The checks of a scene that depend on us and the account, not on the candle.
_OURS = tuple(code for code in SCENE_CHECKS if code not in MARKET)


#: A reason, the closed checks, and the signature.
Why = tuple[str, tuple[str, ...], str]


@dataclass(eq=False)
class Noes:
    """Writes the noes of ``strategies``, the ones that speak of these candles, in their order."""

    eyes: Eyes
    strategies: Sequence[Strategy]
    _whys: dict[Any, dict[int, Why]] = field(default_factory=dict)
    _shuts: dict[Any, list[frozenset[Check]]] = field(default_factory=dict)

    @cached_property
    def asks(self) -> Flags:
        """Where the pipeline has to be asked, whatever the account is like."""
        asks = np.zeros(len(self.eyes.columns), dtype=np.bool_)
        for each in self.screens:
            asks |= each.asks
        return asks

    @cached_property
    def screens(self) -> list[Screen]:
        """A screen for each strategy."""
        eyes = self.eyes
        frame = Frame(
            instrument=eyes.instrument,
            settings=eyes.rules.settings,
            calendar=eyes.calendar,
            data=eyes.data,
            states=eyes.states,
        )
        return [screen(strategy, eyes.figures, frame) for strategy in self.strategies]

    def write(
        self, stream: Stream, first: int, end: int, state: State, venue: Venue, limits: Limits
    ) -> None:
        """The noes of a stretch in which neither we nor the account change, and these limits of the
        day are reached.
        """
        shut = self._shut(first, state, venue, limits)
        if len(self.strategies) == 1:
            self._write_one(stream, first, end, shut[0])
            return
        # Like candles in a row, in the order of their beginning and then of the strategies.
        found = sorted(
            (place, number, until)
            for number, each in enumerate(self.screens)
            for place, until in _runs(each.starts, first, end)
        )
        for place, number, until in found:
            why = self._why(number, self.screens[number].keys.item(place), shut[number])
            at = self.eyes.columns.closes(place)
            stream.no(at, self.strategies[number], *why, until - place)

    def _write_one(self, stream: Stream, first: int, end: int, ours: frozenset[Check]) -> None:
        """The same of the only strategy there is, which is nearly always so."""
        (strategy,), (seen,) = self.strategies, self.screens
        closes, whys = self.eyes.columns.closes, self._whys.setdefault((0, ours), {})
        for place, until in _runs(seen.starts, first, end):
            key = seen.keys.item(place) & ~OTHER_SIDE
            why = whys.get(key) or self._why(0, key, ours)
            stream.no(closes(place), strategy, *why, until - place)

    def _shut(
        self, place: int, state: State, venue: Venue, limits: Limits
    ) -> list[frozenset[Check]]:
        """The checks that we or the account close, by strategy. They are asked of a bundle once for
        each state of things that they can tell apart.
        """
        name = (state.control.version, limits, venue.sides())
        if name not in self._shuts:
            venue.move(place)
            bundle = self.eyes.bundle(place, state, venue.account(), venue.positions())
            scenes = [Scene(bundle=bundle, strategy=strategy) for strategy in self.strategies]
            self._shuts[name] = [
                frozenset(code for code in _OURS if not SCENE_CHECKS[code](scene)[0])
                for scene in scenes
            ]
        return self._shuts[name]

    def _why(self, number: int, key: int, ours: frozenset[Check]) -> Why:
        """Why there was no idea: the reason, the closed checks, and the signature."""
        whys, key = self._whys.setdefault((number, ours), {}), key & ~OTHER_SIDE
        known = whys.get(key)
        if known is None:
            strategy = self.strategies[number]
            shut = closed_in(key) | ours
            closed = tuple(str(code) for code in scene_order(_SCHEMA) if code in shut)
            first = [code for code in before_signal(_SCHEMA) if code in shut]
            unmet = unmet_in(key, self.screens[number].names)
            if key & PROPOSES:
                # A halt does not hold a setup back: it is refused by it.
                reason = f"blocked:{next(code for code in first if code not in HALTS)}"
            else:
                reason = f"none:{first[0] if first else f'condition:{unmet[0]}'}"
            version = self.eyes.rules.settings_version
            signature = signature_of(strategy, version, reason, closed, unmet)
            known = whys[key] = (reason, closed, signature)
        return known


def _runs(starts: list[int], first: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch in runs of like candles, each from its first one to before its end."""
    at = bisect_right(starts, first)
    while first < end:
        until = min(starts[at], end) if at < len(starts) else end
        yield first, until
        first, at = until, at + 1
